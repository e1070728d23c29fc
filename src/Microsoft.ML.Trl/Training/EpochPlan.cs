namespace Microsoft.ML.Trl.Training;

/// <summary>Which examples one step reads.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Epoch">Passes over the data when the step is done.</param>
/// <param name="MicroBatches">Indices of the examples of each forward pass.</param>
/// <param name="Work">How much there is to do, in the unit of the plan.</param>
internal sealed record StepPlan(int Number, double Epoch, IReadOnlyList<int[]> MicroBatches, double Work = 1)
{
    /// <summary>Examples of all micro batches.</summary>
    public int Examples => MicroBatches.Sum(batch => batch.Length);
}

/// <summary>The order of a whole run, decided by options and seed alone: epochs → optimizer steps → micro batches.</summary>
internal sealed class EpochPlan
{
    private const int BatchesPerLengthGroup = 50;

    private readonly IReadOnlyList<int> _lengths;
    private readonly EpochOptions _options;
    private readonly int _stepsPerEpoch;

    /// <param name="lengths">Length of each example in tokens; their number is the number of examples.</param>
    /// <param name="options">Batch sizes, epochs, order and seed.</param>
    /// <exception cref="ArgumentException">There is nothing to train on, or the epochs have more steps than can be counted.</exception>
    public EpochPlan(IReadOnlyList<int> lengths, EpochOptions options)
    {
        if (lengths.Count == 0)
            throw new ArgumentException(
                "There are no examples to train on: the data have no rows, or none with a token to learn.", nameof(lengths));
        if (options.DataloaderDropLast && lengths.Count < options.PerDeviceTrainBatchSize)
            throw new ArgumentException(
                $"DataloaderDropLast leaves nothing of {lengths.Count} examples: "
                + $"PerDeviceTrainBatchSize is {options.PerDeviceTrainBatchSize}. Lower it, or set DataloaderDropLast to false.",
                nameof(options));
        _lengths = lengths;
        _options = options;
        int batches = options.DataloaderDropLast
            ? lengths.Count / options.PerDeviceTrainBatchSize
            : Parts(lengths.Count, options.PerDeviceTrainBatchSize);
        _stepsPerEpoch = Parts(batches, options.GradientAccumulationSteps);
        TotalSteps = options.MaxSteps > 0 ? options.MaxSteps : StepsOf(options.NumTrainEpochs);
    }

    /// <summary>Optimizer steps of the run.</summary>
    public int TotalSteps { get; }

    /// <summary>Tokens of all steps, padding included: what most of the time goes into.</summary>
    public double TotalWork => Steps().Sum(step => step.Work);

    /// <summary>All steps in order. The last of an epoch may have fewer micro batches, and its last micro batch fewer examples.</summary>
    public IEnumerable<StepPlan> Steps()
    {
        var rng = new Random(_options.DataSeed ?? _options.Seed);
        int number = 0;
        for (int epoch = 0; number < TotalSteps; epoch++)
        {
            int before = number;
            IEnumerable<int[]> batches = Order(rng).Chunk(_options.PerDeviceTrainBatchSize).Where(Kept);
            foreach (int[][] group in batches.Chunk(_options.GradientAccumulationSteps))
            {
                if (number == TotalSteps)
                    yield break;
                number++;
                yield return new StepPlan(number, epoch + ((number - before) / (double)_stepsPerEpoch), group, group.Sum(PaddedTokens));
            }
        }
    }

    /// <summary>How many parts of a size it takes; the last may be smaller.</summary>
    private static int Parts(int count, int size) => (int)(((long)count + size - 1) / size);

    private int StepsOf(double epochs)
    {
        double steps = Math.Ceiling(epochs * _stepsPerEpoch);
        return steps <= int.MaxValue ? (int)steps : throw new ArgumentException(FormattableString.Invariant(
            $"NumTrainEpochs ({epochs:G6}) asks for {steps:G6} steps ({_stepsPerEpoch} per epoch); at most {int.MaxValue} are possible. ")
            + "Lower it, or set MaxSteps.");
    }

    private double PaddedTokens(int[] batch) => batch.Length * (double)batch.Max(example => _lengths[example]);

    private bool Kept(int[] batch) => !_options.DataloaderDropLast || batch.Length == _options.PerDeviceTrainBatchSize;

    private int[] Order(Random rng)
    {
        int[] order = [.. Enumerable.Range(0, _lengths.Count)];
        if (_options.TrainSamplingStrategy == TrainSamplingStrategy.Sequential)
            return order;
        rng.Shuffle(order);
        if (_options.TrainSamplingStrategy == TrainSamplingStrategy.Random)
            return order;
        long group = (long)_options.PerDeviceTrainBatchSize * _options.GradientAccumulationSteps; // of one step
        group = group < order.Length ? BatchesPerLengthGroup * group : order.Length;
        return [.. order.Chunk((int)Math.Min(group, order.Length)).SelectMany(part => part.OrderByDescending(index => _lengths[index]))];
    }
}
