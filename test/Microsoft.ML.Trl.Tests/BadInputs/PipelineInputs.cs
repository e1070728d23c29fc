using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Pipeline;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Fitted stages: what they are given to answer and to score, evaluation, saving, and files that were changed.</summary>
internal static class PipelineInputs
{
    private const string Policy = "TextGenerationTransformer", Judge = "RewardTransformer", Catalog = "TrlCatalog";

    private static readonly Lazy<TextGenerationTransformer> MadeWriter = new(() =>
        Trl.TextGeneration(Tiny.Source(), Tiny.Greedy).Fit(Rows));
    private static readonly Lazy<RewardTransformer> MadeJudge = new(() => Trl.RewardScoring(ModelSource.FromModel(Reward)).Fit(Rows));

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static IDataView None => Ml.Data.LoadFromEnumerable(Array.Empty<Tiny.PairRow>());

    private static IDataView Numbers => Ml.Data.LoadFromEnumerable(new[] { new NumberRow() });

    private static IDataView Blank => Ml.Data.LoadFromEnumerable(new[] { new Tiny.PairRow { Chosen = "a", Rejected = "b" } });

    private static TextGenerationTransformer Writer => MadeWriter.Value;

    private static RewardTransformer Scores => MadeJudge.Value;

    public static IEnumerable<BadInput> All() =>
        [.. Nulls(), .. Columns(), .. Sizes(), .. Evaluated(), .. Evaluations(), .. Saved(), .. Zips(), .. Facts()];

    private static IEnumerable<BadInput> Nulls() =>
    [
        Null(Policy + ".Transform", "input", () => Writer.Transform(null!)),
        Null(Policy + ".GetOutputSchema", "inputSchema", () => Writer.GetOutputSchema(null!)),
        Null(Policy + ".GetRowToRowMapper", "inputSchema", () => Writer.GetRowToRowMapper(null!)),
        Null(Policy + ".With", "generation", () => Writer.With(null!)),
        Null(Policy + ".SaveHuggingFace", "folder", () => Writer.SaveHuggingFace(null!)),
        Null(Judge + ".Transform", "input", () => Scores.Transform(null!)),
        Null(Judge + ".GetOutputSchema", "inputSchema", () => Scores.GetOutputSchema(null!)),
        Null(Judge + ".GetRowToRowMapper", "inputSchema", () => Scores.GetRowToRowMapper(null!)),
        Null(Judge + ".SaveHuggingFace", "folder", () => Scores.SaveHuggingFace(null!)),
        Of<ArgumentException>(Policy + ".SaveHuggingFace", () => Writer.SaveHuggingFace(""), ["empty", "folder"]),
        Of<ArgumentException>(Judge + ".SaveHuggingFace", () => Scores.SaveHuggingFace(""), ["empty", "folder"]),
        Of<IOException>(Policy + ".SaveHuggingFace", () => WithFile(path => Writer.SaveHuggingFace(path)), ["trl-bad"]),
        Of<IOException>(Judge + ".SaveHuggingFace", () => WithFile(path => Scores.SaveHuggingFace(path)), ["trl-bad"]),
    ];

    private static IEnumerable<BadInput> Columns()
    {
        IDataView none = Ml.Transforms.DropColumns("Prompt").Fit(Rows).Transform(Rows);
        IDataView unanswered = Ml.Transforms.DropColumns("Completion").Fit(Rows).Transform(Rows);
        (string Member, Action<IDataView> Use)[] uses =
        [
            (Policy + ".Transform", view => Writer.Transform(view)),
            (Policy + ".GetOutputSchema", view => Writer.GetOutputSchema(view.Schema)),
            (Policy + ".GetRowToRowMapper", view => Writer.GetRowToRowMapper(view.Schema)),
            (Judge + ".Transform", view => Scores.Transform(view)),
            (Judge + ".GetOutputSchema", view => Scores.GetOutputSchema(view.Schema)),
            (Judge + ".GetRowToRowMapper", view => Scores.GetRowToRowMapper(view.Schema)),
        ];
        return
        [
            .. uses.Select(use => Of<ArgumentOutOfRangeException>(
                use.Member, () => use.Use(none), ["prompt column 'Prompt'", "no such column", "Set PromptColumnName"], "without prompts")),
            .. uses.Select(use => Of<ArgumentOutOfRangeException>(
                use.Member, () => use.Use(Numbers), ["prompt column 'Prompt'", "expected Text, got Single"], "prompts of numbers")),
            Of<ArgumentOutOfRangeException>(
                Judge + ".Transform", () => Scores.Transform(unanswered).GetColumn<float>("Score").ToArray(),
                ["completion column 'Completion'", "no such column"]),
            Of<ArgumentException>(
                Policy + ".Transform",
                () => Writer.With(new() { RefuseUnanswerablePrompts = true }).Transform(Blank).GetColumn<string>("Completion").ToArray(),
                ["Row 0", "the prompt is empty", "Leave the row out"]),
            Of<ArgumentException>(
                Policy + ".With", () => Writer.With(new() { Temperature = 0 }), ["Temperature (0)", "set DoSample to false"]),
            Of<ArgumentException>(
                Policy + ".With", () => Writer.With(new() { NumReturnSequences = 2 }),
                ["NumReturnSequences (2) must be 1 for a column of completions"]),
            Of<ArgumentException>(
                Policy + ".With", () => Writer.With(new() { EosTokenIds = [9999] }), ["The end token 9999", "not in the vocabulary"]),
            Of<ObjectDisposedException>(
                Policy + ".Transform", () => Gone(gone => gone.Transform(Rows).GetColumn<string>("Completion").ToArray()),
                ["LanguageModel was disposed"]),
            Of<ObjectDisposedException>(
                Policy + ".SaveHuggingFace", () => Gone(gone => gone.SaveHuggingFace("/tmp/never-written")), ["was disposed"]),
            Of<ObjectDisposedException>(
                Catalog + ".Save", () => Gone(gone => Trl.Save(gone, null, "/tmp/never-written.zip")), ["was disposed"]),
        ];
    }

