namespace Microsoft.ML.Trl;

/// <summary>How the learning rate moves over the run. Named as in transformers; all but <see cref="Constant"/> warm up first.</summary>
public enum LrSchedulerType
{
    /// <summary>Straight down to 0.</summary>
    Linear,
    /// <summary>Half a cosine down to 0; <c>num_cycles</c> (0.5) changes how many waves.</summary>
    Cosine,
    /// <summary>Cosine that jumps back to the full rate; <c>num_cycles</c> (1).</summary>
    CosineWithRestarts,
    /// <summary>Down to <c>lr_end</c> (1e-7) by the power <c>power</c> (1).</summary>
    Polynomial,
    /// <summary>The full rate from the first step on; ignores warm-up.</summary>
    Constant,
    /// <summary>The full rate after warm-up.</summary>
    ConstantWithWarmup,
    /// <summary>One over the square root of the step; <c>timescale</c> (warm-up steps, or 10 000).</summary>
    InverseSqrt,
    /// <summary>Cosine down to <c>min_lr</c> or <c>min_lr_rate</c> times the rate; <c>num_cycles</c> (0.5).</summary>
    CosineWithMinLr,
    /// <summary>As <see cref="CosineWithMinLr"/>, but the first step has a rate above 0; <c>warmup_lr_rate</c>.</summary>
    CosineWarmupWithMinLr,
    /// <summary>Full rate for <c>num_stable_steps</c>, then a cosine of <c>num_decay_steps</c> down to <c>min_lr_ratio</c> (0).</summary>
    WarmupStableDecay,
}
