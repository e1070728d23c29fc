using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>GRPO and RLOO: options, losses and stages.</summary>
internal static class GroupInputs
{
    private const string Positive = "a finite number greater than 0", NotNegative = "a finite number, 0 or greater";

    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];
    private static readonly double[] Negative = [-0.01, double.NaN, double.PositiveInfinity];

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static RewardFunction One => RewardFunction.Of((_, _) => 1);

    public static IEnumerable<BadInput> All() =>
    [
        .. Shared(), .. Batches(), .. Grpo(), .. Contradictions(), .. Rloo(), .. Losses(), .. Stages(), .. Tools(), .. Sessions(),
        .. Steps(),
    ];

    private static IEnumerable<BadInput> Shared() =>
    [
        .. Negative.Select(x => Option(new GrpoOptions { Beta = x }, "Beta", x, NotNegative)),
        .. NotPositive.Select(x => Option(new RlooOptions { Epsilon = x }, "Epsilon", x, Positive)),
        Option(new GrpoOptions { Epsilon = 1 }, "Epsilon", 1, "below 1"),
        .. NotPositive.Select(x => Option(new GrpoOptions { EpsilonHigh = x }, "EpsilonHigh", x, Positive)),
        Option(new GrpoOptions { NumIterations = 0 }, "NumIterations", 0, "1 or greater"),
        Option(new RlooOptions { RewardWeights = [double.NaN] }, "RewardWeights", double.NaN, "a finite number"),
        Option<ArgumentException>(new GrpoOptions { ReferenceModel = (ReferenceKind)2 }, "ReferenceModel (2)", "Full, Int8"),
        Option(new GrpoOptions { RefModelMixupAlpha = 1.5 }, "RefModelMixupAlpha", 1.5, "lie between 0 and 1"),
        Option(new RlooOptions { RefModelSyncSteps = 0 }, "RefModelSyncSteps", 0, "1 or greater"),
        Option<ArgumentException>(
            new GrpoOptions { SyncRefModel = true, ReferenceModel = ReferenceKind.Int8 }, "SyncRefModel", "ReferenceModel is Int8"),
        Option(new GrpoOptions { RouterAuxLossCoef = -1 }, "RouterAuxLossCoef", -1, NotNegative),
        Option(new RlooOptions { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint", -1, "0 or greater"),
        Option<ArgumentException>(new GrpoOptions { OutputColumnName = " " }, "OutputColumnName is empty"),
        Option<ArgumentException>(new RlooOptions { PromptColumnName = "" }, "PromptColumnName is empty"),
        Option<ArgumentException>(new GrpoOptions { ScoreColumnName = "" }, "ScoreColumnName is empty"),
        Option<ArgumentException>(new GrpoOptions { Generation = new() { DoSample = false } }, "DoSample of Generation must be true"),
        Option<ArgumentException>(new RlooOptions { Generation = new() { NumBeams = 2 } }, "NumBeams (2) must be 1"),
        Option<ArgumentException>(
            new GrpoOptions { TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength }, "GroupByLength has no meaning here"),
        Option<ArgumentNullException>(new GrpoOptions { Generation = null! }, "Generation"),
    ];

    private static IEnumerable<BadInput> Batches() =>
    [
        Option(new GrpoOptions { NumGenerations = 1 }, "NumGenerations", 1, "2 or greater"),
        Option(new GrpoOptions { NumGenerationsEval = 0 }, "NumGenerationsEval", 0, "1 or greater"),
        Option(new RlooOptions { StepsPerGeneration = 0 }, "StepsPerGeneration", 0, "1 or greater"),
        Option(new GrpoOptions { GenerationBatchSize = 0 }, "GenerationBatchSize", 0, "1 or greater"),
        Option<ArgumentException>(
            new GrpoOptions { StepsPerGeneration = 2, GenerationBatchSize = 16 }, "StepsPerGeneration (2) and GenerationBatchSize (16)",
            "set one"),
        Option<ArgumentException>(
            new GrpoOptions { GenerationBatchSize = 12 }, "GenerationBatchSize (12) must be a multiple of PerDeviceTrainBatchSize (8)"),
        Option<ArgumentException>(
            new GrpoOptions { NumGenerations = 3 }, "NumGenerations (3) must divide the completions", "PerDeviceTrainBatchSize (8)", "= 8"),
        Option<ArgumentException>(
            new GrpoOptions { PerDeviceTrainBatchSize = int.MaxValue, StepsPerGeneration = int.MaxValue }, "must divide the completions"),
    ];

    private static IEnumerable<BadInput> Grpo() =>
    [
        Option<ArgumentException>(new GrpoOptions { LossType = (GrpoLossType)8 }, "LossType (8)", "Grpo, DrGrpo"),
        Option<ArgumentException>(
            new GrpoOptions { ImportanceSamplingLevel = (ImportanceSamplingLevel)2 }, "ImportanceSamplingLevel (2)", "Token, Sequence"),
        Option<ArgumentException>(new GrpoOptions { ScaleRewards = (ScaleRewards)3 }, "ScaleRewards (3)", "Group, Batch"),
        Option<ArgumentException>(
            new GrpoOptions { MultiObjectiveAggregation = (MultiObjectiveAggregation)2 }, "MultiObjectiveAggregation (2)"),
        .. NotPositive.Select(x => Option(new GrpoOptions { SapoTemperatureNeg = x }, "SapoTemperatureNeg", x, Positive)),
        .. NotPositive.Select(x => Option(new GrpoOptions { SapoTemperaturePos = x }, "SapoTemperaturePos", x, Positive)),
        .. Negative.Select(x => Option(new GrpoOptions { VespoKPos = x }, "VespoKPos", x, NotNegative)),
        .. Negative.Select(x => Option(new GrpoOptions { VespoLambdaPos = x }, "VespoLambdaPos", x, NotNegative)),
        .. Negative.Select(x => Option(new GrpoOptions { VespoKNeg = x }, "VespoKNeg", x, NotNegative)),
        .. Negative.Select(x => Option(new GrpoOptions { VespoLambdaNeg = x }, "VespoLambdaNeg", x, NotNegative)),
        .. NotPositive.Select(x => Option(new GrpoOptions { TopEntropyQuantile = x }, "TopEntropyQuantile", x, Positive)),
        Option(new GrpoOptions { TopEntropyQuantile = 1.01 }, "TopEntropyQuantile", 1.01, "lie between 0 and 1"),
        Option(new GrpoOptions { EntropyCoef = double.NaN }, "EntropyCoef", double.NaN, "a finite number"),
        Option(new GrpoOptions { EntropyCoefMin = double.NaN }, "EntropyCoefMin", double.NaN, "a finite number"),
        Option(new GrpoOptions { EntropyCoefMax = double.NaN }, "EntropyCoefMax", double.NaN, "a finite number"),
        .. NotPositive.Select(x => Option(new GrpoOptions { EntropyCoefDelta = x }, "EntropyCoefDelta", x, Positive)),
        .. Negative.Select(x => Option(new GrpoOptions { EntropyTarget = x }, "EntropyTarget", x, NotNegative)),
        .. NotPositive.Select(x => Option(new GrpoOptions { OffPolicyMaskThreshold = x }, "OffPolicyMaskThreshold", x, Positive)),
    ];

    private static IEnumerable<BadInput> Contradictions() =>
    [
        .. new[] { 1.2, 0.5, double.NaN, double.PositiveInfinity }.Select(x => Option<ArgumentException>(
            new GrpoOptions { Delta = x }, $"Delta ({Number(x)}) must be greater than 1 + Epsilon (1.2)")),
        Option<ArgumentException>(
            new GrpoOptions { EntropyCoefMin = 2 }, "EntropyCoefMin (2) must not be greater than EntropyCoefMax (1)"),
        Option<ArgumentException>(new GrpoOptions { LossType = GrpoLossType.Cispo }, "LossType Cispo", "EpsilonHigh", "to 5"),
        Option<ArgumentException>(new GrpoOptions { LossType = GrpoLossType.Luspo }, "LossType Luspo", "to Sequence"),
        Option<ArgumentException>(
            new GrpoOptions
            {
                MultiObjectiveAggregation = MultiObjectiveAggregation.NormalizeThenSum, ScaleRewards = ScaleRewards.None,
            }, "NormalizeThenSum", "ScaleRewards (None) must be Group"),
    ];

    private static IEnumerable<BadInput> Rloo() =>
        new double[][] { [], [1], [2, 1], [1, 1], [double.NaN, 1], [0, double.PositiveInfinity], [0, 1, 2] }.Select(
            range => Option<ArgumentException>(
                new RlooOptions { RewardClipRange = range },
                $"RewardClipRange ({string.Join(", ", range.Select(Number))})", "must be two finite numbers, the second greater"));

    private static IEnumerable<BadInput> Losses()
    {
        (string Name, string Parameter, Func<Tensor, Tensor, Tensor> Loss)[] losses =
        [
            ("GrpoLoss.Clipped", "ratio", (x, a) => GrpoLoss.Clipped(x, a, 0.2, 0.2)),
            ("GrpoLoss.Sapo", "ratio", (x, a) => GrpoLoss.Sapo(x, a, 1, 1)),
            ("GrpoLoss.Cispo", "ratio", (x, a) => GrpoLoss.Cispo(x, a, ones(2), 5)),
            ("GrpoLoss.VespoWeights", "logRatios", (x, a) => GrpoLoss.VespoWeights(x, a, (1, 1), (1, 1))),
            ("RlooLoss.Clipped", "logRatios", (x, a) => RlooLoss.Clipped(x, a, 0.2, 0.2)),
        ];
        foreach ((string member, string parameter, Func<Tensor, Tensor, Tensor> loss) in losses)
        {
            yield return Null(member, parameter, () => loss(null!, ones(2)), "null");
            yield return Null(member, "advantages", () => loss(ones(2), null!), "no advantages");
            yield return Of<ArgumentException>(member, () => loss(ones(2, ScalarType.Int64), ones(2)), [parameter, "floating", "Int64"]);
            yield return Of<ArgumentException>(member, () => loss(Disposed(ones(2)), ones(2)), [parameter, "was disposed"]);
            yield return Of<ArgumentException>(member, () => loss(ones(2), ones(3)), [parameter, "advantages", "[2]", "[3]"]);
        }
    }

    private static IEnumerable<BadInput> Stages()
    {
        (string Name, Func<ModelSource?, IReadOnlyList<RewardFunction>?, IEstimator<TextGenerationTransformer>> Of)[] stages =
        [
            ("Grpo", (source, rewards) => Trl.Grpo(source!, rewards)), ("Rloo", (source, rewards) => Trl.Rloo(source!, rewards)),
        ];
        foreach ((string name, var of) in stages)
        {
            string upper = name.ToUpperInvariant();
            yield return Null("TrlCatalog." + name, "source", () => of(null, [One]), "no source");
            yield return Null($"{name}Trainer.Fit", "input", () => of(Tiny.Source(), [One]).Fit(null!), "no input");
            yield return Null(
                $"{name}Trainer.GetOutputSchema", "inputSchema", () => of(Tiny.Source(), [One]).GetOutputSchema(null!), "no schema");
            yield return Of<ArgumentException>("TrlCatalog." + name, () => of(Tiny.Source(), []), ["no reward function", "at least one"]);
            yield return Of<ArgumentException>("TrlCatalog." + name, () => of(Tiny.Source(), [One, null!]), ["Reward function 1 is null"]);
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.Fit", () => of(Tiny.Source(), null).Fit(Rows), [$"{upper} has no reward", "RewardModel stage"]);
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.GetOutputSchema", () => Ml.Transforms.CopyColumns("Q", "Prompt").Append(of(Tiny.Source(), null)).Fit(Rows),
                [$"{upper} has no reward"]);
            yield return Of<ArgumentException>(
                $"{name}Trainer.Fit", () => of(ModelSource.FromModel(Reward), [One]).Fit(Rows), ["holds a reward model"], "reward model");
        }
        yield return Of<ArgumentException>(
            "TrlCatalog.Grpo", () => Trl.Grpo(Tiny.Source(), [One], new() { RewardWeights = [1, 2] }),
            ["RewardWeights has 2 numbers for 1 reward functions"]);
        yield return Null("TrlCatalog.Grpo", "reward", () => Trl.Grpo((RewardFunction)null!), "a reward");
        yield return Null("TrlCatalog.Rloo", "rewards", () => Trl.Rloo((IReadOnlyList<RewardFunction>)null!), "rewards");
        yield return Of<InvalidOperationException>("GrpoTrainer.Fit", () => Trl.Grpo(One).Fit(Rows), ["GRPO has no model to start from"]);
        yield return Of<ArgumentOutOfRangeException>(
            "RlooTrainer.Fit", () => Trl.Rloo(Tiny.Source(), [One], new() { PromptColumnName = "Q" }).Fit(Rows),
            ["Schema mismatch for prompt column 'Q'"]);
    }

    private static IEnumerable<BadInput> Tools()
    {
        AIFunction lamp = AIFunctionFactory.Create(() => "on", "lamp");
        var talk = new GrpoOptions { Conversations = new() };
        yield return Option<ArgumentException>(new GrpoOptions { Tools = [lamp] }, "Tools needs prompts that are conversations");
        yield return Option<ArgumentException>(
            new RlooOptions { EnvironmentFactory = () => null! }, "EnvironmentFactory needs prompts that are conversations");
        yield return Option<ArgumentException>(talk with { Tools = [lamp, null!] }, "Tools[1] is null");
        yield return BadInput.Of<NotSupportedException>(
            "TrlCatalog.Grpo", () => Stage(talk with { Tools = [lamp], AdvantageEstimator = AdvantageEstimator.ReMax }),
            ["ReMax compares with a completion of a single turn", "use Group"]);
        Func<RolloutRequest, CancellationToken, Task<IReadOnlyList<RolloutAnswer>>> rollout = (_, _) => throw new IOException();
        yield return Option<ArgumentException>(
            talk with { Tools = [lamp], RolloutFunc = rollout }, "RolloutFunc gives whole completions, and Tools turns of them");
        yield return Option<ArgumentException>(
            talk with { EnvironmentFactory = () => null!, RolloutFunc = rollout }, "and EnvironmentFactory turns of them");
        yield return BadInput.Of<NotSupportedException>(
            "TrlCatalog.Grpo", () => Stage(new GrpoOptions { RolloutFunc = rollout, AdvantageEstimator = AdvantageEstimator.ReMax }),
            ["ReMax compares with a completion of a single turn", "RolloutFunc; use Group"]);
        yield return Option<ArgumentException>(talk with { Tools = [lamp, lamp] }, "Tools has 2 functions with the name 'lamp'");
        yield return Option(talk with { MaxToolCallingIterations = 0 }, "MaxToolCallingIterations", 0, "1 or greater");
        yield return Null("RolloutAnswer.#ctor", "CompletionIds", () => new RolloutAnswer(null!));
        const string generate = "RolloutRequest.Generate";
        yield return Null(generate, "texts", () => Request.Generate(null!, [0]));
        yield return Null(generate, "places", () => Request.Generate([[1]], null!));
        yield return Of<ArgumentOutOfRangeException>(
            generate, () => Request.Generate([[1]], [0], 0), ["maxNewTokens (0) must be", "1 or greater"]);
        yield return Of<ArgumentException>(generate, () => Request.Generate([[1], [1]], [0]), ["1 places for 2 texts", "give one each"]);
        yield return Of<ArgumentException>(generate, () => Request.Generate([[1]], [1]), ["no answer 1", "between 0 and 0"]);
        yield return Of<ArgumentException>(generate, () => Request.Generate([], []), ["There are no texts", "at least one"]);
        yield return Of<ArgumentException>(generate, () => Request.Generate([null!], [0]), ["The prompt of row 0 is null"]);
        yield return Of<ArgumentException>(generate, () => Request.Generate([[999]], [0]), ["row 0 has token id 999"]);
        yield return Of<InvalidOperationException>(
            generate, () => Closed.Generate([[1]], [0]), ["after RolloutFunc had returned", "await all"]);
        yield return Null("EnvironmentRow.#ctor", "prompt", () => new EnvironmentRow(null!), "a row's prompt");
        yield return Null("EnvironmentRow.#ctor", "columns", () => new EnvironmentRow("", 0, null!), "a row's columns");
        yield return Of<ArgumentOutOfRangeException>(
            "EnvironmentRow.#ctor", () => new EnvironmentRow("", -1), ["row (-1) must be", "0 or greater"]);
        yield return Null(
            "RewardFunction.FromEnvironment", "score", () => RewardFunction.FromEnvironment<IEnvironment>(null!), "a reward's environment");
    }

    private static RolloutRequest Request { get; } = Asked(isOpen: true);

    private static RolloutRequest Closed { get; } = Asked(isOpen: false);

    private static RolloutRequest Asked(bool isOpen) => new(
        Tiny.Model(), new RolloutTask(1, [0], [[1]]), [new PromptRow(0, new RowPrompt("a", TemplateCells.None, "a", [1], false))],
        new GenerationOptions(), (texts, _, _, _) => texts, default) { IsOpen = isOpen };

    private static readonly GrpoOptions Session = new()
    {
        MaxSteps = 2, NumGenerations = 2, PerDeviceTrainBatchSize = 4, Generation = new() { MaxNewTokens = 3 },
    };

    private static IEnumerable<BadInput> Sessions()
    {
        const string Made = "GroupSession.#ctor";
        yield return Null(Made, "policy", () => new GroupSession(null!, Session).Dispose());
        yield return Null(Made, "options", () => new GroupSession(Network, null!).Dispose());
        yield return Of<ArgumentOutOfRangeException>(
            Made, () => new GroupSession(Network, Session with { MaxSteps = -1 }).Dispose(), ["MaxSteps (-1)", "1 or greater"]);
        yield return Of<ArgumentException>(
            Made, () => new GroupSession(Network, Session with { NumGenerations = 3 }).Dispose(), ["NumGenerations (3) must divide"]);
        yield return Of<ArgumentException>(
            Made, () => new GroupSession(Network, Session with { GradientAccumulationSteps = 2, StepsPerGeneration = 1 }).Dispose(),
            ["GradientAccumulationSteps (2) must divide the passes over a generation (1)"]);
        yield return Of<NotSupportedException>(
            Made, () => new GroupSession(Network, Session with { EvalOnStart = true }).Dispose(), ["made", "EvalOnStart"]);
        yield return Of<NotSupportedException>(
            Made, () => new GroupSession(Network, new MiniLlmOptions { MaxSteps = 1 }).Dispose(),
            ["MiniLlmOptions need a teacher", "or GrpoOptions here"]);
        yield return Of<NotSupportedException>(
            Made, () => new GroupSession(Network, Session with { AdvantageEstimator = AdvantageEstimator.ReMax }).Dispose(),
            ["ReMax compares", "another AdvantageEstimator"]);
        yield return Of<ArgumentException>(
            Made, () => new GroupSession(Network, Session with { Generation = new() { EosTokenIds = [40] } }).Dispose(),
            ["The end token 40", "0 to 39"]);
    }

    private static IEnumerable<BadInput> Steps()
    {
        const string Step = "GroupSession.Step", Generate = "GroupSession.Generate";
        int[][] queries = [[1, 2], [3]], answers = [[4], [5, 6], [7], [8]];
        double?[] scores = [1, null, 0, 2];
        static void With(Action<GroupSession> act)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            using var session = new GroupSession(policy, Session);
            act(session);
        }
        yield return Null(Step, "queries", () => With(session => session.Step(null!, answers, scores)), "no queries");
        yield return Null(Step, "completions", () => With(session => session.Step(queries, null!, scores)), "no completions");
        yield return Null(Step, "scores", () => With(session => session.Step(queries, answers, null!)), "no scores");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step([[1]], answers, scores)), ["queries has 1 rows, but a step takes 2"], "a query");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step(queries, answers[..3], scores)),
            ["completions has 3 rows for 2 queries with 2 completions each; give 4"], "three completions");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step(queries, answers, [1])), ["scores has 1 rows"], "one score");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step(queries, [[4], [], [7], [8]], scores)), ["completion of row 1 is empty"], "empty");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step(queries, [[4], [40], [7], [8]], scores)), ["row 1 has token id 40"], "foreign token");
        yield return Of<ArgumentException>(
            Step, () => With(session => session.Step(queries, answers, [1, double.NaN, 0, 2])), ["score of row 1 is NaN"], "NaN");
        yield return Of<InvalidOperationException>(
            Step, () => With(session =>
            {
                for (int step = 0; step < 3; step++)
                    session.Step(queries, answers, scores);
            }), ["2 updates are done", "MaxSteps is 2"], "too many steps");
        yield return Of<ObjectDisposedException>(
            Step, () => With(session => { session.Dispose(); session.Step(queries, answers, scores); }), ["GroupSession"], "disposed");
        yield return Null(Generate, "prompts", () => With(session => session.Generate(null!)), "no queries");
        yield return Of<ArgumentException>(
            Generate, () => With(session => session.Generate([[]])), ["prompt of row 0 is empty"], "empty query");
        yield return Of<ObjectDisposedException>(
            Generate, () => With(session => { session.Dispose(); session.Generate(queries); }), ["GroupSession"], "disposed");
    }

    private static BadInput Option(GroupOptions options, string name, double value, string allowed) =>
        Option<ArgumentOutOfRangeException>(options, $"{name} ({Number(value)}) must", allowed);

    private static BadInput Option<T>(GroupOptions options, params string[] words) where T : ArgumentException =>
        BadInput.Of<T>(
            "TrlCatalog." + (options is GrpoOptions ? "Grpo" : "Rloo"), () => Stage(options), words, string.Join(", ", words));

    private static IEstimator<TextGenerationTransformer> Stage(GroupOptions options) =>
        options is GrpoOptions grpo ? Trl.Grpo(One, grpo) : Trl.Rloo(One, (RlooOptions)options);
}
