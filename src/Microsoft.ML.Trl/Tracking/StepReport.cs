namespace Microsoft.ML.Trl;

/// <summary>What a training loop has to say about the optimizer steps since its last report.</summary>
/// <param name="Stage">Who reports, such as <c>SFT</c> or <c>DPO</c>.</param>
/// <param name="Step">Optimizer steps done, counted from 1; 0 for what is reported before the first.</param>
/// <param name="TotalSteps">Optimizer steps of the whole run.</param>
/// <param name="Metrics">
/// TRL's keys: <c>loss</c>, <c>grad_norm</c> (before clipping), <c>learning_rate</c>, <c>epoch</c> and those of the method.
/// A value is the mean since the last report, except <c>grad_norm</c>, <c>learning_rate</c>, <c>epoch</c> and <c>num_tokens</c>, which are
/// as of this step; so are <c>loss_scale</c> and <c>skipped_steps</c> (updates that overflowed in float16 so far) of runs with
/// <see cref="TrainingOptions.Fp16"/>. Figures of an evaluation begin with <c>eval_</c> and have a report of their own.
/// </param>
/// <param name="Tokens">Real (unpadded) tokens the model has read since the run began.</param>
/// <param name="Elapsed">Time since the run began.</param>
public sealed record StepReport(
    string Stage, int Step, int TotalSteps, IReadOnlyDictionary<string, double> Metrics, long Tokens, TimeSpan Elapsed)
{
    /// <summary>Who reports.</summary>
    public string Stage { get; init => field = Require.NotNull(value, nameof(Stage)); } = Require.NotNull(Stage);

    /// <summary>Numbers by TRL's keys.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init => field = Require.NotNull(value, nameof(Metrics)); } =
        Require.NotNull(Metrics);

    /// <summary>Estimated time to the end of the run; null where nobody estimates it.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Why training ended here, before its last step, where a callback or an option asked for it; otherwise null.</summary>
    public string? StopReason { get; init; }

    /// <summary>
    /// Some completions of this step with their scores, where the stage generates, or those that evaluations and callbacks let the policy
    /// write; otherwise empty.
    /// </summary>
    public IReadOnlyList<SampleCompletion> Completions { get; init => field = Require.NotNull(value, nameof(Completions)); } = [];

    /// <summary>The metric of that name, or NaN where this stage does not report it.</summary>
    /// <param name="metric">A key of <see cref="Metrics"/>.</param>
    public double this[string metric] => Metrics.GetValueOrDefault(Require.NotNull(metric), double.NaN);
}
