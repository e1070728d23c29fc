namespace Microsoft.ML.Trl.Text;

/// <summary>
/// Scores what a policy has written: its very tokens where the reward model's tokenizer knows them, otherwise the text. Prompts that have
/// ended, as those that an encoder reads, are no beginning of a longer row: there it is the text, too.
/// </summary>
internal static class AnswerScorer
{
    /// <summary>One score per answer.</summary>
    /// <param name="reward">Scores.</param>
    /// <param name="tokenizer">The policy's.</param>
    /// <param name="prompts">The prompts as text, for a reward model with another tokenizer.</param>
    /// <param name="answers">What the policy wrote; an end token that it did not write is not added.</param>
    public static float[] Score(
        TextRewardModel reward, TextTokenizer tokenizer, IReadOnlyList<string> prompts, IReadOnlyList<Answer> answers)
    {
        bool hasEndedPrompts = answers.Any(answer => answer.Prompt.Length > 0 && answer.Prompt[^1] == tokenizer.EosTokenId);
        if (!hasEndedPrompts && tokenizer.IsReadBy(reward.Tokenizer))
            return reward.Score([.. answers.Select(answer => (int[])[.. answer.Prompt, .. answer.Tokens])]);
        return reward.Score([.. answers.Zip(prompts, (answer, prompt) => reward.Codec.Whole(prompt + answer.Text, answer.HasEnded))]);
    }
}
