using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.TestSupport.Tiny;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

[TestClass]
public sealed class FitErrorTests
{
    private static readonly PpoOptions Steps = new()
    {
        Steps = 12,
        BatchSize = 4,
        MiniBatchSize = 2,
        LearningRate = 1e-3,
        Generation = Greedy,
    };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void A_stage_without_a_policy_says_so_before_anything_is_trained()
    {
        int read = 0;
        IDataView rows = Counted(() => read++);
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => _ml.Transforms.CopyColumns("Copy", "Prompt").Append(_ml.Trl().Dpo()).Fit(rows));
        Assert.Contains("DPO has no model to start from: none was given, and no stage upstream trains a policy.", error.Message);
        Assert.Contains("ModelSource.Folder", error.Message);
        Assert.AreEqual(0, read);
        Assert.Throws<InvalidOperationException>(() => _ml.Trl().Sft().Fit(rows));
    }

    [TestMethod]
    public void Ppo_without_a_reward_says_so_before_anything_is_trained()
    {
        int reports = 0;
        SftTrainer sft = _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1 }, progress: new Heard(_ => reports++));
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => sft.Append(_ml.Trl().Ppo(Steps)).Fit(Rows()));
        Assert.Contains("PPO has no reward: none was given, and no stage upstream trains a reward model.", error.Message);
        Assert.AreEqual(0, reports);
    }

    [TestMethod]
    public void A_missing_column_is_named_before_anything_is_trained()
    {
        int reports = 0;
        IDataView rows = _ml.Transforms.DropColumns("Rejected").Fit(Rows()).Transform(Rows());
        SftTrainer sft = _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1 }, progress: new Heard(_ => reports++));
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(
            () => sft.Append(_ml.Trl().Dpo()).Fit(rows));
        Assert.Contains(
            "Schema mismatch for rejected column 'Rejected': expected Text, but there is no such column; the columns are",
            error.Message);
        Assert.AreEqual(0, reports);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Trl().RewardModel(Source()).Fit(rows));
    }

    [TestMethod]
    public void A_column_of_the_wrong_type_is_named_with_both_types()
    {
        SftTrainer sft = _ml.Trl().Sft(Source(), new SftOptions { PromptColumnName = "Margin" });
        DpoTrainer dpo = _ml.Trl().Dpo(Source(), new DpoOptions { ChosenColumnName = "Margin" });
        RewardTrainer reward = _ml.Trl().RewardModel(Source(), new RewardOptions { MarginColumnName = "Chosen" });
        PpoTrainer ppo = _ml.Trl().Ppo(Source(), One, Steps with { PromptColumnName = "Margin" });
        Mismatch("Schema mismatch for prompt column 'Margin': expected Text, got Single.", () => sft.Fit(Rows()));
        Mismatch("Schema mismatch for chosen column 'Margin': expected Text, got Single.", () => dpo.Fit(Rows()));
        Mismatch("Schema mismatch for margin column 'Chosen': expected a number, got String.", () => reward.Fit(Rows()));
        Mismatch("Schema mismatch for prompt column 'Margin': expected Text, got Single.", () => ppo.Fit(Rows()));

        static void Mismatch(string message, Action fit) =>
            Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(fit).Message);
    }

    [TestMethod]
    public void No_rows_are_an_error()
    {
        IDataView none = Rows([]);
        Refused("The training data have no rows", () => _ml.Trl().Sft(Source()).Fit(none));
        Refused("The training data have no rows", () => _ml.Trl().Dpo(Source()).Fit(none));
        Refused("no rows", () => _ml.Trl().Ppo(Source(), One, Steps).Fit(none));
    }

    [TestMethod]
    public void Batch_sizes_that_do_not_divide_are_refused_when_the_estimator_is_made() =>
        Refused(
            "BatchSize (10) must be a multiple of MiniBatchSize (4)",
            () => _ml.Trl().Ppo(new PpoOptions { BatchSize = 10, MiniBatchSize = 4 }));

    [TestMethod]
    public void A_reward_function_that_throws_names_the_step_and_loses_nothing()
    {
        int calls = 0;
        RewardFunction failing = RewardFunction.Of(
            (_, response) => ++calls > 4 ? throw new FormatException("no score today") : response.Length);
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(
            () => _ml.Trl().Ppo(Source(), failing, Steps).Fit(Rows()));
        Assert.AreEqual(2, error.Step);
        Assert.Contains("Step 2: the reward function threw FormatException: no score today", error.Message);
        Assert.IsInstanceOfType<FormatException>(error.InnerException);
        using var model = (TextGenerationTransformer)error.Model!;
        Assert.HasCount(1, model.Reports);
        Assert.IsGreaterThan(0, model.Model.Complete("the film").Length);
    }

    [TestMethod]
    public void A_score_that_is_no_number_names_step_and_row()
    {
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(
            () => _ml.Trl().Ppo(Source(), RewardFunction.Of((_, _) => double.NaN), Steps).Fit(Rows()));
        Assert.Contains("Step 1: the reward function gave NaN for row 0", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    public void Cancelling_ends_within_one_step_and_leaves_a_usable_model()
    {
        using var cancel = new CancellationTokenSource();
        var options = new SftOptions { MaxSteps = 50, LoggingSteps = 1, Generation = Greedy };
        var progress = new Heard(report => { if (report.Step == 3) cancel.Cancel(); });
        SftTrainer sft = _ml.Trl().Sft(Source(), options, progress: progress, cancel: cancel.Token);
        TrainingCanceledException error = Assert.Throws<TrainingCanceledException>(() => sft.Fit(Rows()));
        Assert.AreEqual(3, error.Step);
        using var model = (TextGenerationTransformer)error.Model!;
        Assert.HasCount(3, model.Reports);
        Assert.IsGreaterThan(0, model.Model.Complete("the film").Length);
    }

    [TestMethod]
    public void Divergence_keeps_the_last_good_model()
    {
        var options = new SftOptions { MaxSteps = 50, LearningRate = 1e30, MaxGradNorm = 0, LrSchedulerType = LrSchedulerType.Constant };
        TrainingDivergedException error = Assert.Throws<TrainingDivergedException>(
            () => _ml.Trl().Sft(Source(), options).Fit(Rows()));
        Assert.IsGreaterThan(0, error.Step);
        ((TextGenerationTransformer)error.Model!).Dispose();
    }

    [TestMethod]
    public void An_end_token_outside_the_vocabulary_is_refused_before_training()
    {
        GenerationOptions wrong = Greedy with { EosTokenIds = [Tokenizer.VocabularySize] };
        int reports = 0;
        var heard = new Heard(_ => reports++);
        string message = $"The end token {Tokenizer.VocabularySize} of EosTokenIds is not in the vocabulary, "
            + $"which has the tokens 0 to {Tokenizer.VocabularySize - 1}";
        Refused(message, () => _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1, Generation = wrong }, progress: heard).Fit(Rows()));
        Refused(message, () => _ml.Trl().Dpo(Source(), new DpoOptions { MaxSteps = 1, Generation = wrong }, progress: heard).Fit(Rows()));
        Refused(message, () => _ml.Trl().Ppo(Source(), One, Steps with { Generation = wrong }, progress: heard).Fit(Rows()));
        Assert.AreEqual(0, reports);
    }

    [TestMethod]
    public void A_starting_model_with_NaN_is_named_and_the_learning_rate_is_not_blamed()
    {
        using TextGenerationTransformer start = _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1 }).Fit(Rows());
        using (TorchSharp.torch.no_grad())
        using (TorchSharp.torch.NewDisposeScope())
            start.Model.Network.Weights().Single(weight => weight.Name == "transformer.ln_f.bias").Value[3] = float.NaN;
        ModelSource broken = ModelSource.FromTransformer(start);
        foreach (Func<ITransformer> fit in new Func<ITransformer>[]
        {
            () => _ml.Trl().Sft(broken).Fit(Rows()), () => _ml.Trl().Dpo(broken).Fit(Rows()),
            () => _ml.Trl().RewardModel(broken).Fit(Rows()), () => _ml.Trl().Ppo(broken, One, Steps).Fit(Rows()),
        })
        {
            TrainingDivergedException error = Assert.Throws<TrainingDivergedException>(() => fit());
            Assert.Contains("holds NaN in 'transformer.ln_f.bias' before the first step", error.Message);
            Assert.DoesNotContain("LearningRate", error.Message);
            Assert.AreEqual(1, error.Step);
            ((IDisposable)error.Model!).Dispose();
        }
    }

    [TestMethod]
    public void A_column_message_names_the_option_that_chooses_the_column()
    {
        IDataView none = _ml.Data.LoadFromEnumerable(new[] { new Tiny.ScoredAnswer() });
        Named("TextColumnName", () => _ml.Trl().Sft(Source(), new SftOptions { TextColumnName = "Score" }).Fit(none));
        Named("PromptColumnName", () => _ml.Trl().Sft(Source(), new SftOptions { PromptColumnName = "Q" }).Fit(none));
        Named("CompletionColumnName", () => _ml.Trl().Sft(Source(), new SftOptions { CompletionColumnName = "A" }).Fit(Rows()));
        Named("PromptColumnName", () => _ml.Trl().Ppo(Source(), One, Steps).Fit(none));
        Named("PromptColumnName", () => _ml.Trl().Dpo(Source(), new DpoOptions { PromptColumnName = "Q" }).Fit(Rows()));
        Named("ChosenColumnName", () => _ml.Trl().Dpo(Source(), new DpoOptions { ChosenColumnName = "C" }).Fit(Rows()));
        Named("ChosenColumnName", () => _ml.Trl().Dpo(Source(), new DpoOptions { ChosenColumnName = "Margin" }).Fit(Rows()));
        Named("RejectedColumnName", () => _ml.Trl().RewardModel(Source(), new RewardOptions { RejectedColumnName = "C" }).Fit(Rows()));
        Named("MarginColumnName", () => _ml.Trl().RewardModel(Source(), new RewardOptions { MarginColumnName = "C" }).Fit(Rows()));
        Named("MarginColumnName", () => _ml.Transforms.CopyColumns("Copy", "Prompt")
            .Append(_ml.Trl().RewardModel(Source(), new RewardOptions { MarginColumnName = "C" })).Fit(Rows()));

        static void Named(string option, Action fit) =>
            Assert.Contains($" Set {option} to the column", Assert.Throws<ArgumentOutOfRangeException>(fit).Message);
    }

    [TestMethod]
    public void A_gpu_that_is_not_there_is_named_or_replaced()
    {
        if (TorchSharp.torch.cuda.is_available() && TorchSharp.torch.cuda.device_count() > 99)
            Assert.Inconclusive("There are a hundred GPUs here.");
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => _ml.Trl().Sft(Source(), new SftOptions { GpuDeviceId = 99 }).Fit(Rows()));
        Assert.Contains("GPU 99 was asked for, but libtorch sees", error.Message);
        List<string> log = [];
        MLContext ml = new(1) { GpuDeviceId = 99, FallbackToCpu = true };
        ml.Log += (_, message) => log.Add(message.Message);
        using TextGenerationTransformer sft = ml.Trl()
            .Sft(Source(), new SftOptions { MaxSteps = 1 })
            .Fit(ml.Data.LoadFromEnumerable(Pairs));
        IEnumerable<string> warnings = log.Where(line => line.Contains("Kind=Warning", StringComparison.Ordinal));
        Assert.IsTrue(
            warnings.Any(line => line.Contains("using the CPU instead", StringComparison.Ordinal)), string.Join("\n", log));
    }

    [TestMethod]
    public void A_folder_without_a_model_is_named()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            void Train() => _ml.Trl().Sft(ModelSource.Folder(folder.FullName)).Fit(Rows());
            Assert.Contains("has no config.json", Assert.Throws<FileNotFoundException>(Train).Message);
            File.WriteAllText(Path.Combine(folder.FullName, "config.json"), """{"model_type":"mamba"}""");
            foreach ((string name, string content) in Tokenizer.Files())
                File.WriteAllText(Path.Combine(folder.FullName, name), content);
            Assert.Contains("mamba", Assert.Throws<NotSupportedException>(Train).Message);
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [TestMethod]
    public void A_tokenizer_with_more_tokens_than_the_model_is_refused() =>
        Refused(
            $"The tokenizer has {Tokenizer.VocabularySize} tokens, but the model's vocabulary has 100; "
            + "tokenizer and model must belong together.",
            () => ModelSource.New(ModelConfig.Gpt2(100, 16, 2, 2, 32), Tokenizer));

    private static RewardFunction One => RewardFunction.Of((_, _) => 1);

    private static void Refused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message);

    private static PairRow With(string? prompt = null, string? rejected = null) => new()
    {
        Prompt = prompt ?? Pairs[0].Prompt,
        Completion = Pairs[0].Completion,
        Chosen = Pairs[0].Chosen,
        Rejected = rejected ?? Pairs[0].Rejected,
    };

    private IDataView Rows(PairRow[]? rows = null) => _ml.Data.LoadFromEnumerable(rows ?? Pairs);

    private IDataView Counted(Action read)
    {
        IEnumerable<PairRow> Each()
        {
            foreach (PairRow row in Pairs)
            {
                read();
                yield return row;
            }
        }

        return _ml.Data.LoadFromEnumerable(Each());
    }

    private sealed class Heard(Action<StepReport> action) : IProgress<StepReport>
    {
        public void Report(StepReport value) => action(value);
    }
}
