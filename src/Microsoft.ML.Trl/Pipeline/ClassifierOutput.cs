namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The columns of a classifier.</summary>
/// <param name="TextColumnName">Text that is read.</param>
/// <param name="PredictedLabelColumnName">Text that is added.</param>
/// <param name="ScoreColumnName">Vector that is added.</param>
/// <param name="ProbabilityColumnName">Vector that is added.</param>
internal sealed record ClassifierOutput(
    string TextColumnName, string PredictedLabelColumnName, string ScoreColumnName, string ProbabilityColumnName)
{
    /// <exception cref="ArgumentException">A column has no name.</exception>
    public void Check()
    {
        Require.Named(TextColumnName);
        Require.Named(PredictedLabelColumnName);
        Require.Named(ScoreColumnName);
        Require.Named(ProbabilityColumnName);
    }
}
