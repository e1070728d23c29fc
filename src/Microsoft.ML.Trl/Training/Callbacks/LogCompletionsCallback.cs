namespace Microsoft.ML.Trl;

/// <summary>
/// Lets the policy answer the same prompts again and again while it is trained, and puts what it writes into
/// <see cref="StepReport.Completions"/>: TRL's LogCompletionsCallback. <see cref="ConsoleProgress.CompletionsToPrint"/> prints them.
/// </summary>
public sealed class LogCompletionsCallback : ITrainingCallback
{
    private readonly IReadOnlyList<string> _prompts;
    private readonly GenerationOptions? _generation;
    private readonly int? _freq;

    /// <summary>Answers prompts after steps that are counted, or after each evaluation.</summary>
    /// <param name="prompts">At least one, as the data of the stage have them: texts, or conversations in JSON.</param>
    /// <param name="generation">How the policy answers; null = as the fitted stage will.</param>
    /// <param name="freq">Steps between two tables, at least 1; null = a table after each evaluation.</param>
    /// <param name="numPrompts">How many of the prompts, from the first; at least 1. Null = all.</param>
    /// <exception cref="ArgumentException">There is no prompt, or a number is below 1.</exception>
    public LogCompletionsCallback(
        IReadOnlyList<string> prompts, GenerationOptions? generation = null, int? freq = null, int? numPrompts = null)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        Require.AtLeast(freq, 1);
        Require.AtLeast(numPrompts, 1);
        if (prompts.Count == 0)
            throw new ArgumentException("There are no prompts to answer; give at least one.", nameof(prompts));
        (_prompts, _generation, _freq) = ([.. prompts.Take(numPrompts ?? prompts.Count)], generation, freq);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">What is trained writes nothing.</exception>
    public void OnTrainBegin(TrainingState state, TrainingControl control)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Policy is null)
            throw new NotSupportedException(
                $"{state.Stage} trains a model that writes nothing, so that there are no completions to log; leave the callback out.");
    }

    /// <inheritdoc/>
    public void OnStepEnd(TrainingState state, TrainingControl control)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(control);
        if (_freq is { } freq && state.Step % freq == 0)
            Answer(state, control);
    }

    /// <inheritdoc/>
    public void OnEvaluate(TrainingState state, TrainingControl control)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(control);
        if (_freq is null)
            Answer(state, control);
    }

    private void Answer(TrainingState state, TrainingControl control)
    {
        IReadOnlyList<string> written = state.Policy!.Complete(_prompts, _generation);
        control.Note([.. _prompts.Zip(written, (prompt, completion) => new SampleCompletion(prompt, completion, double.NaN))]);
        control.Log();
    }
}
