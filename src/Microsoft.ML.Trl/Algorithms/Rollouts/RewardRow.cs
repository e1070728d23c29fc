using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>A completion to be rewarded, with what it answers.</summary>
/// <param name="Prompt">The prompt, as the data have it: a text, or JSON where the data hold conversations.</param>
/// <param name="Completion">What the policy wrote; results of functions that it called, and what an environment said, included.</param>
/// <param name="PromptIds">Token ids of the prompt.</param>
/// <param name="CompletionIds">Its token ids, an end token that the policy chose included.</param>
/// <param name="HasEnded">Whether the policy chose an end token, rather than being cut at the length limit.</param>
/// <param name="Row">The row of the data that the prompt stands in, counted from 0.</param>
/// <param name="Step">The step of the run that asks, counted from 1; 0 outside of training.</param>
public sealed record RewardRow(
    string Prompt, string Completion, IReadOnlyList<int> PromptIds, IReadOnlyList<int> CompletionIds, bool HasEnded, long Row, int Step)
{
    /// <summary>
    /// The completion message by message: what the assistant said and called (<see cref="FunctionCallContent"/>), and what it was answered
    /// (<see cref="FunctionResultContent"/>, whose Exception says why a call failed; or the user's words). A single message where there
    /// are no functions and no environment.
    /// </summary>
    public IReadOnlyList<ChatMessage> Turns
    {
        get => field ?? [new ChatMessage(ChatRole.Assistant, Completion)];
        init;
    }

    /// <summary>What <see cref="GroupOptions.RolloutFunc"/> tells of the completion; empty where there is none.</summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = NoFields;

    /// <summary>The environment that the completion acted in, as it is now; null where there is none. For the time of the call.</summary>
    public IEnvironment? Environment { get; init; }

    /// <summary>Nothing.</summary>
    internal static IReadOnlyDictionary<string, object?> NoFields { get; } = new Dictionary<string, object?>();

    /// <summary>The prompt as the policy read it.</summary>
    internal RowPrompt Read { get; init; } = new(Prompt, TemplateCells.None, Prompt, [.. PromptIds], IsConversation: false);

    /// <summary>Where what a reward tells goes, and as which row of the batch; null = nowhere.</summary>
    internal (RewardLog To, int Row)? Log { get; init; }

    /// <summary>
    /// Shows a value beside this completion, in <see cref="SampleCompletion.Extra"/>: TRL's <c>log_extra</c>. Outside of training it does
    /// nothing. May be called from any thread.
    /// </summary>
    /// <param name="column">What it is, such as <c>answer_parsed</c>. The last value of a column counts.</param>
    /// <param name="value">Kept as text, numbers in the invariant culture; null is an empty text.</param>
    /// <exception cref="ArgumentException">The column has no name.</exception>
    public void LogExtra(string column, object? value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(column);
        if (Log is { } log)
            log.To.Extra(log.Row, column, value);
    }

    /// <summary>
    /// Adds a value to a metric of the step: TRL's <c>log_metric</c>. A report carries the mean of a step's values, averaged over its
    /// steps. Outside of training it does nothing. May be called from any thread.
    /// </summary>
    /// <param name="name">A key of <see cref="StepReport.Metrics"/>; best one that no method reports itself.</param>
    /// <param name="value">Finite.</param>
    /// <exception cref="ArgumentException">The metric has no name, or the value is no finite number.</exception>
    public void LogMetric(string name, double value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Require.Finite(value);
        Log?.To.Metric(name, value);
    }
}
