namespace Microsoft.ML.Trl.Training;

/// <summary>Keeps the latest report.</summary>
internal sealed class LatestReport : IProgress<StepReport>
{
    /// <summary>Null before the first.</summary>
    public StepReport? Report { get; private set; }

    void IProgress<StepReport>.Report(StepReport value) => Report = value;
}
