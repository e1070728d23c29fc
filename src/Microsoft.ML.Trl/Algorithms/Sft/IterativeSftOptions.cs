using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of <see cref="IterativeSftSession"/>, with the names and defaults of TRL v0.11.4. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record IterativeSftOptions : TrainingOptions
{
    /// <summary>The defaults of transformers: no gradient checkpointing.</summary>
    public IterativeSftOptions() => GradientCheckpointing = false;

    /// <summary>Updates of the whole session, by which the schedule of the learning rate goes; at least 1.</summary>
    public required int MaxSteps { get; init; }

    /// <summary>Texts per forward pass, at least 1.</summary>
    public int PerDeviceTrainBatchSize { get; init; } = 8;

    /// <summary>Forward passes per update, at least 1.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Most tokens of a text, at least 2; null = the model's context.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Which part of a longer text is learned.</summary>
    public TruncationMode TruncationMode { get; init; } = TruncationMode.KeepEnd;

    /// <summary>Weight of the load-balancing loss of a model with experts, at least 0; null = as its configuration says.</summary>
    public double? RouterAuxLossCoef { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal IterativeSftOptions Validated()
    {
        ValidateTraining();
        Require.AtLeast(MaxSteps, 1);
        Require.AtLeast(PerDeviceTrainBatchSize, 1);
        Require.AtLeast(GradientAccumulationSteps, 1);
        ValidateAccumulation(GradientAccumulationSteps);
        WeightAveraging?.RequireUpdate(MaxSteps);
        Require.AtLeast(MaxLength, 2);
        Require.Known(TruncationMode);
        Require.NotNegative(RouterAuxLossCoef);
        return this;
    }
}
