namespace Microsoft.ML.Trl;

/// <summary>What a component takes when a run takes most.</summary>
/// <param name="Component">Such as <c>weights</c> or <c>activations</c>.</param>
/// <param name="Bytes">At that moment.</param>
/// <param name="Detail">What the number is made of.</param>
public sealed record TrainingPlanRow(string Component, long Bytes, string Detail);
