namespace Microsoft.ML.Trl;

/// <summary>What a policy in training has written, for a human to read.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completion">The answer.</param>
/// <param name="Score">What the reward gave for it; NaN where there is none.</param>
public sealed record SampleCompletion(string Prompt, string Completion, double Score)
{
    /// <summary>What the reference wrote in answer to the same prompt; null where it was not asked.</summary>
    public string? Reference { get; init; }
}
