using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of PPO, under the names and defaults of TRL's classic PPOConfig (v0.11.4). Immutable; make variants with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PpoOptions
{
    /// <summary>Prompts to answer in the whole run; each <see cref="BatchSize"/> of them is one step of PPO, and prompts come again when all were used. At least 1.</summary>
    public int Steps { get; init; } = 20000;

    /// <summary>Step width of Adam. Greater than 0.</summary>
    public double LearningRate { get; init; } = 1.41e-5;

    /// <summary>Rows per step. A multiple of <see cref="MiniBatchSize"/> times <see cref="GradientAccumulationSteps"/>.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Rows per forward pass. At least 1. Lower this first when memory runs out.</summary>
    public int MiniBatchSize { get; init; } = 128;

    /// <summary>Mini-batches per optimizer step, each with the same say. At least 1.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Passes over each batch. At least 1.</summary>
    public int PpoEpochs { get; init; } = 4;

    /// <summary>Longest gradient, Euclidean over all weights; longer ones are scaled down. Greater than 0; null = no limit.</summary>
    public double? MaxGradNorm { get; init; }

    /// <summary>Let the price of KL follow <see cref="Target"/>; otherwise it stays at <see cref="InitKlCoef"/>.</summary>
    public bool AdapKlCtrl { get; init; } = true;

    /// <summary>Price of KL at the start, in units of the score per nat. At least 0.</summary>
    public double InitKlCoef { get; init; } = 0.2;

    /// <summary>How the distance from the reference is charged.</summary>
    public KlPenalty KlPenalty { get; init; } = KlPenalty.Kl;

    /// <summary>KL per response that the adaptive controller steers to, in nats. Greater than 0.</summary>
    public double Target { get; init; } = 6.0;

    /// <summary>Responses over which the adaptive controller corrects an error. Greater than 0.</summary>
    public double Horizon { get; init; } = 10000;

    /// <summary>Discount per token, in [0, 1].</summary>
    public double Gamma { get; init; } = 1.0;

    /// <summary>λ of generalized advantage estimation, in [0, 1].</summary>
    public double Lam { get; init; } = 0.95;

    /// <summary>How far the ratio of new to old probability may leave 1 before its gradient ends. In (0, 1).</summary>
    public double Cliprange { get; init; } = 0.2;

    /// <summary>How far the critic may move from its old estimate before its gradient ends, in units of the score. Greater than 0.</summary>
    public double CliprangeValue { get; init; } = 0.2;

    /// <summary>Weight of the value loss. At least 0.</summary>
    public double VfCoef { get; init; } = 0.1;

    /// <summary>End a step's epochs once the policy has moved further than 1.5 times <see cref="TargetKl"/>.</summary>
    public bool EarlyStopping { get; init; }

    /// <summary>Bound of <see cref="EarlyStopping"/>, in nats per token between the policy and the one that sampled. Greater than 0.</summary>
    public double TargetKl { get; init; } = 1.0;

    /// <summary>A mini-batch whose mean ratio is above this is skipped with a warning. Greater than 0.</summary>
    public double RatioThreshold { get; init; } = 10.0;

    /// <summary>Divide scores by the standard deviation of all scores seen.</summary>
    public bool UseScoreScaling { get; init; }

    /// <summary>Subtract the mean of all scores seen, too. Only with <see cref="UseScoreScaling"/>.</summary>
    public bool UseScoreNorm { get; init; }

    /// <summary>Clip scores to this far from 0, after scaling. Greater than 0; null = no clipping.</summary>
    public double? ScoreClip { get; init; }

    /// <summary>Scale the rewards of a batch to variance 1 before advantages are estimated.</summary>
    public bool WhitenRewards { get; init; }

    /// <summary>Makes row order, sampling and a fresh value head repeatable.</summary>
    public int Seed { get; init; }

    /// <summary>How responses are sampled during training.</summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>PPO steps between two reports. At least 1. The last step always reports.</summary>
    public int LoggingSteps { get; init; } = 1;

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Train in bfloat16, with float32 master weights in the optimizer.</summary>
    public bool Bf16 { get; init; }

    /// <summary>Train on the CPU even where a GPU is there.</summary>
    public bool UseCpu { get; init; }

    /// <summary>Number of the CUDA device; null = the <c>GpuDeviceId</c> of the MLContext, and the CPU where that is null too.</summary>
    public int? GpuDeviceId { get; init; }

    /// <summary>Train on the CPU when the GPU that was asked for is not there; null = the <c>FallbackToCpu</c> of the MLContext. Otherwise its absence is an error.</summary>
    public bool? FallbackToCpu { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal PpoOptions Validated()
    {
        Require.AtLeast(Steps, 1);
        Require.Positive(LearningRate);
        Require.AtLeast(MiniBatchSize, 1);
        Require.AtLeast(GradientAccumulationSteps, 1);
        ValidateBatch();
        Require.AtLeast(PpoEpochs, 1);
        Require.NotNegative(InitKlCoef);
        Require.Known(KlPenalty);
        Require.Positive(Target);
        Require.Positive(Horizon);
        Require.Between(Gamma, 0, 1);
        Require.Between(Lam, 0, 1);
        Require.Positive(Cliprange);
        Require.Below(Cliprange, 0, 1);
        Require.Positive(CliprangeValue);
        Require.NotNegative(VfCoef);
        Require.Positive(TargetKl);
        Require.Positive(RatioThreshold);
        Require.AtLeast(LoggingSteps, 1);
        Require.Named(PromptColumnName);
        if (MaxGradNorm is { } norm)
            Require.Positive(norm, nameof(MaxGradNorm));
        if (ScoreClip is { } clip)
            Require.Positive(clip, nameof(ScoreClip));
        if (GpuDeviceId is { } gpu)
            Require.AtLeast(gpu, 0, nameof(GpuDeviceId));
        if (UseScoreNorm && !UseScoreScaling)
            throw new ArgumentException("UseScoreNorm centres scores that UseScoreScaling has scaled; set UseScoreScaling to true, or UseScoreNorm to false.", nameof(UseScoreNorm));
        if (UseCpu && GpuDeviceId is not null)
            throw new ArgumentException($"UseCpu and GpuDeviceId ({GpuDeviceId}) contradict each other; set one of them.", nameof(UseCpu));
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.Validated();
        return this;
    }

    private void ValidateBatch()
    {
        int unit = checked(MiniBatchSize * GradientAccumulationSteps);
        if (BatchSize >= unit && BatchSize % unit == 0)
            return;
        int below = Math.Max(unit, BatchSize - (BatchSize % unit));
        throw new ArgumentException($"BatchSize ({BatchSize}) must be a multiple of MiniBatchSize ({MiniBatchSize}) times GradientAccumulationSteps ({GradientAccumulationSteps}), which is {unit}; the nearest are {below} and {below + unit}.", nameof(BatchSize));
    }
}
