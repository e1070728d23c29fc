using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Stages: missing models, columns, rewards and rows, before and in training.</summary>
internal static class CatalogInputs
{
    private static readonly PpoOptions Short = new() { Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy };

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static IDataView None => Ml.Data.LoadFromEnumerable(Array.Empty<Tiny.PairRow>());

    private static IDataView Numbers => Ml.Data.LoadFromEnumerable(new[] { new NumberRow() });

    private static ModelSource RewardSource { get; } = ModelSource.FromModel(Reward);

    private static RewardFunction One { get; } = RewardFunction.Of((_, _) => 1);

    public static IEnumerable<BadInput> All() =>
        [.. Arguments(), .. Columns(), .. Types(), .. Promises(), .. Models(), .. Lacking(), .. Data(), .. PpoRewards(), .. Functions()];

    private static IEnumerable<BadInput> Arguments() =>
    [
        Null("TrlCatalog.Sft", "source", () => Trl.Sft((ModelSource)null!, new SftOptions())),
        Null("TrlCatalog.RewardModel", "source", () => Trl.RewardModel((ModelSource)null!, new RewardOptions())),
        Null("TrlCatalog.Dpo", "source", () => Trl.Dpo((ModelSource)null!, new DpoOptions())),
        Null("TrlCatalog.Ppo", "source", () => Trl.Ppo((ModelSource)null!, One)),
        Null("TrlCatalog.Ppo", "reward", () => Trl.Ppo((RewardFunction)null!, Short)),
        Null("TrlCatalog.Ppo", "score", () => Trl.Ppo((Func<string, string, double>)null!, Short)),
        Null("TrlCatalog.Ppo", "score", () => Trl.Ppo((Func<RewardRow, double>)null!, Short)),
        Null("TrlCatalog.TextGeneration", "source", () => Trl.TextGeneration(null!)),
        Null("TrlCatalog.RewardScoring", "source", () => Trl.RewardScoring(null!)),
        Catalog("TextGeneration", () => Trl.TextGeneration(Tiny.Source(), outputColumnName: ""), "outputColumnName is empty"),
        Catalog("TextGeneration", () => Trl.TextGeneration(Tiny.Source(), promptColumnName: null!), "promptColumnName is empty"),
        Catalog("TextGeneration", () => Trl.TextGeneration(Tiny.Source(), new() { MaxNewTokens = 0 }), "MaxNewTokens (0)"),
        Catalog("RewardScoring", () => Trl.RewardScoring(RewardSource, outputColumnName: null!), "outputColumnName is empty"),
        Catalog("RewardScoring", () => Trl.RewardScoring(RewardSource, completionColumnName: " "), "completionColumnName is empty"),
        Catalog("RewardScoring", () => Trl.RewardScoring(RewardSource, promptColumnName: ""), "promptColumnName is empty"),
        Null("SftTrainer.Fit", "input", () => Trl.Sft(Tiny.Source()).Fit(null!)),
        Null("RewardTrainer.Fit", "input", () => Trl.RewardModel(Tiny.Source()).Fit(null!)),
        Null("DpoTrainer.Fit", "input", () => Trl.Dpo(Tiny.Source()).Fit(null!)),
        Null("PpoTrainer.Fit", "input", () => Trl.Ppo(Tiny.Source(), One, Short).Fit(null!)),
        Catalog("TextGeneration", () => Trl.TextGeneration(Tiny.Source(), quantization: (WeightQuantization)7), "None, Int8, Int4"),
        Null("TextGenerationEstimator.Fit", "input", () => Trl.TextGeneration(Tiny.Source()).Fit(null!)),
        Null("RewardScoringEstimator.Fit", "input", () => Trl.RewardScoring(RewardSource).Fit(null!)),
        Null("SftTrainer.GetOutputSchema", "inputSchema", () => Trl.Sft(Tiny.Source()).GetOutputSchema(null!)),
        Null("RewardTrainer.GetOutputSchema", "inputSchema", () => Trl.RewardModel(Tiny.Source()).GetOutputSchema(null!)),
        Null("DpoTrainer.GetOutputSchema", "inputSchema", () => Trl.Dpo(Tiny.Source()).GetOutputSchema(null!)),
        Null("PpoTrainer.GetOutputSchema", "inputSchema", () => Trl.Ppo(Tiny.Source(), One, Short).GetOutputSchema(null!)),
        Null("TextGenerationEstimator.GetOutputSchema", "inputSchema", () => Trl.TextGeneration(Tiny.Source()).GetOutputSchema(null!)),
        Null("RewardScoringEstimator.GetOutputSchema", "inputSchema", () => Trl.RewardScoring(RewardSource).GetOutputSchema(null!)),
    ];

