namespace Microsoft.ML.Trl.Training;

/// <summary>What an optimizer is told once.</summary>
/// <param name="Kind">The rule.</param>
internal sealed record UpdateSettings(OptimizerKind Kind)
{
    /// <summary>Decay of the mean of gradients, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the mean of squares, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root, greater than 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Of tensors that decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether bfloat16 parameters have no float32 masters, and are rounded at random.</summary>
    public bool RoundsAtRandom { get; init; }

    /// <summary>Of that rounding.</summary>
    public int Seed { get; init; }

    /// <summary>Where the state lies in files; null = in memory.</summary>
    public string? Folder { get; init; }
}