    private static IEnumerable<BadInput> Sizes() => new[] { 0, -1, int.MinValue }.SelectMany(size => new[]
    {
        Of<ArgumentOutOfRangeException>(
            Policy + ".BatchSize", () => Writer.BatchSize = size, [$"BatchSize ({size})", "1 or greater"], $"{size}"),
        Of<ArgumentOutOfRangeException>(
            Judge + ".BatchSize", () => Scores.BatchSize = size, [$"BatchSize ({size})", "1 or greater"], $"{size}"),
    });

    private static IEnumerable<BadInput> Evaluated()
    {
        ModelSource source = Tiny.Source();
        return
        [
            Null(Catalog + ".EvaluateLanguageModel", "transformer", () => Trl.EvaluateLanguageModel((ITransformer)null!, Rows)),
            Null(Catalog + ".EvaluateLanguageModel", "source", () => Trl.EvaluateLanguageModel((ModelSource)null!, Rows)),
            Null(Catalog + ".EvaluateLanguageModel", "data", () => Trl.EvaluateLanguageModel(source, null!)),
            Null(Catalog + ".EvaluateRewardModel", "transformer", () => Trl.EvaluateRewardModel((ITransformer)null!, Rows)),
            Null(Catalog + ".EvaluateRewardModel", "source", () => Trl.EvaluateRewardModel((ModelSource)null!, Rows)),
            Null(Catalog + ".EvaluateRewardModel", "data", () => Trl.EvaluateRewardModel(source, null!)),
            Null(Catalog + ".EvaluatePreferences", "transformer", () => Trl.EvaluatePreferences((ITransformer)null!, Rows)),
            Null(Catalog + ".EvaluatePreferences", "data", () => Trl.EvaluatePreferences(source, null!)),
            Null(Catalog + ".EvaluateGeneration", "transformer", () => Trl.EvaluateGeneration((ITransformer)null!, Rows)),
            Null(Catalog + ".EvaluateGeneration", "source", () => Trl.EvaluateGeneration((ModelSource)null!, Rows)),
            Null(Catalog + ".EvaluateGeneration", "data", () => Trl.EvaluateGeneration(source, null!)),
        ];
    }

