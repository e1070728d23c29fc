using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Callbacks, and what they are given.</summary>
internal static class CallbackInputs
{
    private const string Make = "LogCompletionsCallback.#ctor", MakeRate = "WinRateCallback.#ctor", Complete = "PolicyView.Complete";

    private static readonly TrainingState State = new("SFT", 3);
    private static readonly TrainingControl Closed = new(canEvaluate: true), Open = new(canEvaluate: false) { IsOpen = true };
    private static readonly LogCompletionsCallback Callback = new(["the film"], freq: 1);

    private static readonly PairwiseJudge Judge = PairwiseJudge.Of((_, _, _) => 0);
    private static readonly WinRateCallback Rate = new(Judge, ["the film"]);

    private static readonly PolicyView Policy =
        new(Tiny.Model(), Tiny.Greedy, conversations: null, default) { IsOpen = true };

    private static readonly string LongPrompt = string.Join(" ", Enumerable.Repeat("the film", 40));

    public static IEnumerable<BadInput> All() => [.. Making(), .. Controls(), .. Views()];

    private static IEnumerable<BadInput> Making() =>
    [
        Null(Make, "prompts", () => new LogCompletionsCallback(null!)),
        Of<ArgumentException>(Make, () => new LogCompletionsCallback([]), ["no prompts", "at least one"]),
        Of<ArgumentOutOfRangeException>(Make, () => new LogCompletionsCallback(["a"], freq: 0), ["freq (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>(Make, () => new LogCompletionsCallback(["a"], numPrompts: 0), ["numPrompts (0)", "1 or greater"]),
        Null(MakeRate, "judge", () => new WinRateCallback(null!, ["a"])),
        Null(MakeRate, "prompts", () => new WinRateCallback(Judge, null!)),
        Of<ArgumentException>(MakeRate, () => new WinRateCallback(Judge, []), ["no prompts", "at least one"]),
        Of<ArgumentOutOfRangeException>(MakeRate, () => new WinRateCallback(Judge, ["a"], numPrompts: 0), ["numPrompts (0)"]),
        Null("WinRateCallback.OnTrainBegin", "state", () => Rate.OnTrainBegin(null!, Open)),
        Of<NotSupportedException>(
            "WinRateCallback.OnTrainBegin", () => Rate.OnTrainBegin(State, Open), ["SFT", "writes nothing", "leave"]),
        Null("WinRateCallback.OnEvaluate", "state", () => Rate.OnEvaluate(null!, Open)),
        Null("WinRateCallback.OnEvaluate", "control", () => Rate.OnEvaluate(State, null!)),
        Null("LogCompletionsCallback.OnTrainBegin", "state", () => Callback.OnTrainBegin(null!, Open)),
        Of<NotSupportedException>(
            "LogCompletionsCallback.OnTrainBegin", () => Callback.OnTrainBegin(State, Open), ["SFT", "writes nothing", "leave"]),
        Null("LogCompletionsCallback.OnStepEnd", "state", () => Callback.OnStepEnd(null!, Open)),
        Null("LogCompletionsCallback.OnStepEnd", "control", () => Callback.OnStepEnd(State, null!)),
        Null("LogCompletionsCallback.OnEvaluate", "state", () => Callback.OnEvaluate(null!, Open)),
        Null("LogCompletionsCallback.OnEvaluate", "control", () => Callback.OnEvaluate(State, null!)),
    ];

    private static IEnumerable<BadInput> Controls() =>
    [
        Of<InvalidOperationException>("TrainingControl.StopTraining", () => Closed.StopTraining(), ["nothing could be asked for"]),
        Of<InvalidOperationException>("TrainingControl.Evaluate", Closed.Evaluate, ["nothing could be asked for"]),
        Of<InvalidOperationException>("TrainingControl.Evaluate", Open.Evaluate, ["nothing to evaluate on", "set EvaluationData"]),
        Of<InvalidOperationException>("TrainingControl.Log", Closed.Log, ["nothing could be asked for"]),
        Of<InvalidOperationException>("TrainingControl.Note", () => Closed.Note("mine", 1), ["nothing could be asked for"]),
        Of<InvalidOperationException>("TrainingControl.Note", () => Closed.Note([]), ["nothing could be asked for"]),
        Null("TrainingControl.Note", "metric", () => Open.Note(null!, 1)),
        Null("TrainingControl.Note", "completions", () => Open.Note(null!)),
        Of<ArgumentException>("TrainingControl.Note(System.String", () => Open.Note(" ", 1), ["metric"]),
    ];

    private static IEnumerable<BadInput> Views() =>
    [
        Null(Complete, "prompts", () => Policy.Complete((IReadOnlyList<string>)null!)),
        Of<ArgumentException>(Complete, () => Policy.Complete((string)null!), ["Prompt 0 is null", "give a text"]),
        Of<ArgumentException>(Complete, () => Policy.Complete(["a", ""]), ["Prompt 1", "empty"]),
        Of<ArgumentException>(Complete, () => Policy.Complete(LongPrompt), ["Prompt 0", "shorten it"]),
        Of<ArgumentException>(
            Complete, () => Policy.Complete("a", new GenerationOptions { NumReturnSequences = 2 }),
            ["NumReturnSequences (2)", "must be 1"]),
        Of<InvalidOperationException>(
            Complete, () => new PolicyView(Tiny.Model(), null, null, default).Complete("a"), ["after the call", "during the call"]),
    ];
}
