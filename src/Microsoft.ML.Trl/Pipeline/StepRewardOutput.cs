namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What a process reward model reads and adds.</summary>
/// <param name="PromptColumnName">Text that is read.</param>
/// <param name="CompletionColumnName">Text that is read: steps.</param>
/// <param name="OutputColumnName">Vector that is added.</param>
/// <param name="StepSeparator">What ends each step.</param>
internal sealed record StepRewardOutput(
    string PromptColumnName, string CompletionColumnName, string OutputColumnName, string StepSeparator)
{
    /// <exception cref="ArgumentException">A column has no name, or steps have no separator.</exception>
    public void Check()
    {
        Require.Named(PromptColumnName);
        Require.Named(CompletionColumnName);
        Require.Named(OutputColumnName);
        if (string.IsNullOrEmpty(StepSeparator))
            throw new ArgumentException(
                "StepSeparator is empty; it must be the text that ends each step, such as a new line.", nameof(StepSeparator));
    }
}