    private static IEnumerable<BadInput> Evaluations()
    {
        ModelSource source = Tiny.Source(), judge = ModelSource.FromModel(Reward);
        ModelSource other = ModelSource.New(ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize + 1, 16, 2, 2, 32), Tiny.Tokenizer);
        RewardFunction broken = RewardFunction.Of((_, _) => double.NaN);
        return
        [
            Evaluate<ArgumentException>("LanguageModel", () => Trl.EvaluateLanguageModel(source, None), "have no rows"),
            Evaluate<ArgumentException>("LanguageModel", () => Trl.EvaluateLanguageModel(judge, Rows), "holds a reward model"),
            Evaluate<ArgumentException>(
                "LanguageModel", () => Trl.EvaluateLanguageModel(Scores, Rows), "(RewardTransformer) holds no language model"),
            Evaluate<ArgumentOutOfRangeException>(
                "LanguageModel", () => Trl.EvaluateLanguageModel(source, Numbers), "prompt column 'Prompt'", "got Single"),
            Evaluate<ArgumentOutOfRangeException>(
                "LanguageModel", () => Trl.EvaluateLanguageModel(source, Rows, new() { PerDeviceTrainBatchSize = 0 }),
                "PerDeviceTrainBatchSize (0)"),
            Evaluate<ArgumentException>("RewardModel", () => Trl.EvaluateRewardModel(judge, None), "have no rows"),
            Evaluate<ArgumentException>(
                "RewardModel", () => Trl.EvaluateRewardModel(source, Rows), "holds a language model", "give a reward model"),
            Evaluate<ArgumentException>("RewardModel", () => Trl.EvaluateRewardModel(Writer, Rows), "holds a language model"),
            Evaluate<ArgumentOutOfRangeException>(
                "RewardModel", () => Trl.EvaluateRewardModel(judge, Rows, new() { ChosenColumnName = "Q" }), "chosen column 'Q'"),
            Evaluate<ArgumentOutOfRangeException>(
                "RewardModel", () => Trl.EvaluateRewardModel(judge, Rows, new() { MaxLength = 0 }), "MaxLength (0)"),
            Evaluate<ArgumentException>("Preferences", () => Trl.EvaluatePreferences(source, None), "have no rows"),
            Evaluate<ArgumentException>(
                "Preferences", () => Trl.EvaluatePreferences(source, Rows, other), "a vocabulary of", "the policy one of"),
            Evaluate<ArgumentException>("Preferences", () => Trl.EvaluatePreferences(source, Rows, judge), "holds a reward model"),
            Evaluate<ArgumentOutOfRangeException>(
                "Preferences", () => Trl.EvaluatePreferences(source, Rows, null, new() { Beta = 0 }), "Beta (0)"),
            Evaluate<ArgumentException>("Generation", () => Trl.EvaluateGeneration(source, None), "have no rows"),
            Evaluate<ArgumentException>("Generation", () => Trl.EvaluateGeneration(source, Blank), "None of the 1 rows", "no token"),
            Evaluate<ArgumentException>("Generation", () => Trl.EvaluateGeneration(source, Rows, reference: other), "a vocabulary of"),
            Evaluate<ArgumentException>(
                "Generation", () => Trl.EvaluateGeneration(source, Rows, generation: new() { TopP = 0 }), "TopP (0)"),
            Evaluate<ArgumentException>(
                "Generation", () => Trl.EvaluateGeneration(source, Rows, promptColumnName: null!), "promptColumnName is empty"),
            Evaluate<ArgumentOutOfRangeException>(
                "Generation", () => Trl.EvaluateGeneration(source, Rows, promptColumnName: "Q"), "prompt column 'Q'"),
            Evaluate<RewardFunctionException>(
                "Generation", () => Trl.EvaluateGeneration(source, Rows, broken), "NaN for row 0", "finite numbers"),
            Evaluate<OperationCanceledException>(
                "Generation", () => Trl.EvaluateGeneration(source, Rows, cancel: new CancellationToken(true))),
            Evaluate<OperationCanceledException>(
                "Preferences", () => Trl.EvaluatePreferences(source, Rows, cancel: new CancellationToken(true))),
        ];
    }

    private static IEnumerable<BadInput> Saved() =>
    [
        Null(Catalog + ".Save", "model", () => Trl.Save(null!, null, "x.zip")),
        Null(Catalog + ".Save", "path", () => Trl.Save(Writer, null, null!)),
        Of<ArgumentException>(Catalog + ".Save", () => Trl.Save(Writer, null, ""), ["empty", "path"]),
        Of<DirectoryNotFoundException>(Catalog + ".Save", () => Trl.Save(Writer, null, "/no/such/folder/x.zip"), ["/no/such/folder"]),
        Null(Catalog + ".Load", "path", () => Trl.Load(null!, out _)),
        Of<ArgumentException>(Catalog + ".Load", () => Trl.Load("", out _), ["empty", "path"]),
        Of<DirectoryNotFoundException>(Catalog + ".Load", () => Trl.Load("/no/such/folder/x.zip", out _), ["/no/such/folder"]),
        Of<FileNotFoundException>(Catalog + ".Load", () => Trl.Load("no-such.zip", out _), ["no-such.zip"]),
        Unreadable("an empty file", []),
        Unreadable("a text", Encoding.UTF8.GetBytes("not a zip at all, but longer than its end would be")),
        Unreadable("a file cut in its middle", SavedChain.Zip[..(SavedChain.Zip.Length / 2)]),
        Unreadable("a damaged entry", SavedChain.Rewritten(entry => entry.Name == "model.safetensors", Flipped)),
    ];

    private static IEnumerable<BadInput> Zips()
    {
        (string Entry, string? Content, string[] Words)[] changes =
        [
            ("transformer.json", null, ["has no entry"]), ("transformer.json", "", ["cannot be understood"]),
            ("transformer.json", "3", ["cannot be understood"]),
            ("transformer.json", "{\"More\":1}", ["cannot be understood"]), ("generation.json", null, ["has no entry"]),
            ("generation.json", "{\"TopP\":7}", ["TopP (7)", "cannot be understood"]),
            ("generation.json", "{\"Seed\":\"x\"}", ["cannot be understood"]),
            ("generation.json", "{\"MaxNewTokens\":0}", ["MaxNewTokens (0)"]), ("history.jsonl", null, ["has no entry"]),
            ("history.jsonl", "[]\n", ["line 1"]), ("history.jsonl", "{\"Stage\":3}\n", ["line 1"]),
            ("config.json", null, ["has no entry"]),
            ("config.json", "{", ["is not JSON"]), ("config.json", "{}", ["has no model_type"]),
            ("config.json", "{\"model_type\":\"gpt2\",\"n_head\":0}", ["number of heads is 0"]), ("tokenizer.json", null, ["has no entry"]),
            ("tokenizer.json", "{}", ["has no \"model\""]),
            ("tokenizer_config.json", "{\"eos_token\":\"</s>\"}", ["eos_token \"</s>\"", "vocabulary"]),
            ("model.safetensors", null, ["has no entry"]), ("model.safetensors", "short", ["model.safetensors", "not a safetensors file"]),
            ("model.safetensors", "\b\0\0\0\0\0\0\0{}      ", ["2 layers, but the weights hold 0"]),
        ];
        return changes.Select(change => Of<InvalidDataException>(
            Policy,
            () => Load(SavedChain.Rewritten(
                entry => entry.FullName == "TransformerChain/Transform_000/" + change.Entry,
                _ => change.Content is null ? null : Encoding.UTF8.GetBytes(change.Content), mendChecksums: true)),
            [change.Entry, .. change.Words], $"{change.Entry} = {change.Content ?? "nothing"}"));
    }

    private static IEnumerable<BadInput> Facts()
    {
        string[] entries = ["transformer.json", "generation.json", "history.jsonl", "config.json", "tokenizer.json", "model.safetensors"];
        return
        [
            .. entries.Select(entry => Of<InvalidDataException>(
                Policy,
                () => Load(SavedChain.Rewritten(found => found.FullName == "TransformerChain/Transform_000/" + entry, Flipped)),
                [entry, "is damaged", "SHA-256"], entry + " with a byte flipped")),
            .. entries.Select(entry => Of<InvalidDataException>(
                Policy,
                () => Load(SavedChain.Rewritten(found => found.FullName == $"TransformerChain/Transform_000/{entry}.sha256", _ => null)),
                [entry + ".sha256", "has no entry"], entry + " without its checksum")),
            .. new[] { "transformer.json", "model.safetensors", "config.json" }.Select(entry => Of<InvalidDataException>(
                Judge,
                () => Load(SavedChain.Rewritten(found => found.FullName == "TransformerChain/Transform_001/" + entry, _ => null)),
                [entry, "has no entry"], entry + " missing")),
        ];
    }

    private static byte[] Flipped(byte[] content)
    {
        content[content.Length / 2] ^= 1;
        return content;
    }

    /// <summary>Throws what the loader threw, which ML.NET wraps.</summary>
    private static void Load(byte[] zip)
    {
        try
        {
            ((IDisposable)SavedChain.Load(zip)).Dispose();
        }
        catch (TargetInvocationException wrapped)
        {
            Exception cause = wrapped;
            while (cause is TargetInvocationException { InnerException: { } inner })
                cause = inner;
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    private static BadInput Unreadable(string name, byte[] content) => Of<InvalidDataException>(
        Catalog + ".Load",
        () => WithFile(path =>
        {
            File.WriteAllBytes(path, content);
            Trl.Load(path, out _);
        }),
        [name == "a damaged entry" ? "model.safetensors" : "trl-bad-"], name);

    private static void Gone(Action<TextGenerationTransformer> use)
    {
        TextGenerationTransformer transformer = Trl.TextGeneration(Tiny.Source(), Tiny.Greedy).Fit(Rows);
        transformer.Dispose();
        use(transformer);
    }

    private static void WithFile(Action<string> act)
    {
        string path = Path.Combine(Path.GetTempPath(), "trl-bad-" + Guid.NewGuid().ToString("N"));
        File.WriteAllText(path, "");
        try
        {
            act(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static BadInput Evaluate<T>(string what, Action act, params string[] words)
        where T : Exception => Of<T>($"{Catalog}.Evaluate{what}", act, words, $"{typeof(T).Name}: {string.Join(", ", words)}");

    private sealed class NumberRow
    {
        public float Prompt { get; set; }

        public float Completion { get; set; }
    }
}
