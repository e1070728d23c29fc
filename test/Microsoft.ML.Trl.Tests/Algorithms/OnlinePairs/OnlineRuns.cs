using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;

/// <summary>Runs of the methods that compare answers of the policy, on token ids.</summary>
internal static class OnlineRuns
{
    public const int Wanted = 7, End = 0;

    public static readonly GenerationOptions Short = new() { MaxNewTokens = 5, EosTokenIds = [End] };

    /// <summary>Prefers answers with more of the wanted token.</summary>
    public static readonly FakeJudge MoreWanted = new((first, second) => Count(first).CompareTo(Count(second)) switch
    {
        > 0 => 1,
        < 0 => 0,
        _ => 0.5,
    });

    /// <summary>The same by scores.</summary>
    public static readonly FakeJudge WantedScores = new(Count);

    public static string[] Methods { get; } = ["OnlineDpo", "Xpo", "NashMd"];

    public static double Count(int[] answer) => answer.Count(id => id == Wanted);

    /// <summary>Trains a policy.</summary>
    public static List<StepReport> Run(
        string method, CausalLanguageModel policy, Settings settings, IAnswerJudge judge, CausalLanguageModel? reference = null,
        SamplingHooks? hooks = null, CancellationToken cancel = default)
    {
        IProgress<StepReport>? told = hooks?.Progress;
        var progress = new Collected(report => told?.Report(report));
        hooks = (hooks ?? new SamplingHooks()) with { Progress = progress };
        (IOnlinePairMethod made, OnlinePairOptions options) = Of(method, settings);
        new OnlinePairLoop(made, options, policy, reference, judge, hooks) { HeldOut = settings.HeldOut }.Run(settings.Prompts, cancel);
        return progress.Reports;
    }

    /// <summary>Trains a fresh policy.</summary>
    public static (List<StepReport> Reports, float[] Weights) Run(string method, Settings settings, IAnswerJudge judge)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        List<StepReport> reports = Run(method, policy, settings, judge);
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static (IOnlinePairMethod, OnlinePairOptions) Of(string method, Settings settings)
    {
        if (method == "Xpo")
        {
            XpoOptions xpo = ((XpoOptions)settings.On(new XpoOptions())).Validated();
            return (new XpoMethod(xpo), xpo);
        }
        if (method == "NashMd")
        {
            NashMdOptions nash = ((NashMdOptions)settings.On(new NashMdOptions())).Validated();
            return (new NashMdMethod(nash), nash);
        }
        OnlineDpoOptions options = ((OnlineDpoOptions)settings.On(new OnlineDpoOptions())).Validated();
        return (new OnlineDpoMethod(options), options);
    }

    /// <summary>Mean number of wanted tokens in answers to new draws.</summary>
    public static double MeanWanted(CausalLanguageModel policy, int seed = 99)
    {
        int[][] prompts = [.. Enumerable.Range(0, 64).Select(row => new[] { 1 + (row % 5) })];
        return new TokenGenerator(policy).Generate(prompts, Short with { Seed = seed }).Tokens.Average(Count);
    }
}

/// <summary>What runs are made with.</summary>
internal sealed record Settings
{
    public int Steps { get; init; } = 3;
    public int BatchSize { get; init; } = 4;
    public int Accumulate { get; init; } = 1;
    public int Seed { get; init; } = 42;
    public double LearningRate { get; init; } = 1e-3;
    public OptimizerKind Optim { get; init; } = OptimizerKind.AdamW;
    public GenerationOptions Generation { get; init; } = OnlineRuns.Short;
    public int[][] Prompts { get; init; } = Toys.Rows(5, 8, 2, 6);
    public HeldOutPairs? HeldOut { get; init; }
    public Func<OnlinePairOptions, OnlinePairOptions> Change { get; init; } = options => options;

    public OnlinePairOptions On(OnlinePairOptions options) => Change(options with
    {
        MaxSteps = Steps,
        PerDeviceTrainBatchSize = BatchSize,
        GradientAccumulationSteps = Accumulate,
        Seed = Seed,
        LearningRate = LearningRate,
        LrSchedulerType = LrSchedulerType.Constant,
        Optim = Optim,
        Generation = Generation,
        LoggingSteps = 1,
    });
}

/// <summary>Compares token ids by a function, and keeps what it was shown.</summary>
internal sealed class FakeJudge : IAnswerJudge
{
    private readonly Func<int[], int[], double?>? _judge;
    private readonly Func<int[], double>? _score;

    public FakeJudge(Func<int[], int[], double?> judge) => _judge = judge;

    public FakeJudge(Func<int[], double> score) => _score = score;

    public List<(RolloutTexts First, RolloutTexts Second)> Seen { get; } = [];

    public PairVerdicts Judge(RolloutTexts first, RolloutTexts second, CancellationToken cancel)
    {
        Seen.Add((first, second));
        (int[] First, int[] Second)[] pairs = [.. first.Responses.Zip(second.Responses)];
        return _judge is { } judge
            ? new PairVerdicts([.. pairs.Select(pair => judge(pair.First, pair.Second))])
            : Verdict.OfScores([.. pairs.Select(pair => ((double?)_score!(pair.First), (double?)_score(pair.Second)))]);
    }
}
