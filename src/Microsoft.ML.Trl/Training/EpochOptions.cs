namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of the methods that pass over a data set in epochs (SFT, reward modelling, DPO), under TRL's names and
/// defaults. Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record EpochOptions : TrainingOptions
{
    /// <summary>
    /// Examples (or pairs) per forward pass. At least 1. Lower this first when memory runs out, and raise
    /// <see cref="GradientAccumulationSteps"/> in turn.
    /// </summary>
    public int PerDeviceTrainBatchSize { get; init; } = 8;

    /// <summary>Forward passes per optimizer step. At least 1. The loss is normalised over all: 1 × 8, 2 × 4, 8 × 1 train alike.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Passes over the data; fractions allowed, greater than 0. <see cref="MaxSteps"/> wins where it is set.</summary>
    public double NumTrainEpochs { get; init; } = 3.0;

    /// <summary>Optimizer steps of the run, or -1 for as many as <see cref="NumTrainEpochs"/> needs.</summary>
    public int MaxSteps { get; init; } = -1;

    /// <summary>Seed of the order of the examples alone; null = <see cref="TrainingOptions.Seed"/>.</summary>
    public int? DataSeed { get; init; }

    /// <summary>The order in which an epoch visits the examples.</summary>
    public TrainSamplingStrategy TrainSamplingStrategy { get; init; } = TrainSamplingStrategy.Random;

    /// <summary>Leave out the last batch of an epoch where it is not full.</summary>
    public bool DataloaderDropLast { get; init; }

    /// <summary>
    /// Strength of uniform noise on the embeddings of tokens during training: α of NEFTune, arXiv:2310.05914; 5 to 15 there. The bound of
    /// the noise is α over the root of T·H, T the longest row of a batch, H the width. Greater than 0; null = no noise.
    /// </summary>
    public double? NeftuneNoiseAlpha { get; init; }

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (MaxSteps > 0 && NumTrainEpochs != 3)
            yield return "NumTrainEpochs with MaxSteps";
        if (DataSeed is not null && TrainSamplingStrategy == TrainSamplingStrategy.Sequential)
            yield return "DataSeed with TrainSamplingStrategy Sequential";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateEpochs()
    {
        ValidateTraining();
        Require.AtLeast(PerDeviceTrainBatchSize, 1);
        Require.AtLeast(GradientAccumulationSteps, 1);
        ValidateAccumulation(GradientAccumulationSteps);
        Require.Positive(NumTrainEpochs);
        if (MaxSteps != -1)
            Require.AtLeast(MaxSteps, 1);
        Require.Known(TrainSamplingStrategy);
        Require.Positive(NeftuneNoiseAlpha);
    }
}
