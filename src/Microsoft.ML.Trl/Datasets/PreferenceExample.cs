namespace Microsoft.ML.Trl.Datasets;

/// <summary>A prompt with a better and a worse completion, as token ids.</summary>
/// <param name="Prompt">May be empty for a reward model.</param>
/// <param name="Chosen">The better completion, EOS already appended where it is wanted.</param>
/// <param name="Rejected">The worse completion, EOS already appended where it is wanted.</param>
/// <param name="Margin">By how much the better one should win, in units of the score; null = no margin.</param>
/// <exception cref="ArgumentOutOfRangeException">The margin is no finite number.</exception>
public sealed record PreferenceExample(int[] Prompt, int[] Chosen, int[] Rejected, double? Margin = null)
{
    /// <summary>What both complete; may be empty for a reward model.</summary>
    public int[] Prompt { get; init => field = Require.NotNull(value, nameof(Prompt)); } = Require.NotNull(Prompt);

    /// <summary>The better completion.</summary>
    public int[] Chosen { get; init => field = Require.NotNull(value, nameof(Chosen)); } = Require.NotNull(Chosen);

    /// <summary>The worse completion.</summary>
    public int[] Rejected { get; init => field = Require.NotNull(value, nameof(Rejected)); } = Require.NotNull(Rejected);

    /// <summary>By how much the better one should win, in units of the score; null = no margin.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The margin is no finite number.</exception>
    public double? Margin { get; init => field = Finite(value); } = Finite(Margin);

    /// <summary>Tokens of the prompt and the longer completion.</summary>
    internal int Length => Prompt.Length + Math.Max(Chosen.Length, Rejected.Length);

    /// <summary>Prompt and better completion in one array.</summary>
    public int[] PromptAndChosen() => [.. Prompt, .. Chosen];

    /// <summary>Prompt and worse completion in one array.</summary>
    public int[] PromptAndRejected() => [.. Prompt, .. Rejected];

    private static double? Finite(double? margin)
    {
        Require.Finite(margin ?? 0, nameof(Margin));
        return margin;
    }
}
