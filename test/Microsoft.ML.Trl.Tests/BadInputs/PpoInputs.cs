using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>PPO one step at a time: models, queries, responses and scores that do not fit together.</summary>
internal static class PpoInputs
{
    private const string Made = "PpoSession.#ctor", Generate = "PpoSession.Generate", Step = "PpoSession.Step", Log = "PpoSession.LogStats";

    private static readonly PpoOptions Options = new() { BatchSize = 2, MiniBatchSize = 2, PpoEpochs = 1,
        Generation = new() { MaxNewTokens = 3 } };

    private static readonly int[][] Queries = [[1, 2], [3]], Responses = [[4], [5, 6]];

    private static readonly int[] Long = [.. Enumerable.Repeat(1, 32)];

    private static readonly PpoStatistics Statistics = new(
        new Dictionary<string, double> { ["ppo/loss/total"] = 1, ["ppo/learning_rate"] = 1 },
        new Dictionary<string, float[]> { ["env/reward_dist"] = [1, 2] }, []);

    public static IEnumerable<BadInput> All() => [.. Sessions(), .. Generated(), .. Rows(), .. Masks(), .. Rates(), .. Logged(), .. Gone()];

    private static IEnumerable<BadInput> Sessions() =>
    [
        Null(Made, "policy", () => new PpoSession(null!, Options)),
        Null(Made, "options", () => new PpoSession(Network, null!)),
        Of<ArgumentOutOfRangeException>(
            Made, () => new PpoSession(Network, Options with { PpoEpochs = 0 }), ["PpoEpochs (0)", "1 or greater"]),
        Of<ArgumentException>(
            Made, () => new PpoSession(Network, Options with { MiniBatchSize = 3 }), ["BatchSize (2)", "MiniBatchSize (3)"]),
        Of<ArgumentOutOfRangeException>(
            Made, () => new PpoSession(Network, Options with { NumSharedLayers = 2 }), ["numSharedLayers (2)", "0 and 1"]),
        Of<ArgumentException>(
            Made, () => new PpoSession(Network, Options with { Generation = new() { EosTokenIds = [40] } }),
            ["The end token 40", "0 to 39"]),
        Of<ArgumentException>(Made, () => new PpoSession(Network, Options, ValueHead.Create(8, 1)), ["value head", "width 8", "16"]),
        Of<ArgumentException>(
            Made, () => With(41, other => new PpoSession(Network, Options, null, other)), ["a vocabulary of 41", "one of 40"]),
        Of<ArgumentException>(Made, () => new PpoSession(Network, Options, null, Network), ["reference", "the policy itself", "null"]),
        Of<ArgumentException>(
            Made, () => new PpoSession(Network, Options with { BaseQuantization = WeightQuantization.Nf4, Peft = new() }),
            ["BaseQuantization is Nf4", "held as None", "load it"]),
        Of<ArgumentException>(
            Made, () => With(40, other => new PpoSession(Network, Options with { ReferenceModel = ReferenceKind.Int8 }, null, other)),
            ["ReferenceModel is Int8", "held as None", "loaded as Int8"]),
        Of<ObjectDisposedException>(
            Made, () => With(40, other => { other.Dispose(); return new PpoSession(other, Options); }), ["was disposed"]),
        Of<ObjectDisposedException>(
            Made, () => With(40, other => { other.Dispose(); return new PpoSession(Network, Options, null, other); }), ["was disposed"]),
        Of<ObjectDisposedException>(Made, () => new PpoSession(Network, Options, DisposedHead()), ["ValueHead"]),
        Of<TrainingDivergedException>(
            Made, () => With(40, other => { Break(other); return new PpoSession(other, Options); }),
            ["The policy holds NaN", "before the first step"]),
        Of<TrainingDivergedException>(
            Made, () => With(40, other => { Break(other); return new PpoSession(Network, Options, null, other); }),
            ["The reference holds NaN", "before the first step"]),
    ];

