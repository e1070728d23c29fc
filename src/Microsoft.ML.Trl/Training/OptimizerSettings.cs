
namespace Microsoft.ML.Trl.Training;

/// <summary>An update rule and its numbers.</summary>
/// <param name="Kind">The rule.</param>
/// <param name="WeightDecay">At least 0; applied to weights of two and more dimensions, never to biases and norms.</param>
/// <param name="Beta1">Adam's β₁.</param>
/// <param name="Beta2">Adam's β₂.</param>
/// <param name="Epsilon">Added to the denominator.</param>
/// <param name="MaxGradNorm">Longest gradient; 0 = no limit.</param>
internal sealed record OptimizerSettings(
    OptimizerKind Kind = OptimizerKind.AdamW,
    double WeightDecay = 0,
    double Beta1 = 0.9,
    double Beta2 = 0.999,
    double Epsilon = 1e-8,
    double MaxGradNorm = 0)
{
    /// <summary>What the options of a training run ask for.</summary>
    public static OptimizerSettings From(TrainingOptions options) =>
        new(options.Optim, options.WeightDecay, options.AdamBeta1, options.AdamBeta2, options.AdamEpsilon, options.MaxGradNorm);
}
