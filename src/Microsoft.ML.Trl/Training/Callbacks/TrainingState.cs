namespace Microsoft.ML.Trl;

/// <summary>Where training is when a callback is called: transformers' TrainerState. Numbers alone, which may be kept.</summary>
public sealed class TrainingState
{
    internal TrainingState(string stage, int totalSteps) => (Stage, TotalSteps) = (stage, totalSteps);

    /// <summary>Who trains, such as <c>SFT</c> or <c>DPO</c>.</summary>
    public string Stage { get; }

    /// <summary>Optimizer steps done, of PPO its own steps; 0 before the first.</summary>
    public int Step { get; internal init; }

    /// <summary>Steps of the whole run.</summary>
    public int TotalSteps { get; }

    /// <summary>Passes over the data so far.</summary>
    public double Epoch { get; internal init; }

    /// <summary>What the next report would say, by the names of <see cref="StepReport.Metrics"/>: means since the last one.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; internal init; } = new Dictionary<string, double>();

    /// <summary>The figures of the last evaluation, whose names begin with <c>eval_</c>; none before the first.</summary>
    public IReadOnlyDictionary<string, double> Evaluation { get; internal init; } = new Dictionary<string, double>();

    /// <summary>The best <see cref="EvaluatedOptions.MetricForBestModel"/> so far; null where none was measured.</summary>
    public double? BestMetric { get; internal init; }

    /// <summary>The step of <see cref="BestMetric"/>.</summary>
    public int? BestStep { get; internal init; }

    /// <summary>Writes with the policy as it is now; null where what is trained writes nothing, such as a reward model.</summary>
    public PolicyView? Policy { get; internal init; }
}