    private static IEnumerable<BadInput> Generated()
    {
        foreach (string member in new[] { Generate, "PpoSession.GenerateWithReference" })
        {
            void Run(
                IReadOnlyList<int[]> queries, GenerationOptions? options = null, int? batchSize = null, LengthSampler? lengths = null,
                CancellationToken cancel = default) => Session(session =>
            {
                if (member == Generate)
                    session.Generate(queries, options, batchSize, lengths, cancel: cancel);
                else
                    session.GenerateWithReference(queries, options, batchSize, lengths, cancel: cancel);
            });
            yield return Null(member, "queries", () => Run(null!), member);
            yield return Of<ArgumentException>(member, () => Run([[1], []]), ["Prompt 1 is empty", "at least one token"]);
            yield return Of<ArgumentException>(member, () => Run([[1], null!]), ["1 is null", "at least one token"]);
            yield return Of<ArgumentException>(member, () => Run([[40]]), ["Prompt 0 holds the token 40", "0 to 39"]);
            yield return Of<ArgumentException>(member, () => Run([[-1]]), ["Prompt 0 holds the token -1", "0 to 39"]);
            yield return Of<ArgumentException>(member, () => Run([Long]), ["Prompt 0 has 32 tokens", "at most 31"]);
            yield return Of<ArgumentException>(member, () => Run([[1]], new() { TopK = -1 }), ["TopK (-1)"]);
            yield return Of<ArgumentException>(member, () => Run([[1]], new() { EosTokenIds = [99] }), ["The end token 99", "0 to 39"]);
            yield return Of<ArgumentException>(
                member, () => Run([[1]], new() { StopStrings = ["."] }), ["StopStrings", "a stop predicate"]);
            yield return Of<ArgumentOutOfRangeException>(member, () => Run([[1]], null, 0), ["batchSize (0)", "1 or greater"]);
            yield return Of<ArgumentOutOfRangeException>(member, () => Run([[1]], null, -3), ["batchSize (-3)", "1 or greater"]);
            yield return Of<ArgumentException>(
                member, () => Run([[1]], new() { MinNewTokens = 4 }, null, new(2, 9)), ["MinNewTokens (4)", "LengthSampler draws (2)"]);
            yield return Of<OperationCanceledException>(member, () => Run([[1]], cancel: new CancellationToken(true)), []);
        }
    }

    private static IEnumerable<BadInput> Rows() =>
    [
        Null(Step, "queries", () => Learn(null!, Responses, [1, 2])),
        Null(Step, "responses", () => Learn(Queries, null!, [1, 2])),
        Null(Step, "scores", () => Learn(Queries, Responses, null!)),
        Refused([[1]], Responses, [1, 2], "queries has 1 rows", "BatchSize is 2"),
        Refused([], Responses, [1, 2], "queries has 0 rows", "BatchSize is 2"),
        Refused(Queries, [[1]], [1, 2], "responses has 1 rows", "BatchSize is 2"),
        Refused(Queries, Responses, [1], "scores has 1 rows", "BatchSize is 2"),
        Refused(Queries, Responses, [1, 2, 3], "scores has 3 rows", "BatchSize is 2"),
        Refused([[1], []], Responses, [1, 2], "The query of row 1 is empty", "at least one token"),
        Refused([[1], null!], Responses, [1, 2], "The query of row 1 is null", "at least one token"),
        Refused(Queries, [[], [5]], [1, 2], "The response of row 0 is empty", "at least one token"),
        Refused(Queries, [null!, [5]], [1, 2], "The response of row 0 is null", "at least one token"),
        Refused([[1], [40]], Responses, [1, 2], "The query of row 1 has token id 40", "0 to 39"),
        Refused(Queries, [[-1], [5]], [1, 2], "The response of row 0 has token id -1", "0 to 39"),
        Refused([[1], Long], Responses, [1, 2], "Row 1 is 34 tokens long", "context is 32"),
        Refused(Queries, [Long, [5]], [1, 2], "Row 0 is 34 tokens long", "context is 32"),
        Refused(Queries, Responses, [1, double.NaN], "The score of row 1 is NaN", "finite numbers"),
        Refused(Queries, Responses, [double.NegativeInfinity, 1], "The score of row 0 is -Infinity", "finite numbers"),
        Of<TrainingDivergedException>(
            Step, () => Learn(Queries, Responses, [1e300, 1]), ["largest score of the step is 1E+300", "ScoreClip"]),
    ];

    private static IEnumerable<BadInput> Masks() =>
    [
        Masked([[true]], "responseMasks has 1 rows", "BatchSize is 2"),
        Masked([[true], [true]], "The response mask of row 1 has 1 entries", "2 tokens"),
        Masked([[true], null!], "The response mask of row 1 is null", "one per token"),
        Masked([[true, true], [true, true]], "The response mask of row 0 has 2 entries", "1 tokens"),
        Masked([[true], [false, false]], "The response mask of row 1 leaves out every token"),
        Of<ArgumentException>(
            Step,
            () =>
            {
                using var session = new PpoSession(Network, Options with { BatchSize = 1, MiniBatchSize = 1 });
                session.Step([[1]], [[2]], [1]);
            },
            ["a single response token", "at least 2"], "one token"),
    ];

