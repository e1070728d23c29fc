using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Raft;

/// <summary>Runs the loop of RAFT on a tiny model.</summary>
internal static class RaftRuns
{
    /// <summary>Two iterations of eight completions each, each learnt in two steps of plain descent.</summary>
    public static readonly RaftOptions Quick = new()
    {
        NumRaftIteration = 2,
        RaftBatchSize = 4,
        TopRewardPercentage = 0.5,
        OutputMinLength = 4,
        OutputMaxLength = 9,
        MinCompletionCharacters = 0,
        NumTrainEpochs = 2,
        PerDeviceTrainBatchSize = 4,
        LearningRate = 0.05,
        Optim = OptimizerKind.Sgd,
        LoggingSteps = 1,
        NumCompletionsToPrint = 8,
    };

    private static readonly string[] Prompts = ["the film", "a", "the plot", "the story"];

    /// <summary>Share of the letter o, which every text has some of.</summary>
    public static double Reward(string text) => text.Length == 0 ? 0 : text.Count(letter => letter == 'o') / (double)text.Length;

    public static List<StepReport> Run(LanguageModel model, RaftOptions options, Func<string, double?>? reward = null)
    {
        Func<string, double?> score = reward ?? (text => Reward(text));
        return Run(model, options, new RewardSet([RewardFunction.Of((_, completion) => score(completion))], options.RewardWeights));
    }

    public static List<StepReport> Run(
        LanguageModel model, RaftOptions options, RewardSet rewards, Action<StepReport>? also = null, string[]? heldOut = null,
        CancellationToken cancel = default)
    {
        MLContext ml = new(1);
        RewardScorer Bind(List<PromptRow> of) =>
            rewards.Bind(new RewardContext(ml, ml.Data.LoadFromEnumerable(Tiny.Pairs), model.Tokenizer), model, of);
        List<PromptRow> rows = Rows(model, Prompts), held = Rows(model, heldOut ?? []);
        var progress = new Collected(also);
        new RaftLoop(new RaftWork(model, rows, Bind(rows), rewards.Weights)
        {
            HeldOut = heldOut is null ? null : new ScoredPrompts([.. held.Select(row => row.Prompt.Ids)], Bind(held), rewards.Weights)
            {
                Rollout = new CleanedAnswers(held, new CompletionCleaner(model, options)),
            },
        }, options.Validated(), progress).Run(cancel);
        return progress.Reports;
    }

    public static List<PromptRow> Rows(LanguageModel model, string[] prompts) =>
        [.. prompts.Select((prompt, row) => new PromptRow(row, model.Codec.Rows(false).Prompt(prompt, TemplateCells.None)))];

    /// <summary>Reports and weights of a run of its own.</summary>
    public static (List<StepReport> Reports, float[] Weights) Fresh(RaftOptions options, Func<string, double?>? reward = null)
    {
        using LanguageModel model = Tiny.Model();
        List<StepReport> reports = Run(model, options, reward);
        return (reports, TinyModels.Flat(model.Network.Weights()));
    }
}
