using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

public abstract partial record TrainingOptions
{
    /// <summary>
    /// A folder for the optimizer's state: moments, and float32 masters of narrower weights. They lie there in files that the system reads
    /// and writes as it needs them, instead of in memory: slower, with the same numbers, and no more memory than there is. The files are
    /// removed at the end. It must exist, and have room for the whole state, see <see cref="OptimizerKind"/>. Null = in memory. On the CPU.
    /// </summary>
    public string? OptimizerStateFolder { get; init; }

    /// <summary>
    /// Makes an optimizer of TorchSharp, in the place of <see cref="Optim"/>, over the weights that are trained, by their names in the
    /// checkpoint: <c>weights => torch.optim.AdamW(weights.Select(weight => weight.Value), lr: 1e-4)</c>. It is called once, before the
    /// first step, and the run disposes what it returns. The rates of its groups are those that it gives them, times the factor of the
    /// schedule; <see cref="LearningRate"/> times that factor is what reports show. Gradients are clipped before it sees them. Weights
    /// narrower than float32 are given as float32 masters. Null = the rule of <see cref="Optim"/>.
    /// </summary>
    public Func<IReadOnlyList<(string Name, Parameter Value)>, optim.Optimizer>? OptimizerFactory { get; init; }

    /// <summary>
    /// A schedule of your own, in the place of <see cref="LrSchedulerType"/>: from the step, counted from 0, and the number of all steps to
    /// the factor of <see cref="LearningRate"/>, 0 or greater. torch's LambdaLR. Null = the schedule of <see cref="LrSchedulerType"/>.
    /// </summary>
    public Func<int, int, double>? LearningRateFactor { get; init; }

    /// <summary>
    /// Lower layers learn more slowly: the rate of block i of L is multiplied by this to the power L - 1 - i, that of embeddings (of a tied
    /// head, too) by its power L; heads and the last norm keep the full rate. Both stacks of an encoder-decoder count by themselves.
    /// Above 0, at most 1; null = 1.
    /// </summary>
    public double? LayerwiseLearningRateDecay { get; init; }

    /// <summary>
    /// Factors of the learning rate by regular expressions, 0 or greater. An expression means the weights whose names in the checkpoint, or
    /// the paths of the modules that hold them, it matches whole or from a dot on: <c>bias</c>, <c>h\.0</c>, <c>attn\.c_proj</c>,
    /// <c>v_head</c>; the first that fits counts. It must mean some weight that is trained. Null = none. They multiply with
    /// <see cref="LayerwiseLearningRateDecay"/> and <see cref="LoraOptions.LoraplusLrRatio"/>.
    /// </summary>
    public IReadOnlyDictionary<string, double>? LearningRateMultipliers { get; init; }

    /// <summary>
    /// Train in float16: weights and matrix products in float16; float32 master weights in the optimizer, norms, softmax and losses. Losses
    /// are scaled as by torch's GradScaler: by 65536 at first, twice as much after 2000 good updates, half as much where a gradient
    /// overflows; that update is skipped, changes nothing, and is counted in the reports' <c>skipped_steps</c>. For GPUs without bfloat16;
    /// elsewhere <see cref="Bf16"/> needs no scaling. Not beside it.
    /// </summary>
    public bool Fp16 { get; init; }

    /// <summary>
    /// With <see cref="Bf16"/>: no float32 masters. Each update is computed in float32 and rounded to bfloat16 up or down at random, the
    /// likelier the nearer (arXiv:2010.06192), so that small updates count on average. Saves 4 bytes per weight. Repeatable by
    /// <see cref="Seed"/> on the CPU.
    /// </summary>
    public bool StochasticRounding { get; init; }

    private bool UsesBetas => Optim is OptimizerKind.AdamW or OptimizerKind.Adam or OptimizerKind.AdamW8Bit or OptimizerKind.Adam8Bit
        or OptimizerKind.Lion or OptimizerKind.Lion8Bit;

    private bool UsesEpsilon => Optim is OptimizerKind.AdamW or OptimizerKind.Adam or OptimizerKind.AdamW8Bit or OptimizerKind.Adam8Bit
        or OptimizerKind.RmsProp;

    /// <summary>What the optimizer is told.</summary>
    internal UpdateSettings UpdateSettings => new(Optim)
    {
        Beta1 = AdamBeta1,
        Beta2 = AdamBeta2,
        Epsilon = AdamEpsilon,
        WeightDecay = WeightDecay,
        RoundsAtRandom = StochasticRounding && OptimizerFactory is null,
        Seed = Seed,
        Folder = OptimizerStateFolder,
    };

    private IEnumerable<string> OptimizerWithoutEffect()
    {
        bool hasBetas = AdamBeta1 != 0.9 || AdamBeta2 != 0.999, isNarrow = Bf16 || Fp16;
        if (OptimizerFactory is not null)
        {
            (string Name, bool IsSet)[] others =
            [
                (nameof(Optim), Optim != OptimizerKind.AdamW), (nameof(WeightDecay), WeightDecay != 0),
                ("AdamBeta1 and AdamBeta2", hasBetas), (nameof(AdamEpsilon), AdamEpsilon != 1e-8),
                (nameof(LayerwiseLearningRateDecay), LayerwiseLearningRateDecay is not null),
                (nameof(LearningRateMultipliers), LearningRateMultipliers is not null),
                ("Peft.LoraplusLrRatio", Peft?.LoraplusLrRatio is not null), (nameof(StochasticRounding), StochasticRounding),
                (nameof(OptimizerStateFolder), OptimizerStateFolder is not null && !isNarrow),
            ];
            foreach ((string name, bool isSet) in others.Where(option => option.IsSet))
                yield return $"{name} with OptimizerFactory";
        }
        else
        {
            if (!UsesBetas && hasBetas)
                yield return $"AdamBeta1 and AdamBeta2 with Optim {Optim}";
            if (!UsesEpsilon && AdamEpsilon != 1e-8)
                yield return $"AdamEpsilon with Optim {Optim}";
            if (OptimizerStateFolder is not null && Optim == OptimizerKind.Sgd && (!isNarrow || StochasticRounding))
                yield return "OptimizerStateFolder with Optim Sgd, which has no state";
            if (StochasticRounding && !Bf16)
                yield return "StochasticRounding without Bf16";
        }
        if (LearningRateFactor is null && LrSchedulerType == LrSchedulerType.Constant && WarmupSteps > 0)
            yield return "WarmupSteps with LrSchedulerType Constant (ConstantWithWarmup has one)";
        bool hasSchedule = LrSchedulerType != LrSchedulerType.Linear || LrSchedulerKwargs is not null || WarmupSteps > 0;
        if (LearningRateFactor is not null && hasSchedule)
            yield return "LrSchedulerType, LrSchedulerKwargs and WarmupSteps with LearningRateFactor";
    }

    private void ValidateOptimizer()
    {
        Require.Known(Optim);
        if (OptimizerStateFolder is not null && string.IsNullOrWhiteSpace(OptimizerStateFolder))
            throw new ArgumentException(
                "OptimizerStateFolder is empty; give the path of a folder, or null to keep the state in memory.",
                nameof(OptimizerStateFolder));
        if (LayerwiseLearningRateDecay is not null and not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(LayerwiseLearningRateDecay), FormattableString.Invariant(
                    $"LayerwiseLearningRateDecay ({LayerwiseLearningRateDecay}) must be greater than 0, and 1 at most."));
        ParameterRates.Check(LearningRateMultipliers);
        if (Bf16 && Fp16)
            throw new ArgumentException("Bf16 and Fp16 contradict each other; set one of them.", nameof(Fp16));
    }
}
