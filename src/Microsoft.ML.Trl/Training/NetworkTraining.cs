namespace Microsoft.ML.Trl.Training;

/// <summary>
/// What loop, step and log are told where a network is trained that is no decoder: a constant rate, float32, and nothing that only
/// decoders have.
/// </summary>
internal sealed record NetworkTraining : TrainingOptions
{
    /// <param name="evaluated">The options of the stage.</param>
    public NetworkTraining(EvaluatedOptions evaluated)
        : base(evaluated) => (LrSchedulerType, GradientCheckpointing) = (LrSchedulerType.Constant, false);

    /// <summary>Options of the method that change nothing, each with the reason.</summary>
    public IReadOnlyList<string> Unused { get; init; } = [];

    /// <summary>The figure of evaluations that says how good a model is, where the options name none.</summary>
    public string Judged { get; init; } = "loss";

    private protected override string UsualBestMetric => Judged;

    internal override IEnumerable<string> WithoutEffect() => EvaluationWithoutEffect().Concat(Unused);
}
