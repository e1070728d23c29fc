namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// Which completions each forward pass of a run reads: passes are counted through the whole run, each generation feeds
/// <see cref="GroupOptions.PassesPerGeneration"/> of them <see cref="GroupOptions.NumIterations"/> times, and each optimizer step takes
/// the next <see cref="EpochOptions.GradientAccumulationSteps"/>.
/// </summary>
/// <param name="prompts">How many prompts there are. At least 1.</param>
/// <param name="options">Validated.</param>
internal sealed class GroupPlan(int prompts, GroupOptions options)
{
    /// <summary>Forward passes between two generations.</summary>
    public long PassesPerGeneration { get; } = (long)options.PassesPerGeneration * options.NumIterations;

    /// <summary>Prompts of a generation.</summary>
    public int PromptsPerGeneration { get; } =
        (int)((long)options.PerDeviceTrainBatchSize * options.PassesPerGeneration / options.NumGenerations);

    /// <summary>Optimizer steps of the run.</summary>
    /// <exception cref="ArgumentException">The epochs have more steps than can be counted.</exception>
    public int TotalSteps
    {
        get
        {
            if (options.MaxSteps > 0)
                return options.MaxSteps;
            double steps = Math.Ceiling(options.NumTrainEpochs / Epochs(1));
            return steps <= int.MaxValue ? (int)steps : throw new ArgumentException(FormattableString.Invariant(
                $"NumTrainEpochs ({options.NumTrainEpochs:G6}) asks for {steps:G6} steps; at most {int.MaxValue} are possible. ")
                + "Lower it, or set MaxSteps.");
        }
    }

    /// <summary>Whether completions are learnt from when the weights are no longer those that sampled them.</summary>
    public bool LearnsFromOlderCompletions => options.GradientAccumulationSteps % PassesPerGeneration != 0;

    /// <summary>All steps in order.</summary>
    public IEnumerable<StepPlan> Steps() =>
        Enumerable.Range(1, TotalSteps).Select(step => new StepPlan(step, Epochs(step), []));

    /// <summary>What the passes of a step read.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <returns>For each pass the number of the generation, counted from 0, and the part of it.</returns>
    public IEnumerable<(long Generation, int Part)> PassesOf(int step)
    {
        long first = (long)(step - 1) * options.GradientAccumulationSteps;
        for (long pass = first; pass < first + options.GradientAccumulationSteps; pass++)
            yield return (pass / PassesPerGeneration, (int)(pass % options.PassesPerGeneration));
    }

    /// <summary>Passes over the prompts when a number of steps is done.</summary>
    private double Epochs(int steps) =>
        (double)steps * options.GradientAccumulationSteps / PassesPerGeneration * PromptsPerGeneration / prompts;
}
