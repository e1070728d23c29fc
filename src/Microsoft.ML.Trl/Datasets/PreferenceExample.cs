namespace Microsoft.ML.Trl.Datasets;

/// <summary>A prompt with a better and a worse completion, as token ids.</summary>
/// <param name="Prompt">May be empty for a reward model.</param>
/// <param name="Chosen">The better completion, EOS already appended where it is wanted.</param>
/// <param name="Rejected">The worse completion, EOS already appended where it is wanted.</param>
/// <param name="Margin">By how much the better one should win, in units of the score; null = no margin.</param>
public sealed record PreferenceExample(int[] Prompt, int[] Chosen, int[] Rejected, double? Margin = null)
{
    /// <summary>Tokens of the prompt and the longer completion.</summary>
    internal int Length => Prompt.Length + Math.Max(Chosen.Length, Rejected.Length);

    /// <summary>Prompt and better completion in one array.</summary>
    public int[] PromptAndChosen() => [.. Prompt, .. Chosen];

    /// <summary>Prompt and worse completion in one array.</summary>
    public int[] PromptAndRejected() => [.. Prompt, .. Rejected];
}
