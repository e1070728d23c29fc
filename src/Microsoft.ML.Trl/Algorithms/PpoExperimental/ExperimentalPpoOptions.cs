using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of PPO with a value model of its own, under the names and defaults of TRL's experimental PPOConfig (v1.9.0). Immutable; make
/// variants with <c>with</c>.
/// </summary>
/// <remarks>
/// A step answers <see cref="EpochOptions.PerDeviceTrainBatchSize"/> times <see cref="EpochOptions.GradientAccumulationSteps"/> prompts and
/// passes over the answers <see cref="NumPpoEpochs"/> times; each of <see cref="NumMiniBatches"/> parts of a pass is an update. Nothing is
/// dropped, as in TRL. <see cref="TrainingOptions.Peft"/>, <see cref="TrainingOptions.BaseQuantization"/>, freezing, LISA,
/// <see cref="TrainingOptions.OptimizerInBackward"/>, <see cref="TrainingOptions.LayerwiseLearningRateDecay"/> and
/// <see cref="TrainingOptions.WeightAveraging"/> are of the policy; the value model is trained as a whole. Its weights are called
/// <c>value_model</c> in <see cref="TrainingOptions.LearningRateMultipliers"/>.
/// </remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed partial record ExperimentalPpoOptions : EpochOptions
{
    /// <summary>TRL's defaults: a rate of 3e-6, and a report per step, which TRL's trainer makes whatever its logging_steps says.</summary>
    public ExperimentalPpoOptions()
    {
        LearningRate = 3e-6;
        LoggingSteps = 1;
    }

    /// <summary>
    /// Parts of each pass, an update each. At least 1; divides the prompts of a step. A part that has more rows than
    /// <see cref="EpochOptions.PerDeviceTrainBatchSize"/> is read in several forward passes, and its loss is that of one.
    /// </summary>
    public int NumMiniBatches { get; init; } = 1;

    /// <summary>
    /// Prompts to answer in the whole run, rounded up to whole steps; prompts come again when all were used. At least 1; null = as
    /// <see cref="EpochOptions.NumTrainEpochs"/> says. <see cref="EpochOptions.MaxSteps"/> wins where it is set.
    /// </summary>
    public int? TotalEpisodes { get; init; }

    /// <summary>Rows per forward pass, and rows that are answered at once, where nothing is learnt. At least 1.</summary>
    public int LocalRolloutForwardBatchSize { get; init; } = 64;

    /// <summary>
    /// How many of the run's steps hand sample completions to their report, evenly spread. At least 0. They are answers that the step
    /// learns from; TRL generates others, from an evaluation set.
    /// </summary>
    public int NumSampleGenerations { get; init; } = 10;

    /// <summary>
    /// Subtracted from the score of a response that was cut at its limit, without an end token, in units of the score. Greater than 0;
    /// null = nothing is.
    /// </summary>
    public double? MissingEosPenalty { get; init; }

    /// <summary>Passes over the answers of each step. At least 1.</summary>
    public int NumPpoEpochs { get; init; } = 4;

    /// <summary>Scale the rewards of a step to variance 1 before advantages are estimated; their mean stays.</summary>
    public bool WhitenRewards { get; init; }

    /// <summary>Price of KL, in units of the score per nat. At least 0.</summary>
    public double KlCoef { get; init; } = 0.05;

    /// <summary>How KL is estimated: K1 or K3, as in TRL.</summary>
    public KlEstimator KlEstimator { get; init; }

    /// <summary>How far the ratio of new to old probability may leave 1 before its gradient ends. In (0, 1).</summary>
    public double Cliprange { get; init; } = 0.2;

    /// <summary>Weight of the value loss. At least 0.</summary>
    public double VfCoef { get; init; } = 0.1;

    /// <summary>How far values may move from their old estimates before their gradient ends, in units of the score. Above 0.</summary>
    public double CliprangeValue { get; init; } = 0.2;

    /// <summary>Discount per token, in [0, 1].</summary>
    public double Gamma { get; init; } = 1.0;

    /// <summary>λ of generalized advantage estimation, in [0, 1].</summary>
    public double Lam { get; init; } = 0.95;

    /// <summary>
    /// How the reference is held in memory. <see cref="ReferenceKind.Int8"/> makes an 8-bit copy of the starting model, or of the reference
    /// that is given. With <see cref="TrainingOptions.Peft"/> and no reference given it has no effect, which a warning says: the policy
    /// without its adapter is the reference, and takes no memory.
    /// </summary>
    public ReferenceKind ReferenceModel { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal ExperimentalPpoOptions Validated()
    {
        ValidateEpochs();
        ValidateBatch();
        Require.AtLeast(TotalEpisodes, 1);
        Require.AtLeast(LocalRolloutForwardBatchSize, 1);
        Require.AtLeast(NumSampleGenerations, 0);
        Require.Positive(MissingEosPenalty);
        Require.AtLeast(NumPpoEpochs, 1);
        Require.NotNegative(KlCoef);
        Require.OneOf(KlEstimator, [KlEstimator.K1, KlEstimator.K3]);
        Require.Positive(Cliprange);
        Require.Below(Cliprange, 0, 1);
        Require.NotNegative(VfCoef);
        Require.Positive(CliprangeValue);
        Require.Between(Gamma, 0, 1);
        Require.Between(Lam, 0, 1);
        Require.Known(ReferenceModel);
        ValidateStage();
        return this;
    }

    private void ValidateBatch()
    {
        Require.AtLeast(NumMiniBatches, 1);
        long rows = (long)PerDeviceTrainBatchSize * GradientAccumulationSteps;
        if (rows is < 2 or > int.MaxValue)
            throw new ArgumentException(
                $"PerDeviceTrainBatchSize ({PerDeviceTrainBatchSize}) times GradientAccumulationSteps ({GradientAccumulationSteps}) is "
                + $"{rows} rows per step; it must lie between 2, since advantages are compared within a step, and {int.MaxValue}.",
                nameof(PerDeviceTrainBatchSize));
        if (rows % NumMiniBatches != 0)
            throw new ArgumentException(
                $"NumMiniBatches ({NumMiniBatches}) must divide the rows of a step, PerDeviceTrainBatchSize ({PerDeviceTrainBatchSize}) "
                + $"times GradientAccumulationSteps ({GradientAccumulationSteps}) = {rows}; its parts must be whole.",
                nameof(NumMiniBatches));
    }
}
