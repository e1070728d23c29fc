using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Text in, text out: language models, reward models, where they come from, rewards, and lines of progress.</summary>
internal static class TextInputs
{
    private const string Complete = "LanguageModel.Complete", Stream = "LanguageModel.StreamAsync", Score = "TextRewardModel.Score";

    private static readonly string Long = string.Concat(Enumerable.Repeat("the film ", 40));

    public static IEnumerable<BadInput> All() =>
        [.. Made(), .. Prompts(), .. Streams(), .. Scored(), .. Gone(), .. Sources(), .. Rewards(), .. Progress()];

    private static IEnumerable<BadInput> Made() =>
    [
        Null("LanguageModel.#ctor", "network", () => new LanguageModel(null!, Tiny.Tokenizer)),
        Null("LanguageModel.#ctor", "tokenizer", () => WithNetwork(network => new LanguageModel(network, null!))),
        Language("tokens, but the model's vocabulary has 40", network => new(network, Tiny.Tokenizer)),
        Of<ArgumentException>(
            "LanguageModel.#ctor", () => WithTinyNetwork(network => new(network, Tiny.Tokenizer, new() { Temperature = -1 })),
            ["Temperature (-1)"]),
        Of<ArgumentException>(
            "LanguageModel.#ctor", () => WithTinyNetwork(network => new(network, Tiny.Tokenizer, new() { EosTokenIds = [9999] })),
            ["The end token 9999", "not in the vocabulary"]),
        Of<ArgumentException>(
            "LanguageModel.#ctor", () => WithTinyNetwork(network => new(network, Tiny.Tokenizer, null, ValueHead.Create(8, 1))),
            ["value head", "width 8", "16"]),
        Of<ObjectDisposedException>(
            "LanguageModel.#ctor", () => WithTinyNetwork(network => { network.Dispose(); return new(network, Tiny.Tokenizer); }),
            ["was disposed"]),
        Null("TextRewardModel.#ctor", "network", () => new TextRewardModel(null!, Tiny.Tokenizer)),
        Null("TextRewardModel.#ctor", "tokenizer", () => new TextRewardModel(Scorer, null!)),
        Of<ArgumentException>(
            "TextRewardModel.#ctor", () => new TextRewardModel(Scorer, Tiny.Tokenizer),
            ["tokens, but the model's vocabulary has 40", "belong together"]),
    ];

    private static IEnumerable<BadInput> Prompts() =>
    [
        Null(Complete, "prompts", () => Samples.Language.Complete((IReadOnlyList<string>)null!)),
        Text(() => Samples.Language.Complete((string)null!), "Prompt 0 is null", "give a text"),
        Text(() => Samples.Language.Complete(["the", null!]), "Prompt 1 is null", "give a text"),
        Text(() => Samples.Language.Complete(""), "Row 0: the prompt is empty", "at least one token"),
        Text(() => Samples.Language.Complete(["the", ""]), "Row 1: the prompt is empty", "at least one token"),
        Text(() => Samples.Language.Complete(Long), "Row 0: the prompt is", "context of 32", "31 tokens or less"),
        Text(() => Samples.Language.Complete("the", new() { TopP = 2 }), "TopP (2)", "at most 1"),
        Text(() => Samples.Language.Complete("the", new() { MinNewTokens = 9, MaxNewTokens = 3 }), "MinNewTokens (9)", "MaxNewTokens (3)"),
        Text(() => Samples.Language.Complete("the", new() { EosTokenIds = [-7] }), "The end token -7", "not in the vocabulary"),
        Text(() => Samples.Language.Complete("the", new() { StopStrings = null! }), "StopStrings is null"),
        Text(() => Samples.Language.Complete([], new() { TopK = -1 }), "TopK (-1)"),
        Of<OperationCanceledException>(Complete, () => Samples.Language.Complete("the", cancel: new CancellationToken(true)), []),
        Of<InvalidOperationException>(
            Complete, () => { using LanguageModel broken = Broken(); broken.Complete("the"); },
            ["not finite numbers", "the weights are damaged"]),
    ];

