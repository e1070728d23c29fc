
namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Keeps every report, on the thread that made it.</summary>
internal sealed class Collected(Action<StepReport>? also = null) : IProgress<StepReport>
{
    public List<StepReport> Reports { get; } = [];

    public void Report(StepReport value)
    {
        Reports.Add(value);
        also?.Invoke(value);
    }
}
