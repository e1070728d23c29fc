using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Diffusion;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ddpo;

[TestClass]
public sealed class DdpoTrainerTests
{
    private static readonly ImageReward Brightness = ImageReward.OfBatch((images, _) => images.mean([1L, 2, 3]));

    private static readonly DdpoOptions Short = new()
    {
        NumEpochs = 2,
        SampleNumSteps = 5,
        SampleGuidanceScale = 1,
        SampleBatchSize = 4,
        SampleNumBatchesPerEpoch = 1,
        TrainBatchSize = 4,
        TrainLearningRate = 1e-3,
    };

    private static readonly DenoisingOptions Pretraining = new()
    {
        MaxSteps = 100,
        PerDeviceTrainBatchSize = 16,
        LearningRate = 4e-3,
        Generation = new() { NumInferenceSteps = 5, GuidanceScale = 1, Eta = 1 },
    };

    [TestMethod]
    public void Images_become_brighter()
    {
        MLContext ml = new(1);
        IDataView rows = Shapes.View(ml, Shapes.Examples(32));
        DdpoOptions options = Short with
        {
            NumEpochs = 25,
            SampleBatchSize = 32,
            TrainBatchSize = 32,
            TrainLearningRate = 2e-3,
            PerPromptStatTracking = true,
        };
        var pipeline = ml.Trl().Denoising(Shapes.Config, Pretraining).Append(ml.Trl().Ddpo(Brightness, options));
        using TransformerChain<ImageGenerationTransformer> chain = pipeline.Fit(rows);
        using var scope = NewDisposeScope();
        string[] prompts = [.. Enumerable.Range(0, 32).Select(i => Shapes.Prompts[i % 2])];
        double before = Mean(((ImageGenerationTransformer)chain.ElementAt(0)).Model), after = Mean(chain.LastTransformer.Model);
        Close.Above(before + 0.1, after, $"brightness, {before} before");
        Assert.HasCount(25, chain.LastTransformer.Reports);
        double mean(IEnumerable<StepReport> reports) => reports.Average(report => report["reward_mean"]);
        Close.Above(mean(chain.LastTransformer.Reports.Take(5)), mean(chain.LastTransformer.Reports.TakeLast(5)), "reward");

        double Mean(DiffusionModel model) =>
            model.Generate(prompts, chain.LastTransformer.Generation with { Seed = 9 }).mean().item<float>();
    }

    [TestMethod]
    public void A_fitted_chain_saves_and_loads_and_leaves_its_start_alone() => Leaks.None(() =>
    {
        MLContext ml = new(1);
        IDataView rows = Shapes.View(ml, Shapes.Examples(4));
        using var model = Shapes.Model();
        float[] start = TinyModels.Flat(model.Weights());
        DdpoTrainer stage = ml.Trl().Ddpo(model, Brightness, Short);
        using ImageGenerationTransformer fitted = stage.Fit(rows), second = stage.Fit(rows);
        CollectionAssert.AreEqual(start, TinyModels.Flat(model.Weights()));
        float[] learnt = TinyModels.Flat(fitted.Model.Weights());
        CollectionAssert.AreNotEqual(start, learnt);
        CollectionAssert.AreEqual(learnt, TinyModels.Flat(second.Model.Weights()));
        using var file = new MemoryStream();
        ml.Model.Save(fitted, rows.Schema, file);
        file.Position = 0;
        using var loaded = (ImageGenerationTransformer)ml.Model.Load(file, out _);
        CollectionAssert.AreEqual(learnt, TinyModels.Flat(loaded.Model.Weights()));
        Assert.AreEqual(new ImageGenerationOptions { NumInferenceSteps = 5, GuidanceScale = 1, Eta = 1 }, loaded.Generation);
    });

