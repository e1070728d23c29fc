using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of DDPO, denoising diffusion policy optimization (arXiv:2305.13301), with the names and defaults of TRL v0.11.4's
/// <c>DDPOConfig</c>; a step of evaluations and callbacks is an epoch. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DdpoOptions : EvaluatedOptions
{
    private const int UsualBuffer = 16;

    /// <summary>Rounds of drawing images and learning from them, at least 1.</summary>
    public int NumEpochs { get; init; } = 100;

    /// <summary>Makes prompts, noise and order repeatable: same model, prompts, rewards, options and seed, same weights.</summary>
    public int Seed { get; init; }

    /// <summary>Steps from noise to image; from 1 to below those of the model's schedule.</summary>
    public int SampleNumSteps { get; init; } = 50;

    /// <summary>Noise that each step adds: η of DDIM, in (0, 1]. Without any there would be nothing to learn from.</summary>
    public double SampleEta { get; init; } = 1;

    /// <summary>Weight of the prompt, see <see cref="ImageGenerationOptions.GuidanceScale"/>; 0 or greater.</summary>
    public double SampleGuidanceScale { get; init; } = 5;

    /// <summary>Images drawn at once, at least 1.</summary>
    public int SampleBatchSize { get; init; } = 1;

    /// <summary>Batches of images per epoch, at least 1.</summary>
    public int SampleNumBatchesPerEpoch { get; init; } = 2;

    /// <summary>Images per forward pass of training, at least 1.</summary>
    public int TrainBatchSize { get; init; } = 1;

    /// <summary>Hold the moments of AdamW in 8 bits.</summary>
    public bool TrainUse8bitAdam { get; init; }

    /// <summary>Rate of AdamW, constant. Greater than 0.</summary>
    public double TrainLearningRate { get; init; } = 3e-4;

    /// <summary>Decay of the mean gradient, β₁, in [0, 1).</summary>
    public double TrainAdamBeta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient, β₂, in [0, 1).</summary>
    public double TrainAdamBeta2 { get; init; } = 0.999;

    /// <summary>Share of a weight that a step of unit rate removes. At least 0; biases and norm weights never decay.</summary>
    public double TrainAdamWeightDecay { get; init; } = 1e-4;

    /// <summary>Added to Adam's denominator. Greater than 0.</summary>
    public double TrainAdamEpsilon { get; init; } = 1e-8;

    /// <summary>
    /// Batches of images per update, at least 1; over all of their steps, which are always accumulated. Batches times accumulation must
    /// divide the images of an epoch.
    /// </summary>
    public int TrainGradientAccumulationSteps { get; init; } = 1;

    /// <summary>Largest gradient norm; larger gradients are scaled down. At least 0; 0 = no limit.</summary>
    public double TrainMaxGradNorm { get; init; } = 1;

    /// <summary>Passes over the images of an epoch, at least 1.</summary>
    public int TrainNumInnerEpochs { get; init; } = 1;

    /// <summary>Train with guidance, as images are drawn. False trains the network with its prompt alone: half the time.</summary>
    public bool TrainCfg { get; init; } = true;

    /// <summary>Largest size of an advantage. Greater than 0.</summary>
    public double TrainAdvClipMax { get; init; } = 5;

    /// <summary>By how much the ratio of probabilities may leave 1: ε of arXiv:2305.13301, Section 4.3. Greater than 0.</summary>
    public double TrainClipRange { get; init; } = 1e-4;

    /// <summary>Share of the steps of an image that are learnt from, chosen by chance; in (0, 1], at least one step.</summary>
    public double TrainTimestepFraction { get; init; } = 1;

    /// <summary>Whiten rewards per prompt, by the rewards that were seen of it; false: over the epoch.</summary>
    public bool PerPromptStatTracking { get; init; }

    /// <summary>Rewards that are kept of each prompt, the latest, at least 1.</summary>
    public int PerPromptStatTrackingBufferSize { get; init; } = UsualBuffer;

    /// <summary>Rewards of a prompt from which on its own mean and deviation are used, not those of the epoch; at least 0.</summary>
    public int PerPromptStatTrackingMinCount { get; init; } = UsualBuffer;

    /// <summary>What guidance leads away from; empty = from images of anything.</summary>
    public string NegativePrompts { get; init; } = "";

    /// <summary>Epochs between two reports; below 1, a share of the run. Greater than 0.</summary>
    public double LoggingSteps { get; init; } = 1;

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Column with the images that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "GeneratedImage";

    /// <summary>Images of an epoch.</summary>
    internal int SamplesPerEpoch => SampleBatchSize * SampleNumBatchesPerEpoch;

    /// <summary>Images of an update.</summary>
    internal int SamplesPerUpdate => TrainBatchSize * TrainGradientAccumulationSteps;

    /// <summary>Steps of an image that are learnt from.</summary>
    internal int TrainedSteps => (int)(SampleNumSteps * TrainTimestepFraction);

    /// <summary>The columns that the fitted stage reads and adds.</summary>
    internal ImageColumns Columns => new(PromptColumnName, OutputColumnName);

    /// <summary>How images are drawn in training, and by the fitted stage.</summary>
    internal ImageGenerationOptions Generation => new()
    {
        NumInferenceSteps = SampleNumSteps,
        GuidanceScale = SampleGuidanceScale,
        Eta = SampleEta,
        NegativePrompt = NegativePrompts,
        Seed = Seed,
    };

    /// <summary>What loop and step are told.</summary>
    internal NetworkTraining Training => new(this)
    {
        LearningRate = TrainLearningRate,
        AdamBeta1 = TrainAdamBeta1,
        AdamBeta2 = TrainAdamBeta2,
        AdamEpsilon = TrainAdamEpsilon,
        WeightDecay = TrainAdamWeightDecay,
        MaxGradNorm = TrainMaxGradNorm,
        Optim = TrainUse8bitAdam ? OptimizerKind.AdamW8Bit : OptimizerKind.AdamW,
        LoggingSteps = LoggingSteps,
        Seed = Seed,
        Unused = [.. WithoutEffect()],
        Judged = UsualBestMetric,
    };

    private protected override string UsualBestMetric => "reward_mean";

    /// <summary>Options that were set and change nothing in a run with these others, each with the reason.</summary>
    internal IEnumerable<string> WithoutEffect()
    {
        bool sizes = PerPromptStatTrackingBufferSize != UsualBuffer || PerPromptStatTrackingMinCount != UsualBuffer;
        if (!PerPromptStatTracking && sizes)
            yield return "PerPromptStatTrackingBufferSize and PerPromptStatTrackingMinCount without PerPromptStatTracking";
        if (SampleGuidanceScale == 1 && !TrainCfg)
            yield return "TrainCfg with SampleGuidanceScale 1";
        if (SampleGuidanceScale == 1 && NegativePrompts.Length > 0)
            yield return "NegativePrompts with SampleGuidanceScale 1";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal DdpoOptions Validated()
    {
        Require.AtLeast(NumEpochs, 1);
        ValidateSampling();
        ValidateTraining();
        Require.AtLeast(PerPromptStatTrackingBufferSize, 1);
        Require.AtLeast(PerPromptStatTrackingMinCount, 0);
        if (PerPromptStatTracking && PerPromptStatTrackingMinCount > PerPromptStatTrackingBufferSize)
            throw new ArgumentException(
                $"PerPromptStatTrackingMinCount ({PerPromptStatTrackingMinCount}) is never reached, since no more than "
                + $"PerPromptStatTrackingBufferSize ({PerPromptStatTrackingBufferSize}) rewards of a prompt are kept; lower the one or "
                + "raise the other.", nameof(PerPromptStatTrackingMinCount));
        Require.Positive(LoggingSteps);
        Columns.Check();
        ValidateEvaluation();
        return this;
    }

    private void ValidateSampling()
    {
        Require.AtLeast(SampleNumSteps, 1);
        if (SampleEta is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(SampleEta), FormattableString.Invariant($"SampleEta ({SampleEta}) must be greater than 0, and 1 at most."));
        Require.NotNegative(SampleGuidanceScale);
        Require.AtLeast(SampleBatchSize, 1);
        Require.AtLeast(SampleNumBatchesPerEpoch, 1);
        ArgumentNullException.ThrowIfNull(NegativePrompts);
    }

    private void ValidateTraining()
    {
        Require.AtLeast(TrainBatchSize, 1);
        Require.Positive(TrainLearningRate);
        Require.Below(TrainAdamBeta1, 0, 1);
        Require.Below(TrainAdamBeta2, 0, 1);
        Require.NotNegative(TrainAdamWeightDecay);
        Require.Positive(TrainAdamEpsilon);
        Require.AtLeast(TrainGradientAccumulationSteps, 1);
        Require.NotNegative(TrainMaxGradNorm);
        Require.AtLeast(TrainNumInnerEpochs, 1);
        Require.Positive(TrainAdvClipMax);
        Require.Positive(TrainClipRange);
        if (TrainTimestepFraction is not (> 0 and <= 1) || TrainedSteps < 1)
            throw new ArgumentOutOfRangeException(nameof(TrainTimestepFraction), FormattableString.Invariant(
                $"TrainTimestepFraction ({TrainTimestepFraction}) must be 1 at most, and at least one of {SampleNumSteps} steps."));
        if (SamplesPerEpoch % SamplesPerUpdate != 0)
            throw new ArgumentException(
                $"The images of an epoch (SampleBatchSize {SampleBatchSize} x SampleNumBatchesPerEpoch {SampleNumBatchesPerEpoch} = "
                + $"{SamplesPerEpoch}) must be a multiple of those of an update (TrainBatchSize {TrainBatchSize} x "
                + $"TrainGradientAccumulationSteps {TrainGradientAccumulationSteps} = {SamplesPerUpdate}).", nameof(TrainBatchSize));
    }
}
