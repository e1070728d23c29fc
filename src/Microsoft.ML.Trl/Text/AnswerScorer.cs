namespace Microsoft.ML.Trl.Text;

/// <summary>Scores what a policy has written: its very tokens where the reward model has the same tokenizer, otherwise the text.</summary>
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
        if (tokenizer.HasSameFilesAs(reward.Tokenizer))
            return reward.Score([.. answers.Select(answer => (int[])[.. answer.Prompt, .. answer.Tokens])]);
        return reward.Score([.. answers.Zip(prompts, (answer, prompt) => reward.Codec.Whole(prompt + answer.Text, answer.HasEnded))]);
    }
}