    private static IEnumerable<BadInput> Streams() =>
    [
        Null(Stream, "prompt", () => Samples.Language.StreamAsync(null!)),
        Streamed(() => Samples.Language.StreamAsync(""), "Row 0: the prompt is empty", "at least one token"),
        Streamed(() => Samples.Language.StreamAsync(Long), "Row 0: the prompt is", "context of 32"),
        Streamed(() => Samples.Language.StreamAsync("the", new() { TopP = 2 }), "TopP (2)", "at most 1"),
        Streamed(() => Samples.Language.StreamAsync("the", new() { NumBeams = 2 }), "NumBeams (2) must be 1 for a stream"),
        Streamed(
            () => Samples.Language.StreamAsync("the", new() { NumReturnSequences = 2 }),
            "NumReturnSequences (2) must be 1 for a stream", "LanguageModel.Complete"),
        Of<OperationCanceledException>(Stream, () => Drain(Samples.Language.StreamAsync("the", cancel: new CancellationToken(true))), []),
        Of<InvalidOperationException>(
            Stream, () => { using LanguageModel broken = Broken(); Drain(broken.StreamAsync("the")); },
            ["not finite numbers", "the weights are damaged"]),
        After(Stream, model => Drain(model.StreamAsync("the"))),
        Text(() => Samples.Language.Complete("the", new() { NumReturnSequences = 2 }), "NumReturnSequences (2) must be 1 for one prompt"),
        Of<InvalidOperationException>(
            Complete,
            () => Samples.Language.Complete(
                "the", new() { SuppressTokens = [.. Enumerable.Range(0, Tiny.Tokenizer.VocabularySize)] }),
            ["forbid every token"]),
        Of<ArgumentException>(
            "LanguageModel.#ctor", () => WithTinyNetwork(network => new(network, Tiny.Tokenizer, new() { NumReturnSequences = 2 })),
            ["NumReturnSequences (2) must be 1 for the options that a model keeps"]),
    ];

