namespace Microsoft.ML.Trl;

/// <summary>The order in which an epoch visits the examples.</summary>
public enum TrainSamplingStrategy
{
    /// <summary>Shuffled anew for each epoch, a function of the seed.</summary>
    Random,
    /// <summary>As the data come.</summary>
    Sequential,
    /// <summary>Shuffled, then sorted by length within groups of 50 batches, so that little is padded.</summary>
    GroupByLength,
}
