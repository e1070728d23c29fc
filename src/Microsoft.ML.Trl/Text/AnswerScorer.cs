namespace Microsoft.ML.Trl.Text;

/// <summary>
/// Scores what a policy has written: its very tokens where the reward model's tokenizer knows them, otherwise the text; of conversations,
/// what the reward model's own chat template makes of the messages, where it has one, as in TRL. Prompts that have ended, as those that an
/// encoder reads, are no beginning of a longer row: there it is the text, too.
/// </summary>
internal static class AnswerScorer
{
    /// <summary>One score per answer.</summary>
    /// <param name="reward">Scores.</param>
    /// <param name="tokenizer">The policy's.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="answers">What the policy wrote; an end token that it did not write is not added.</param>
    public static float[] Score(
        TextRewardModel reward, TextTokenizer tokenizer, IReadOnlyList<RowPrompt> prompts, IReadOnlyList<Answer> answers)
    {
        bool hasEndedPrompts = answers.Any(answer => answer.Prompt.Length > 0 && answer.Prompt[^1] == tokenizer.EosTokenId);
        bool readsTokens = !hasEndedPrompts && tokenizer.IsReadBy(reward.Tokenizer);
        RowCodec texts = reward.Codec.Rows(isConversational: false);
        bool renders = prompts.Any(prompt => prompt.IsConversation) && reward.Tokenizer.ChatTemplate is not null;
        RowCodec? conversations = renders ? reward.Codec.Rows(isConversational: true) : null;
        return reward.Score([.. answers.Zip(prompts, (answer, prompt) =>
            prompt.IsConversation && conversations is not null ? conversations.Answered(prompt.Given, answer.Text, prompt.With)
            : readsTokens ? [.. answer.Prompt, .. answer.Tokens]
            : texts.Answered(prompt.Text, answer.Text, prompt.With, answer.HasEnded))]);
    }
}