    [TestMethod]
    public void A_loop_of_ones_own_learns_what_the_stage_learns()
    {
        MLContext ml = new(1);
        using var model = Shapes.Model();
        using ImageGenerationTransformer fitted = ml.Trl().Ddpo(model, Brightness, Short).Fit(Shapes.View(ml, Shapes.Examples(4)));
        var stream = new PromptStream(4, Short.Seed);
        string[] prompts = [.. Shapes.Examples(4).Select(example => example.Prompt)];
        using (var session = new DdpoSession(model, Short))
            for (int epoch = 0; epoch < 2; epoch++)
            {
                using ImageRollout rollout = session.Sample([.. stream.Next(4).Select(index => prompts[index])]);
                session.Step(rollout, Brightness.Score(rollout.Images, rollout.Prompts));
            }
        CollectionAssert.AreEqual(TinyModels.Flat(fitted.Model.Weights()), TinyModels.Flat(model.Weights()));
    }

    [TestMethod]
    public void A_classifier_of_ML_NET_can_be_the_reward()
    {
        MLContext ml = new(1);
        IDataView rows = Shapes.View(ml, Shapes.Examples(32));
        ITransformer score = ml.Transforms.CopyColumns("Features", "Image").Fit(rows);
        ImageReward first = ImageReward.FromTransformer(ml, score, "Features", slot: 3);
        using var scope = NewDisposeScope();
        Tensor images = rand([2, 1, 8, 8], generator: new Generator(1));
        Close.Absolute(images.flatten(1).select(1, 3), tensor(first.Score(images, ["", ""]).ToArray()), 0);
        ITransformer length = ml.Transforms
            .CustomMapping<Prompted, Length>((one, other) => other.Score = one.Prompt.Length, null).Fit(rows);
        Close.Absolute([4, 0], ImageReward.FromTransformer(ml, length).Score(images, ["four", ""]).ToArray(), 0);
        ImageReward pixels = ImageReward.OfImage((image, prompt) => image.Max() + prompt.Length);
        double[] expected = [images[0].max().item<float>() + 1, images[1].max().item<float>()];
        Close.Absolute(expected, pixels.Score(images, ["a", ""]).ToArray(), 1e-6);
    }

    [TestMethod]
    public void A_reward_that_fails_names_the_epoch_and_hands_out_the_model()
    {
        MLContext ml = new(1);
        using var model = Shapes.Model();
        int calls = 0;
        ImageReward breaking = ImageReward.OfImage((_, _) => ++calls > 4 ? double.NaN : calls);
        var failed = Assert.ThrowsExactly<RewardFunctionException>(
            () => ml.Trl().Ddpo(model, breaking, Short).Fit(Shapes.View(ml, Shapes.Examples(4))));
        Assert.Contains("Step 2: The reward gave what cannot be learnt from: Reward 0 is NaN", failed.Message);
        using var reached = (ImageGenerationTransformer)failed.Model!;
        Assert.HasCount(1, reached.Reports);
    }

    [TestMethod]
    public void Options_without_effect_are_told_and_cancelling_hands_out_the_model()
    {
        List<string> log = [];
        MLContext ml = new(1);
        ml.Log += (_, message) => log.Add(message.Message);
        using var model = Shapes.Model();
        using var cancel = new CancellationTokenSource();
        DdpoTrainer stage = ml.Trl().Ddpo(
            model, Brightness, Short with { NumEpochs = 50, TrainCfg = false }, progress: new Collected(_ => cancel.Cancel()),
            cancel: cancel.Token);
        var stopped = Assert.ThrowsExactly<TrainingCanceledException>(() => stage.Fit(Shapes.View(ml, Shapes.Examples(4))));
        using var reached = (ImageGenerationTransformer)stopped.Model!;
        Assert.HasCount(1, reached.Reports);
        Assert.IsTrue(log.Exists(line => line.Contains(
            "Options without effect in this run: TrainCfg with SampleGuidanceScale 1.", StringComparison.Ordinal)));
    }

    private sealed class Prompted
    {
        public string Prompt { get; set; } = "";
    }

    private sealed class Length
    {
        public float Score { get; set; }
    }
}
