using System.Globalization;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>PPO over a list of prompts: sample, score, learn, report.</summary>
/// <param name="session">Holds what is trained. The caller disposes it.</param>
/// <param name="scorer">Says how good responses are.</param>
/// <param name="options">Those of the session.</param>
/// <param name="progress">Told every <see cref="PpoOptions.LoggingSteps"/> steps; null = nobody.</param>
/// <param name="warn">Told what a human should look at; null = nobody.</param>
/// <param name="stop">Tells from a response's new tokens whether it has ended, for the stop strings of <see cref="PpoOptions.Generation"/>; null = only end tokens do.</param>
internal sealed class PpoLoop(
    PpoSession session,
    IRolloutScorer scorer,
    PpoOptions options,
    IProgress<StepReport>? progress = null,
    Action<string>? warn = null,
    Func<IReadOnlyList<int>, bool>? stop = null)
{
    private const string Stage = "PPO";

    /// <summary>Steps of a run: each answers <see cref="PpoOptions.BatchSize"/> prompts.</summary>
    public int TotalSteps { get; } = (int)(((long)options.Steps + options.BatchSize - 1) / options.BatchSize);

    /// <summary>Runs all steps.</summary>
    /// <param name="prompts">Token ids, at least one prompt; used again when all were answered.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; the message names its row. Nothing has changed.</exception>
    /// <exception cref="RewardFunctionException">The scorer threw or gave no finite number; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being a number.</exception>
    public void Run(IReadOnlyList<int[]> prompts, CancellationToken cancel = default)
    {
        session.CheckPrompts(prompts);
        var log = new PpoLog(Stage, TotalSteps, options, progress);
        var stream = new PromptStream(prompts.Count, options.Seed);
        for (int step = 1; step <= TotalSteps; step++)
        {
            int[] chosen = stream.Next(options.BatchSize);
            int[][] queries = Array.ConvertAll(chosen, prompt => prompts[prompt]);
            (IReadOnlyList<int[]> responses, IReadOnlyList<double> scores) = Collect(chosen, queries, step, cancel);
            PpoStatistics statistics = session.Step(queries, responses, scores);
            foreach (string warning in statistics.Warnings)
                warn?.Invoke(string.Create(CultureInfo.InvariantCulture, $"Step {step}: {warning}"));
            log.EndStep(step, step * (double)options.BatchSize / prompts.Count, statistics);
        }
    }

    private (IReadOnlyList<int[]> Responses, IReadOnlyList<double> Scores) Collect(int[] prompts, int[][] queries, int step, CancellationToken cancel)
    {
        try
        {
            cancel.ThrowIfCancellationRequested();
            IReadOnlyList<int[]> responses = session.Generate(queries, null, stop, cancel);
            return (responses, Score(prompts, queries, responses, step, cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw new TrainingCanceledException(Stage, step - 1, TotalSteps, cancel);
        }
    }

    private IReadOnlyList<double> Score(int[] prompts, int[][] queries, IReadOnlyList<int[]> responses, int step, CancellationToken cancel)
    {
        IReadOnlyList<double> scores;
        try
        {
            scores = scorer.Score(prompts, queries, responses, cancel);
        }
        catch (Exception cause) when (cause is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            throw new RewardFunctionException(step, $"the reward function threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        if (scores is null || scores.Count != responses.Count)
            throw new RewardFunctionException(step, $"the reward function gave {scores?.Count ?? 0} scores for {responses.Count} responses; it must give one for each.");
        for (int row = 0; row < scores.Count; row++)
            if (!double.IsFinite(scores[row]))
                throw new RewardFunctionException(step, string.Create(CultureInfo.InvariantCulture, $"the reward function gave {scores[row]} for row {row} (prompt {prompts[row]}); scores must be finite numbers."));
        return scores;
    }
}
