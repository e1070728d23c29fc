using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

[TestClass]
public sealed class SftLoopTests
{
    private static readonly SftOptions Options = new(
        ) { LearningRate = 1e-2, PerDeviceTrainBatchSize = 4, NumTrainEpochs = 1, LoggingSteps = 1 };

    [TestMethod]
    [DataRow(OptimizerKind.Sgd)]
    [DataRow(OptimizerKind.AdamW)]
    public void One_by_eight_two_by_four_and_eight_by_one_accumulation_train_the_same(OptimizerKind kind)
    {
        SftOptions options = Options with { Optim = kind, LearningRate = kind == OptimizerKind.Sgd ? 0.5 : 1e-3, AdamEpsilon = 1e-4, NumTrainEpochs = 2 };
        float[] whole = Train(options with { PerDeviceTrainBatchSize = 8, GradientAccumulationSteps = 1 });
        foreach (int size in new[] { 1, 2, 4 })
        {
            SftOptions parts = options with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = 8 / size };
            Close.Absolute(whole, Train(parts), 2e-6, $"{size} × {8 / size}");
        }
        Close.Differ(whole, Train(options with { PerDeviceTrainBatchSize = 8, Seed = 1 }), 1e-3);
    }

    [TestMethod]
    public void Padding_changes_nothing()
    {
        SftOptions sgd = Options with { Optim = OptimizerKind.Sgd, LearningRate = 0.5, TrainSamplingStrategy = TrainSamplingStrategy.Sequential, PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = 6 };
        float[] alone = Train(sgd); // one row at a time: nothing is padded
        Close.Absolute(alone, Train(sgd with { PerDeviceTrainBatchSize = 6, GradientAccumulationSteps = 1 }), 2e-6);
    }

    [TestMethod]
    public void Best_fit_packing_learns_each_example_as_if_it_stood_alone()
    {
        SftOptions sgd = Options with { Optim = OptimizerKind.Sgd, LearningRate = 0.5, MaxLength = 16, MaxSteps = 1, PerDeviceTrainBatchSize = 12 };
        float[] packed = Train(sgd with { Packing = true });
        Close.Absolute(Train(sgd), packed, 2e-6);
    }

    [TestMethod]
    public void Equal_seeds_give_identical_weights_and_another_seed_gives_others()
    {
        float[] train(int seed)
        {
            using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.1);
            new SftLoop(model, Options with { Seed = seed }).Run(TinyModels.Texts(12));
            return TinyModels.Flat(model.Weights());
        }
        CollectionAssert.AreEqual(train(3), train(3));
        CollectionAssert.AreNotEqual(train(3), train(4));
    }

    [TestMethod]
    public void Dropout_is_on_while_training_and_off_afterwards()
    {
        using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.3);
        float[] with = Trained(model), without = Train(Options);
        Close.Differ(with, without, 1e-3);
        Assert.IsFalse(model.training);
        float[] Trained(CausalLanguageModel own)
        {
            new SftLoop(own, Options).Run(TinyModels.Texts(12));
            return TinyModels.Flat(own.Weights());
        }
    }

    [TestMethod]
    public void Two_hundred_steps_leave_no_tensor_behind()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        var live = new List<long>();
        var progress = new Collected(_ => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount));
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        new SftLoop(model, Options with { MaxSteps = 200 }, progress).Run(TinyModels.Texts(12));
        Assert.AreEqual(live[0], live[^1]);
        Assert.AreEqual(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [TestMethod]
    public void It_learns_by_heart()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        var progress = new Collected();
        new SftLoop(model, Options with { MaxSteps = 150, LrSchedulerType = LrSchedulerType.Constant }, progress).Run(TinyModels.Texts(4));
        Close.Above(3, progress.Reports[0]["loss"]);
        Close.Below(0.1, progress.Reports[^1]["loss"]);
        Assert.AreEqual(1, progress.Reports[^1]["mean_token_accuracy"]);
    }

    [TestMethod]
    public void Bfloat16_weights_learn_almost_as_float32_ones_do()
    {
        using CausalLanguageModel wide = TinyModels.Gpt2();
        string folder = Directory.CreateTempSubdirectory().FullName;
        HuggingFaceFolder.Save(folder, wide);
        using CausalLanguageModel narrow = HuggingFaceFolder.LoadModel(folder, dtype: ScalarType.BFloat16);
        Directory.Delete(folder, recursive: true);
        double last(CausalLanguageModel model)
        {
            var progress = new Collected();
            new SftLoop(model, Options with { MaxSteps = 60, LearningRate = 5e-3 }, progress).Run(TinyModels.Texts(4));
            Close.Below(progress.Reports[0]["loss"] - 0.5, progress.Reports[^1]["loss"]);
            return progress.Reports[^1]["loss"];
        }
        Close.Absolute(last(wide), last(narrow), 0.1);
        Assert.AreEqual(ScalarType.BFloat16, narrow.Type);
    }

    [TestMethod]
    public void Cancelling_stops_between_two_steps_and_keeps_the_weights_of_the_last_one()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel model = TinyModels.Gpt2();
        var progress = new Collected(report => { if (report.Step == 2) source.Cancel(); });
        var error = Assert.ThrowsExactly<TrainingCanceledException>(
            () => new SftLoop(model, Options with { MaxSteps = 9 }, progress).Run(TinyModels.Texts(12), source.Token));
        Assert.AreEqual((2, source.Token), (error.Step, error.CancellationToken));
        StringAssert.StartsWith(error.Message, "SFT was cancelled after step 2 of 9.");
        Assert.HasCount(2, progress.Reports);
        Assert.IsTrue(TinyModels.Flat(model.Weights()).All(float.IsFinite));
        Assert.IsFalse(model.training);
    }

    [TestMethod]
    public void Diverging_stops_with_a_diagnosis_and_keeps_the_last_good_weights()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        using (no_grad())
        using (NewDisposeScope())
            model.HeadWeight.narrow(0, 3, 1).fill_(float.PositiveInfinity);
        float[] before = TinyModels.Flat(model.Weights());
        var error = Assert.ThrowsExactly<TrainingDivergedException>(() => new SftLoop(model, Options).Run(TinyModels.Texts(12)));
        Assert.AreEqual(1, error.Step);
        CollectionAssert.AreEqual(before, TinyModels.Flat(model.Weights()));
    }

    [TestMethod]
    public void What_cannot_be_learned_is_said_before_training()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        void fails(string message, SftOptions options, params TokenExample[] examples) =>
            StringAssert.StartsWith(
                Assert.ThrowsExactly<ArgumentException>(() => new SftLoop(model, options).Run(examples)).Message, message);
        fails("There are no examples to train on", Options);
        fails(
            "None of 1 examples has a token to learn: completions are empty, or MaxLength (2) cuts them all "
            + "off.", Options with { MaxLength = 2 }, new TokenExample([1, 2, 3], 2));
        fails(
            "CompletionOnlyLoss is true, but no example has a "
            + "prompt.", Options with { CompletionOnlyLoss = true }, new TokenExample([1, 2, 3]));
        fails("An example has 40 tokens, the model reads 32 at most. Set MaxLength to 32 or less.", Options, new TokenExample(new int[40]));
    }

    [TestMethod]
    public void The_prompt_is_learned_only_when_asked_for()
    {
        double tokens(bool? only)
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            using DisposeScope scope = NewDisposeScope();
            return SftRows.Prepare([new TokenExample([1, 2, 3, 4], 2)], Options with { CompletionOnlyLoss = only })[0][0].LearnedTokens();
        }
        Assert.AreEqual((2.0, 2.0, 3.0), (tokens(null), tokens(true), tokens(false)));
    }

    private static float[] Train(SftOptions options)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        new SftLoop(model, options).Run(TinyModels.Texts(12));
        return TinyModels.Flat(model.Weights());
    }
}
