namespace Microsoft.ML.Trl.Training;

/// <summary>Which examples one optimizer step reads.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Epoch">Passes over the data when the step is done.</param>
/// <param name="MicroBatches">Indices of the examples of each forward pass.</param>
internal sealed record StepPlan(int Number, double Epoch, IReadOnlyList<int[]> MicroBatches);