    /// <summary>Every text column of every stage, missing.</summary>
    private static IEnumerable<BadInput> Columns() =>
    [
        Missing("SftTrainer", "prompt", () => Trl.Sft(Tiny.Source(), new SftOptions { PromptColumnName = "Q" }).Fit(Rows)),
        Missing("SftTrainer", "completion", () => Trl.Sft(Tiny.Source(), new SftOptions { CompletionColumnName = "Q" }).Fit(Rows)),
        Missing("DpoTrainer", "prompt", () => Trl.Dpo(Tiny.Source(), new DpoOptions { PromptColumnName = "Q" }).Fit(Rows)),
        Missing("DpoTrainer", "chosen", () => Trl.Dpo(Tiny.Source(), new DpoOptions { ChosenColumnName = "Q" }).Fit(Rows)),
        Missing("DpoTrainer", "rejected", () => Trl.Dpo(Tiny.Source(), new DpoOptions { RejectedColumnName = "Q" }).Fit(Rows)),
        Missing("RewardTrainer", "chosen", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { ChosenColumnName = "Q" }).Fit(Rows)),
        Missing(
            "RewardTrainer", "rejected", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { RejectedColumnName = "Q" }).Fit(Rows)),
        Missing("RewardTrainer", "margin", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { MarginColumnName = "Q" }).Fit(Rows)),
        Missing("PpoTrainer", "prompt", () => Trl.Ppo(Tiny.Source(), One, Short with { PromptColumnName = "Q" }).Fit(Rows)),
        Missing("TextGenerationEstimator", "prompt", () => Trl.TextGeneration(Tiny.Source(), promptColumnName: "Q").Fit(Rows)),
        Missing("RewardScoringEstimator", "prompt", () => Trl.RewardScoring(RewardSource, promptColumnName: "Q").Fit(Rows)),
        Of<ArgumentOutOfRangeException>(
            "SftTrainer.Fit", () => Trl.Sft(Tiny.Source(), trainingData: Numbers).Fit(Rows), ["prompt column 'Prompt'", "got Single"]),
    ];

    /// <summary>Columns that are there, of another type.</summary>
    private static IEnumerable<BadInput> Types() =>
    [
        Mistyped("SftTrainer", "prompt", "Text", () => Trl.Sft(Tiny.Source(), new SftOptions { PromptColumnName = "Margin" }).Fit(Rows)),
        Mistyped("SftTrainer", "text", "Text", () => Trl.Sft(Tiny.Source(), new SftOptions { TextColumnName = "Margin" }).Fit(Rows)),
        Mistyped("DpoTrainer", "chosen", "Text", () => Trl.Dpo(Tiny.Source(), new DpoOptions { ChosenColumnName = "Margin" }).Fit(Rows)),
        Mistyped(
            "DpoTrainer", "rejected", "Text", () => Trl.Dpo(Tiny.Source(), new DpoOptions { RejectedColumnName = "Margin" }).Fit(Rows)),
        Mistyped(
            "RewardTrainer", "prompt", "Text",
            () => Trl.RewardModel(Tiny.Source(), new RewardOptions { PromptColumnName = "Margin" }).Fit(Rows)),
        Mistyped("PpoTrainer", "prompt", "Text", () => Trl.Ppo(Tiny.Source(), One, Short with { PromptColumnName = "Margin" }).Fit(Rows)),
        Mistyped(
            "TextGenerationEstimator", "prompt", "Text", () => Trl.TextGeneration(Tiny.Source(), promptColumnName: "Margin").Fit(Rows)),
        Mistyped("RewardScoringEstimator", "prompt", "Text", () => Trl.RewardScoring(RewardSource, promptColumnName: "Margin").Fit(Rows)),
        Of<ArgumentOutOfRangeException>(
            "RewardTrainer.Fit", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { MarginColumnName = "Chosen" }).Fit(Rows),
            ["margin column 'Chosen'", "expected a number, got String", "Set MarginColumnName"]),
    ];

    /// <summary>What a pipeline says before anything is fitted.</summary>
    private static IEnumerable<BadInput> Promises()
    {
        return
        [
            Promise("SftTrainer", Trl.Sft(Tiny.Source()), Numbers, "prompt column 'Prompt'", "got Single"),
            Promise(
                "SftTrainer", Trl.Sft(Tiny.Source(), new SftOptions { CompletionColumnName = "Q" }), Rows, "completion column 'Q'",
                "no such column"),
            Promise(
                "RewardTrainer", Trl.RewardModel(Tiny.Source(), new RewardOptions { ChosenColumnName = "Q" }), Rows, "chosen column 'Q'"),
            Promise(
                "RewardTrainer", Trl.RewardModel(Tiny.Source(), new RewardOptions { MarginColumnName = "Q" }), Rows, "margin column 'Q'"),
            Promise("DpoTrainer", Trl.Dpo(Tiny.Source(), new DpoOptions { RejectedColumnName = "Q" }), Rows, "rejected column 'Q'"),
            Promise("PpoTrainer", Trl.Ppo(Tiny.Source(), One, Short), Numbers, "prompt column 'Prompt'", "got Single"),
            Promise("TextGenerationEstimator", Trl.TextGeneration(Tiny.Source()), Numbers, "prompt column 'Prompt'", "got Single"),
            Promise("RewardScoringEstimator", Trl.RewardScoring(RewardSource), Numbers, "prompt column 'Prompt'", "got Single"),
            NoModel("SftTrainer.GetOutputSchema", () => Chained(Trl.Sft(), Rows), "SFT has no model to start from"),
            NoModel("RewardTrainer.GetOutputSchema", () => Chained(Trl.RewardModel(), Rows), "Reward has no model to start from"),
            NoModel("DpoTrainer.GetOutputSchema", () => Chained(Trl.Dpo(), Rows), "DPO has no model to start from"),
            NoModel("PpoTrainer.GetOutputSchema", () => Chained(Trl.Ppo(One, Short), Rows), "PPO has no model to start from"),
            NoModel("PpoTrainer.GetOutputSchema", () => Chained(Trl.Ppo(Tiny.Source(), null, Short), Rows), "PPO has no reward"),
        ];
    }

    private static IEnumerable<BadInput> Models()
    {
        ModelSource other = ModelSource.New(ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize + 1, 16, 2, 2, 32), Tiny.Tokenizer);
        ModelSource nothing = ModelSource.FromTransformer(Ml.Transforms.CopyColumns("Q", "Prompt").Fit(Rows));
        return
        [
            Source("SftTrainer", () => Trl.Sft(RewardSource).Fit(Rows), "holds a reward model", "give a language model"),
            Source("DpoTrainer", () => Trl.Dpo(RewardSource).Fit(Rows), "holds a reward model", "give a language model"),
            Source("PpoTrainer", () => Trl.Ppo(RewardSource, One, Short).Fit(Rows), "holds a reward model", "give a language model"),
            Source("TextGenerationEstimator", () => Trl.TextGeneration(RewardSource).Fit(Rows), "holds a reward model"),
            Source(
                "RewardScoringEstimator", () => Trl.RewardScoring(Tiny.Source()).Fit(Rows), "holds a language model",
                "give a reward model"),
            Source("SftTrainer", () => Trl.Sft(nothing).Fit(Rows), "(ColumnCopyingTransformer) holds no language model", "Sft, Dpo or Ppo"),
            Source("RewardTrainer", () => Trl.RewardModel(nothing).Fit(Rows), "(ColumnCopyingTransformer) holds no language model"),
            Source("DpoTrainer", () => Trl.Dpo(Tiny.Source(), reference: RewardSource).Fit(Rows), "holds a reward model"),
            Source(
                "DpoTrainer", () => Trl.Dpo(Tiny.Source(), reference: other).Fit(Rows), "The reference has a vocabulary of",
                "the policy one of"),
            Source("PpoTrainer", () => Trl.Ppo(Tiny.Source(), One, Short, reference: other).Fit(Rows), "The reference has a vocabulary of"),
            Source(
                "SftTrainer", () => Trl.Sft(Tiny.Source(), new SftOptions { Generation = new() { EosTokenIds = [9999] } }).Fit(Rows),
                "The end token 9999", "not in the vocabulary"),
            Of<DirectoryNotFoundException>(
                "SftTrainer.Fit", () => Trl.Sft(ModelSource.Folder("/no/such/folder")).Fit(Rows), ["'/no/such/folder'", "Hugging Face"]),
            Of<DirectoryNotFoundException>(
                "RewardTrainer.Fit", () => Trl.RewardModel(ModelSource.Folder("/no/such/folder")).Fit(Rows), ["'/no/such/folder'"]),
            Of<DirectoryNotFoundException>(
                "RewardScoringEstimator.Fit", () => Trl.RewardScoring(ModelSource.Folder("/no/such/folder")).Fit(Rows),
                ["'/no/such/folder'"]),
            Of<DirectoryNotFoundException>(
                "TextGenerationEstimator.Fit", () => Trl.TextGeneration(ModelSource.Folder("/no/such/folder")).Fit(Rows),
                ["'/no/such/folder'"]),
        ];
    }

    private static IEnumerable<BadInput> Lacking() =>
    [
        NoModel("SftTrainer.Fit", () => Trl.Sft().Fit(Rows), "SFT has no model to start from", "ModelSource.Folder"),
        NoModel("RewardTrainer.Fit", () => Trl.RewardModel().Fit(Rows), "Reward has no model to start from", "ModelSource.Folder"),
        NoModel("DpoTrainer.Fit", () => Trl.Dpo().Fit(Rows), "DPO has no model to start from", "append DPO"),
        NoModel("PpoTrainer.Fit", () => Trl.Ppo(One, Short).Fit(Rows), "PPO has no model to start from", "append PPO"),
        NoModel(
            "PpoTrainer.Fit", () => Trl.Ppo(Tiny.Source(), null, Short).Fit(Rows), "PPO has no reward",
            "append the stage to a RewardModel"),
        .. new[] { 0, 7 }.Select(gpu => NoModel(
            "SftTrainer.Fit", () => Trl.Sft(Tiny.Source(), new SftOptions { GpuDeviceId = 1000 + gpu }).Fit(Rows),
            $"GPU {1000 + gpu} was asked for")),
        NoModel(
            "TextGenerationEstimator.Fit", () => new MLContext { GpuDeviceId = 1000 }.Trl().TextGeneration(Tiny.Source()).Fit(Rows),
            "GPU 1000 was asked for", "FallbackToCpu"),
        NoModel(
            "RewardScoringEstimator.Fit", () => new MLContext { GpuDeviceId = 1000 }.Trl().RewardScoring(RewardSource).Fit(Rows),
            "GPU 1000 was asked for", "FallbackToCpu"),
    ];

    private static IEnumerable<BadInput> Data() =>
    [
        Source("SftTrainer", () => Trl.Sft(Tiny.Source()).Fit(None), "have no rows", "at least one is needed"),
        Source("RewardTrainer", () => Trl.RewardModel(Tiny.Source()).Fit(None), "have no rows", "at least one is needed"),
        Source("DpoTrainer", () => Trl.Dpo(Tiny.Source()).Fit(None), "have no rows", "at least one is needed"),
        Source("PpoTrainer", () => Trl.Ppo(Tiny.Source(), One, Short).Fit(None), "have no rows", "at least one is needed"),
        Source(
            "DpoTrainer", () => Trl.Dpo(Tiny.Source()).Fit(Pairs(("a", "b", "b"))), "None of the 1 rows", "chosen and rejected are equal"),
        Source(
            "RewardTrainer", () => Trl.RewardModel(Tiny.Source()).Fit(Pairs(("a", "b", "b"))), "None of the 1 rows", "are equal (row 0)"),
        Source(
            "RewardTrainer", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { MaxLength = 1 }).Fit(Rows), "None of the 4 rows",
            "longer than MaxLength"),
        Source(
            "DpoTrainer", () => Trl.Dpo(Tiny.Source(), new DpoOptions { MaxLength = 2 }).Fit(Pairs(("the bad plot", "b", "c"))),
            "None of the 1 rows",
            "fills MaxLength"),
        Source("PpoTrainer", () => Trl.Ppo(Tiny.Source(), One, Short).Fit(Pairs(("", "b", "c"))), "None of the 1 rows", "has no token"),
        Source(
            "PpoTrainer", () => Trl.Ppo(Tiny.Source(), One, Short).Fit(Pairs((new string('q', 40), "b", "c"))), "None of the 1 rows",
            "no room for an answer"),
        Source(
            "RewardTrainer", () => Trl.RewardModel(Tiny.Source(), new RewardOptions { MarginColumnName = "Margin" }).Fit(
                Ml.Data.LoadFromEnumerable([new Tiny.PairRow { Prompt = "a", Chosen = "b", Rejected = "c", Margin = float.NaN }])),
            "Row 0: the margin is NaN", "a finite number"),
        Source(
            "SftTrainer", () => Trl.Sft(Tiny.Source(), new SftOptions { TextColumnName = "Chosen", CompletionColumnName = "Q" }).Fit(Rows),
            "'Chosen' (TextColumnName)", "no 'Q' (CompletionColumnName)"),
        Source(
            "SftTrainer", () => Trl.Sft(Tiny.Source(), new SftOptions { DataloaderDropLast = true }).Fit(Rows),
            "DataloaderDropLast leaves nothing of 4 examples", "PerDeviceTrainBatchSize is 8"),
        Source(
            "SftTrainer", () => Trl.Sft(Tiny.Source(), new SftOptions { NumTrainEpochs = 1e12 }).Fit(Rows), "NumTrainEpochs (1E+12)",
            "set MaxSteps"),
        Of<ArgumentOutOfRangeException>(
            "PpoTrainer.Fit", () => Trl.Ppo(Tiny.Source(), One, Short with { NumSharedLayers = 5 }).Fit(Rows),
            ["numSharedLayers (5)", "0 and 1"]),
    ];

    private static IEnumerable<BadInput> PpoRewards()
    {
        ITransformer copy = Ml.Transforms.CopyColumns("Q", "Prompt").Fit(Rows), odd = Ml.Transforms.CopyColumns("Z", "Rejected").Fit(Rows);
        return
        [
            Of<ArgumentOutOfRangeException>(
                "PpoTrainer.Fit", () => Fit(RewardFunction.FromTransformer(copy)), ["reward column 'Score'", "no such column"]),
            Of<ArgumentOutOfRangeException>(
                "PpoTrainer.Fit", () => Fit(RewardFunction.FromTransformer(copy, "Q")),
                ["reward column 'Q'", "expected a number, got String"]),
            Of<ArgumentOutOfRangeException>(
                "PpoTrainer.Fit", () => Fit(RewardFunction.FromTransformer(copy, "Q", 1)), ["reward column 'Q'", "slot 1 was asked for"]),
            Source("PpoTrainer", () => Fit(RewardFunction.FromTransformer(odd)), "ColumnCopyingTransformer", "cannot read completions"),
            Source("PpoTrainer", () => Fit(RewardFunction.Of<NoSuchRow>((_, _) => 1)), "has a column 'Absent'", "Add the column"),
        ];
    }

    private static IEnumerable<BadInput> Functions() =>
    [
        Failed(RewardFunction.Of((_, _) => throw new FormatException("no score today")), "Step 1", "FormatException: no score today"),
        Failed(RewardFunction.Of((_, _) => double.NaN), "Step 1", "NaN for row 0", "finite numbers"),
        Failed(RewardFunction.Of(_ => double.PositiveInfinity), "Step 1", "Infinity for row 0", "finite numbers"),
        Failed(RewardFunction.OfBatch(_ => null!), "gave null for 4 responses", "one for each"),
        Failed(RewardFunction.OfBatch(_ => [1]), "gave 1 scores for 4 responses", "one for each"),
        Failed(RewardFunction.OfAsync((_, _) => null!), "Step 1", "gave null", "a task"),
        Failed(RewardFunction.OfAsync((_, _) => Task.FromException<double>(new TimeoutException("late"))), "TimeoutException: late"),
        Failed(RewardFunction.WeightedSum((RewardFunction.OfBatch(_ => []), 1)), "gave 0 scores for 4 responses", "one for each"),
    ];

    private static void Fit(RewardFunction reward) => Trl.Ppo(Tiny.Source(), reward, Short).Fit(Rows);

    private static IDataView Pairs(params (string Prompt, string Chosen, string Rejected)[] pairs) => Ml.Data.LoadFromEnumerable(
        pairs.Select(pair => new Tiny.PairRow { Prompt = pair.Prompt, Chosen = pair.Chosen, Rejected = pair.Rejected }));

    private static BadInput Catalog(string member, Action act, params string[] words) =>
        Of<ArgumentException>("TrlCatalog." + member, act, words, string.Join(", ", words));

    private static BadInput Missing(string type, string role, Action act) => Of<ArgumentOutOfRangeException>(
        type + ".Fit", act, [$"{role} column 'Q'", "there is no such column", "the columns are Prompt",
            $"Set {char.ToUpperInvariant(role[0])}"],
        $"missing {role}");

    private static BadInput Mistyped(string type, string role, string expected, Action act) => Of<ArgumentOutOfRangeException>(
        type + ".Fit", act, [$"{role} column 'Margin'", $"expected {expected}, got Single"], $"{role} of another type");

    private static BadInput Promise<T>(string type, IEstimator<T> stage, IDataView rows, params string[] words)
        where T : class, ITransformer => Of<ArgumentOutOfRangeException>(
            type + ".GetOutputSchema", () => Chained(stage, rows), words, string.Join(", ", words));

    /// <summary>A pipeline asks each stage for its columns before it fits the first.</summary>
    private static void Chained<T>(IEstimator<T> stage, IDataView rows)
        where T : class, ITransformer => Ml.Transforms.CopyColumns("Copy", "Prompt").Append(stage).Fit(rows);

    private static BadInput NoModel(string member, Action act, params string[] words) =>
        Of<InvalidOperationException>(member, act, words, string.Join(", ", words));

    private static BadInput Source(string type, Action act, params string[] words) =>
        Of<ArgumentException>(type + ".Fit", act, words, string.Join(", ", words));

    private static BadInput Failed(RewardFunction reward, params string[] words) => Of<RewardFunctionException>(
        "PpoTrainer.Fit",
        () =>
        {
            try
            {
                Fit(reward);
            }
            catch (RewardFunctionException error)
            {
                ((IDisposable?)error.Model)?.Dispose();
                throw;
            }
        },
        words, string.Join(", ", words));

    private sealed class NumberRow
    {
        public float Prompt { get; set; }

        public float Completion { get; set; }
    }

    private sealed class NoSuchRow
    {
        public string Absent { get; set; } = "";
    }
}
