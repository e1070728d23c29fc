using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of <see cref="DenoisingTrainer"/>, with the names of transformers and the numbers of diffusers' examples. Immutable; make
/// variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DenoisingOptions : EvaluatedOptions
{
    /// <summary>Rate of AdamW, constant. Greater than 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Share of a weight that a step of unit rate removes. At least 0.</summary>
    public double WeightDecay { get; init; } = 1e-6;

    /// <summary>Largest gradient norm; larger gradients are scaled down. At least 0; 0 = no limit.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>Images per step, at least 1.</summary>
    public int PerDeviceTrainBatchSize { get; init; } = 16;

    /// <summary>Passes over the data, at least 1. <see cref="MaxSteps"/> wins where it is set.</summary>
    public int NumTrainEpochs { get; init; } = 100;

    /// <summary>Steps of the run, or -1 for as many as <see cref="NumTrainEpochs"/> needs.</summary>
    public int MaxSteps { get; init; } = -1;

    /// <summary>
    /// Share of the images that are learnt without their prompts, so that guidance has something to lead away from: arXiv:2207.12598,
    /// Algorithm 1. In [0, 1].
    /// </summary>
    public double PromptDropout { get; init; } = 0.1;

    /// <summary>Steps between two reports; below 1, a share of the run. Greater than 0.</summary>
    public double LoggingSteps { get; init; } = 10;

    /// <summary>Makes fresh weights, order and noise repeatable: same data, options and seed, same weights.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>Column with the images: vectors of [channels, height, width] numbers in [0, 1].</summary>
    public string ImageColumnName { get; init; } = "Image";

    /// <summary>Text column with the prompts, what each image shows.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Column with the images that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "GeneratedImage";

    /// <summary>How the fitted stage draws.</summary>
    public ImageGenerationOptions Generation { get; init; } = new();

    /// <summary>The columns that the fitted stage reads and adds.</summary>
    internal ImageColumns Columns => new(PromptColumnName, OutputColumnName);

    /// <summary>What loop and step are told.</summary>
    internal NetworkTraining Training => new(this)
    {
        LearningRate = LearningRate,
        WeightDecay = WeightDecay,
        MaxGradNorm = MaxGradNorm,
        LoggingSteps = LoggingSteps,
        Seed = Seed,
        Unused = MaxSteps > 0 && NumTrainEpochs != 100 ? ["NumTrainEpochs with MaxSteps"] : [],
    };

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal DenoisingOptions Validated()
    {
        Require.Positive(LearningRate);
        Require.NotNegative(WeightDecay);
        Require.NotNegative(MaxGradNorm);
        Require.AtLeast(PerDeviceTrainBatchSize, 1);
        Require.AtLeast(NumTrainEpochs, 1);
        if (MaxSteps != -1)
            Require.AtLeast(MaxSteps, 1);
        Require.Between(PromptDropout, 0, 1);
        Require.Positive(LoggingSteps);
        Require.Named(ImageColumnName);
        Columns.Check();
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.Validated();
        ValidateEvaluation();
        return this;
    }
}