    private static void Drain(IAsyncEnumerable<string> stream)
    {
        IAsyncEnumerator<string> pieces = stream.GetAsyncEnumerator();
        try
        {
            while (pieces.MoveNextAsync().AsTask().GetAwaiter().GetResult())
                continue;
        }
        finally
        {
            pieces.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static BadInput Streamed(Action act, params string[] words) =>
        Of<ArgumentException>(Stream, act, words, string.Join(", ", words));

    private static IEnumerable<BadInput> Scored() =>
    [
        Null(Score, "completions", () => Reward.Score(null, null!)),
        Null(Score, "rows", () => Reward.Score(null!)),
        Scores(() => Reward.Score(["a"], ["b", "c"]), "1 prompts for 2 completions", "one per completion"),
        Scores(() => Reward.Score([], ["b"]), "0 prompts for 1 completions", "one per completion"),
        Scores(() => Reward.Score(["a"], [null!]), "Completion 0 is null", "give a text"),
        Scores(() => Reward.Score(["a", null!], ["b", "c"]), "Prompt 1 is null", "give a text"),
        Scores(() => Reward.Score(null, ["b", null!]), "Completion 1 is null", "give a text"),
        Scores(() => Reward.Score([[1], []]), "Row 1 has no token", "at least one"),
        Scores(() => Reward.Score([null!]), "Row 0 has no token", "at least one"),
        Scores(() => Reward.Score([[-1]]), "Row 0 holds the token -1", "0 to"),
        Scores(() => Reward.Score([[1], [1, 9999]]), "Row 1 holds the token 9999", "belong together"),
        Of<InvalidOperationException>(
            Score, () => { using TextRewardModel broken = BrokenReward(); broken.Score(null, ["the"]); },
            ["scores row 0 with NaN", "not finite numbers"]),
    ];

    private static IEnumerable<BadInput> Gone() =>
    [
        After(Complete, model => model.Complete("the")),
        After("LanguageModel.Copy", model => model.Copy()),
        After("LanguageModel.Save", model => model.Save("/tmp/never-written")),
        AfterReward(Score, model => model.Score(null, ["the"])),
        AfterReward("TextRewardModel.Copy", model => model.Copy()),
        AfterReward("TextRewardModel.Save", model => model.Save("/tmp/never-written")),
        Null("LanguageModel.Save", "folder", () => Samples.Language.Save(null!)),
        Of<ArgumentException>("LanguageModel.Save", () => Samples.Language.Save(""), ["empty", "folder"]),
        Null("TextRewardModel.Save", "folder", () => Reward.Save(null!)),
        Of<ArgumentException>("TextRewardModel.Save", () => Reward.Save(""), ["empty", "folder"]),
    ];

    private static IEnumerable<BadInput> Sources() =>
    [
        Null("ModelSource.Folder", "path", () => ModelSource.Folder(null!)),
        Of<ArgumentException>("ModelSource.Folder", () => ModelSource.Folder(""), ["empty", "path"]),
        Null("ModelSource.FromTransformer", "transformer", () => ModelSource.FromTransformer(null!)),
        Null("ModelSource.FromModel", "model", () => ModelSource.FromModel((LanguageModel)null!)),
        Null("ModelSource.FromModel", "model", () => ModelSource.FromModel((TextRewardModel)null!)),
        Null("ModelSource.New", "config", () => ModelSource.New(null!, Tiny.Tokenizer)),
        Null("ModelSource.New", "tokenizer", () => ModelSource.New(Config, null!)),
        Of<ArgumentException>("ModelSource.New", () => ModelSource.New(Config, Tiny.Tokenizer), ["vocabulary has 40", "belong together"]),
        Of<InvalidDataException>(
            "ModelSource.New", () => ModelSource.New(Tiny.Config() with { EosTokenIds = null! }, Tiny.Tokenizer), ["eos_token_id is null"]),
        Of<InvalidDataException>(
            "ModelSource.New", () => ModelSource.New(Tiny.Config() with { LayerCount = 0 }, Tiny.Tokenizer), ["number of layers is 0"]),
        Of<NotSupportedException>(
            "ModelSource.New", () => ModelSource.New(Tiny.Config() with { Activation = "tanh" }, Tiny.Tokenizer), ["'tanh'", "gelu_new"]),
    ];

    private static IEnumerable<BadInput> Rewards() =>
    [
        Null("RewardFunction.Of", "score", () => RewardFunction.Of((Func<string, string, double>)null!)),
        Null("RewardFunction.Of", "score", () => RewardFunction.Of((Func<RewardRow, double>)null!)),
        Null("RewardFunction.Of", "score", () => RewardFunction.Of<Tiny.PairRow>(null!)),
        Null("RewardFunction.OfBatch", "score", () => RewardFunction.OfBatch((Func<IReadOnlyList<RewardRow>, IReadOnlyList<double>>)null!)),
        Null("RewardFunction.OfBatch", "score", () => RewardFunction.OfBatch<Tiny.PairRow>(null!)),
        Null("RewardFunction.OfAsync", "score", () => RewardFunction.OfAsync((Func<RewardRow, CancellationToken, Task<double>>)null!)),
        Null("RewardFunction.FromModel", "model", () => RewardFunction.FromModel(null!)),
        Null("RewardFunction.FromTransformer", "transformer", () => RewardFunction.FromTransformer(null!)),
        Null("RewardFunction.WeightedSum", "parts", () => RewardFunction.WeightedSum((IReadOnlyList<(RewardFunction, double)>)null!)),
        Null("RewardFunction.WeightedSum", "parts", () => RewardFunction.WeightedSum((null!, 1))),
        Of<ArgumentOutOfRangeException>(
            "RewardFunction.OfAsync", () => RewardFunction.OfAsync((_, _) => Task.FromResult(1.0), 0), ["atOnce (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunction.OfAsync", () => RewardFunction.OfAsync((_, _, _) => Task.FromResult(1.0), -1), ["atOnce (-1)", "1 or greater"]),
        Of<ArgumentException>("RewardFunction.WeightedSum", () => RewardFunction.WeightedSum(), ["at least one reward"]),
        Of<ArgumentException>(
            "RewardFunction.WeightedSum", () => RewardFunction.WeightedSum((One, double.NaN)), ["A weight is NaN", "finite numbers"]),
        Of<ArgumentException>(
            "RewardFunction.WeightedSum", () => RewardFunction.WeightedSum((One, 1), (One, 1 / 0.0)), ["A weight is Infinity"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunction.FromTransformer", () => RewardFunction.FromTransformer(new Unread(), slot: -1), ["slot (-1)", "0 or greater"]),
        Of<ArgumentException>(
            "RewardFunction.FromTransformer", () => RewardFunction.FromTransformer(new Unread(), ""),
            ["scoreColumnName is empty", "the name of a column"]),
    ];

    private static IEnumerable<BadInput> Progress()
    {
        StepReport report = new("SFT", 1, 2, new Dictionary<string, double>(), 3, TimeSpan.Zero);
        return
        [
            Null("ConsoleProgress.#ctor", "writer", () => new ConsoleProgress(null!, false)),
            BadInput.Of<ArgumentOutOfRangeException>(
                "ConsoleProgress.CompletionsToPrint", () => new ConsoleProgress { CompletionsToPrint = -1 },
                ["CompletionsToPrint (-1)", "0 or greater"]),
            Null("ConsoleProgress.Report", "value", () => new ConsoleProgress(TextWriter.Null, false).Report(null!)),
            Null("StepReport.#ctor", "Stage", () => new StepReport(null!, 1, 2, report.Metrics, 3, TimeSpan.Zero)),
            Null("StepReport.#ctor", "Metrics", () => new StepReport("SFT", 1, 2, null!, 3, TimeSpan.Zero)),
            Null("StepReport.Item", "metric", () => _ = report[null!]),
            Null("StepReport.Completions", "Completions", () => _ = report with { Completions = null! }),
            Of<KeyNotFoundException>(
                "PpoStatistics.Item", () =>
                    _ = new PpoStatistics(new Dictionary<string, double>(), new Dictionary<string, float[]>(), [])["loss"],
                ["no scalar 'loss'", "the names are"]),
            Null("TrlContextExtensions.Trl", "ml", () => ((MLContext)null!).Trl()),
        ];
    }

    private static RewardFunction One { get; } = RewardFunction.Of((_, _) => 1);

    private static void WithNetwork(Func<CausalLanguageModel, LanguageModel> make)
    {
        using CausalLanguageModel network = CausalLanguageModel.Create(Config, 1);
        make(network);
    }

    private static void WithTinyNetwork(Func<CausalLanguageModel, LanguageModel> make)
    {
        using CausalLanguageModel network = CausalLanguageModel.Create(Tiny.Config(), 1);
        make(network);
    }

    private static LanguageModel Broken()
    {
        LanguageModel model = Tiny.Model();
        using var frozen = no_grad();
        model.Network.HeadWeight.fill_(double.NaN);
        return model;
    }

    private static TextRewardModel BrokenReward()
    {
        TextRewardModel model = Reward.Copy();
        using var frozen = no_grad();
        model.Network.ScoreWeight.fill_(double.NaN);
        return model;
    }

    private static BadInput Language(string words, Func<CausalLanguageModel, LanguageModel> make) =>
        Of<ArgumentException>("LanguageModel.#ctor", () => WithNetwork(make), [words, "belong together"], words);

    private static BadInput Text(Action act, params string[] words) =>
        Of<ArgumentException>(Complete, act, words, string.Join(", ", words));

    private static BadInput Scores(Action act, params string[] words) => Of<ArgumentException>(Score, act, words, string.Join(", ", words));

    private static BadInput After(string member, Action<LanguageModel> use) => Of<ObjectDisposedException>(
        member,
        () =>
        {
            LanguageModel model = Tiny.Model();
            model.Dispose();
            use(model);
        },
        ["LanguageModel was disposed", "after its last use"], "after the model was disposed");

    private static BadInput AfterReward(string member, Action<TextRewardModel> use) => Of<ObjectDisposedException>(
        member,
        () =>
        {
            TextRewardModel model = Reward.Copy();
            model.Dispose();
            use(model);
        },
        ["TextRewardModel was disposed", "after its last use"], "after the model was disposed");

    /// <summary>A transformer that nobody gets to ask.</summary>
    private sealed class Unread : ITransformer
    {
        public bool IsRowToRowMapper => false;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public void Save(ModelSaveContext ctx) => throw new NotSupportedException();

        public IDataView Transform(IDataView input) => input;
    }
}
