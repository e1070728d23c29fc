namespace Microsoft.ML.Trl;

/// <summary>
/// After each evaluation, lets the policy answer the same prompts and a judge compare its answers with those that it gave before training:
/// TRL's WinRateCallback. The share that the judge prefers is reported as <c>eval_win_rate</c>, in [0, 1], an undecided pair being no win;
/// the answers stand in <see cref="StepReport.Completions"/>.
/// </summary>
/// <remarks>One training at a time: it keeps the answers of the beginning.</remarks>
public sealed class WinRateCallback : ITrainingCallback
{
    private readonly PairwiseJudge _judge;
    private readonly string[] _prompts;
    private readonly GenerationOptions? _generation;
    private IReadOnlyList<string> _before = [];

    /// <summary>Compares answers to prompts.</summary>
    /// <param name="judge">
    /// Asked on the training thread about texts: a function, a chat client, ranks or conditions; not a reward function. The first of the
    /// two is the answer from before training.
    /// </param>
    /// <param name="prompts">At least one, as the data of the stage have them: texts, or conversations in JSON.</param>
    /// <param name="generation">How the policy answers, then and now; null = as the fitted stage will.</param>
    /// <param name="numPrompts">How many of the prompts, from the first; at least 1. Null = all.</param>
    /// <exception cref="ArgumentException">There is no prompt, or a number is below 1.</exception>
    public WinRateCallback(
        PairwiseJudge judge, IReadOnlyList<string> prompts, GenerationOptions? generation = null, int? numPrompts = null)
    {
        ArgumentNullException.ThrowIfNull(judge);
        ArgumentNullException.ThrowIfNull(prompts);
        Require.AtLeast(numPrompts, 1);
        if (prompts.Count == 0)
            throw new ArgumentException("There are no prompts to answer; give at least one.", nameof(prompts));
        (_judge, _prompts, _generation) = (judge, [.. prompts.Take(numPrompts ?? prompts.Count)], generation);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">What is trained writes nothing.</exception>
    public void OnTrainBegin(TrainingState state, TrainingControl control)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Policy is null)
            throw new NotSupportedException(
                $"{state.Stage} trains a model that writes nothing, so that there are no answers to compare; leave the callback out.");
        _before = state.Policy.Complete(_prompts, _generation);
    }

    /// <inheritdoc/>
    public void OnEvaluate(TrainingState state, TrainingControl control)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(control);
        IReadOnlyList<string> now = state.Policy!.Complete(_prompts, _generation);
        IReadOnlyList<int> verdicts = _judge.Judge(_prompts, [.. _before.Zip(now)], state.Policy.Cancel);
        control.Note(EvaluatedOptions.EvalPrefix + "win_rate", verdicts.Count(verdict => verdict == 1) / (double)verdicts.Count);
        control.Note([.. _prompts.Select((prompt, row) =>
            new SampleCompletion(prompt, now[row], double.NaN) { Reference = _before[row] })]);
        control.Log();
    }
}
