namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Who is told of a run that samples, and what token ids mean there.</summary>
/// <param name="Progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
/// <param name="Warn">Told what a human should look at; null = nobody.</param>
/// <param name="Stop">Tells from an answer's tokens whether it has ended, for stop strings; null = only end tokens do.</param>
/// <param name="Tokenizer">Tells the bytes of tokens, for constraints; null where there is none.</param>
internal sealed record SamplingHooks(
    IProgress<StepReport>? Progress = null, Action<string>? Warn = null, Func<IReadOnlyList<int>, bool>? Stop = null,
    TextTokenizer? Tokenizer = null)
{
    /// <summary>Those of a stage.</summary>
    /// <param name="session">Reports and warnings.</param>
    /// <param name="model">Samples.</param>
    /// <param name="generation">With the stop strings.</param>
    public static SamplingHooks Of(FitSession session, LanguageModel model, GenerationOptions generation) =>
        new(session.Progress, session.Warn, model.StopRule(generation), model.Tokenizer);
}