    private static IEnumerable<BadInput> Rates() => new[] { 0, -1, double.NaN, double.PositiveInfinity }.Select(
        rate => Of<ArgumentOutOfRangeException>(
            "PpoSession.LearningRate", () => Session(session => session.LearningRate = rate),
            [$"LearningRate ({Number(rate)})", "a finite number greater than 0"], Number(rate)));

    private static IEnumerable<BadInput> Logged() =>
    [
        Null(Log, "statistics", () => Session(session => session.LogStats(null!, new Nobody()))),
        Null(Log, "progress", () => Session(session => session.LogStats(Statistics, null!))),
        Of<InvalidOperationException>(
            Log, () => Session(session => session.LogStats(Statistics, new Nobody())), ["no step", "call Step first"]),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), ["a", "b"]), "queries without responses", "give both"),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), null, ["a", "b"]), "responses without queries", "give both"),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), ["a"], ["a", "b"]), "queries has 1 rows", "the step had 2"),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), ["a", "b"], ["a"]), "responses has 1 rows", "the step had 2"),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), rewards: [1]), "rewards has 1 rows", "the step had 2"),
        After<ArgumentException>(
            (session, step) => session.LogStats(step, new Nobody(), rewards: [1, double.NaN]), "The reward of row 1 is NaN",
            "finite numbers"),
        After<ArgumentException>(
            (session, _) => session.LogStats(new(new Dictionary<string, double>(), new Dictionary<string, float[]>(), []), new Nobody()),
            "statistics", "'env/reward_dist'", "those that Step returned"),
        After<ArgumentException>(
            (session, _) => session.LogStats(
                new(new Dictionary<string, double>(), new Dictionary<string, float[]>(), []), new Nobody(), rewards: [1, 2]),
            "statistics", "'ppo/loss/total'", "those that Step returned"),
        Null("PpoStatistics.Item", "name", () => _ = Statistics[null!]),
        Null("PpoStatistics.#ctor", "Scalars", () => new PpoStatistics(null!, Statistics.Arrays, [])),
        Null("PpoStatistics.#ctor", "Arrays", () => new PpoStatistics(Statistics.Scalars, null!, [])),
    ];

    private static IEnumerable<BadInput> Gone() =>
    [
        Disposed(Generate, session => session.Generate(Queries)),
        Disposed("PpoSession.GenerateWithReference", session => session.GenerateWithReference(Queries)),
        Disposed(Step, session => session.Step(Queries, Responses, [1, 2])),
    ];

    private static void Session(Action<PpoSession> act)
    {
        using var session = new PpoSession(Network, Options);
        act(session);
    }

    private static void Learn(int[][] queries, int[][] responses, double[] scores, bool[][]? masks = null)
    {
        using CausalLanguageModel policy = Network.Copy();
        using var session = new PpoSession(policy, Options);
        session.Step(queries, responses, scores, masks);
    }

    private static void With(int vocabulary, Func<CausalLanguageModel, PpoSession> make)
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Config with { VocabularySize = vocabulary }, 1);
        make(model);
    }

    private static void Break(CausalLanguageModel model)
    {
        using var frozen = no_grad();
        model.HeadWeight.fill_(double.NaN);
    }

    private static BadInput Refused(int[][] queries, int[][] responses, double[] scores, params string[] words) =>
        Of<ArgumentException>(Step, () => Learn(queries, responses, scores), words, string.Join(", ", words));

    private static BadInput Masked(bool[][] masks, params string[] words) =>
        Of<ArgumentException>(Step, () => Learn(Queries, Responses, [1, 2], masks), words, string.Join(", ", words));

    private static BadInput After<T>(Action<PpoSession, PpoStatistics> log, params string[] words)
        where T : Exception => Of<T>(
        Log,
        () =>
        {
            using CausalLanguageModel policy = Network.Copy();
            using var session = new PpoSession(policy, Options);
            log(session, session.Step(Queries, Responses, [1, 2]));
        },
        words, string.Join(", ", words));

    private static BadInput Disposed(string member, Action<PpoSession> use) => Of<ObjectDisposedException>(
        member, () => Session(session => { session.Dispose(); use(session); }), ["disposed object", "PpoSession"],
        "after the session was disposed");

    private sealed class Nobody : IProgress<StepReport>
    {
        public void Report(StepReport value) { }
    }
}
