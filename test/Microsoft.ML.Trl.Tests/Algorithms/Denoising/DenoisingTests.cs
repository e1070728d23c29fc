using System.Text.Json;
using Microsoft.ML.Trl.Tests.Diffusion;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Denoising;

[TestClass]
public sealed class DenoisingTests
{
    private static readonly DenoisingOptions Short = new()
    {
        MaxSteps = 3,
        PerDeviceTrainBatchSize = 4,
        LearningRate = 1e-3,
        Generation = new() { NumInferenceSteps = 4, GuidanceScale = 1 },
    };

    [TestMethod]
    public void A_fresh_network_foresees_nothing_so_its_loss_is_the_variance_of_the_noise()
    {
        List<StepReport> told = [];
        using var model = DiffusionModel.Create(Shapes.Config, 1);
        DenoisingOptions options = Short with { MaxSteps = 1, PerDeviceTrainBatchSize = 64 };
        new DenoisingLoop(model, options, new Collected(told.Add)).Run(Shapes.Examples(64));
        Close.Absolute(1, told[^1]["loss"], 0.05); // 4096 numbers: a standard error of 0.022
    }

    [TestMethod]
    public void Images_are_learnt()
    {
        List<StepReport> told = [];
        MLContext ml = new(1);
        DenoisingOptions options = Short with { MaxSteps = 250, PerDeviceTrainBatchSize = 16, LearningRate = 4e-3, LoggingSteps = 50 };
        using ImageGenerationTransformer drawing = ml.Trl()
            .Denoising(Shapes.Config with { Words = [] }, options, progress: new Collected(told.Add))
            .Fit(Shapes.View(ml, Shapes.Examples(32)));
        CollectionAssert.AreEqual(new[] { "bar", "flat", "upright" }, drawing.Model.Config.Words.ToArray());
        Close.Below(0.45, told[^1]["loss"], "loss, from 1");
        using var scope = NewDisposeScope();
        ImageGenerationOptions sampling = new() { NumInferenceSteps = 10, GuidanceScale = 2, Eta = 1 };
        Tensor images = drawing.Model.Generate([.. Enumerable.Repeat("upright bar", 24)], sampling).squeeze(1); // [24, rows, columns]
        // In an upright bar columns differ in their sums and rows do not.
        double columns = images.sum(1).std(1).mean().item<float>(), rows = images.sum(2).std(1).mean().item<float>();
        Close.Above(rows + 0.2, columns, "upright");
        Assert.HasCount(5, drawing.Reports);
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_weights_and_no_tensor_is_left() => Leaks.None(() =>
    {
        float[] run(int seed)
        {
            using var model = DiffusionModel.Create(Shapes.Config, 1);
            new DenoisingLoop(model, Short with { Seed = seed }).Run(Shapes.Examples(6));
            return TinyModels.Flat(model.Weights());
        }
        float[] one = run(1);
        CollectionAssert.AreEqual(one, run(1));
        CollectionAssert.AreNotEqual(one, run(2));
    });

    [TestMethod]
    public void A_pipeline_saves_and_loads()
    {
        MLContext ml = new(1);
        IDataView rows = Shapes.View(ml, Shapes.Examples(4));
        using ImageGenerationTransformer drawing = ml.Trl().Denoising(Shapes.Config, Short).Fit(rows);
        using var folder = new TemporaryFolder();
        string zip = Path.Combine(folder.Path, "drawing.zip");
        ml.Model.Save(drawing, rows.Schema, zip);
        using var loaded = (ImageGenerationTransformer)ml.Model.Load(zip, out _);
        Shapes.Drawn[] images = Drawn(drawing), again = Drawn(loaded);
        for (int i = 0; i < images.Length; i++)
            CollectionAssert.AreEqual(images[i].GeneratedImage, again[i].GeneratedImage);
        CollectionAssert.AreEqual(images[0].GeneratedImage, images[2].GeneratedImage); // of the same prompt
        CollectionAssert.AreNotEqual(images[0].GeneratedImage, images[1].GeneratedImage);
        Assert.AreEqual(drawing.Generation, loaded.Generation);
        Assert.HasCount(drawing.Reports.Count, loaded.Reports);
        drawing.BatchSize = 1;
        Close.Absolute(images[1].GeneratedImage, Drawn(drawing)[1].GeneratedImage, 1e-5, "one at a time");

        Shapes.Drawn[] Drawn(ITransformer of) => [.. ml.Data.CreateEnumerable<Shapes.Drawn>(of.Transform(rows), reuseRowObject: false)];
    }

    [TestMethod]
    public void A_prediction_engine_draws_and_a_strange_word_gets_no_image()
    {
        List<string> log = [];
        MLContext ml = new(1);
        ml.Log += (_, message) => log.Add(message.Message);
        using var model = Shapes.Model();
        IDataView rows = ml.Data.LoadFromEnumerable(new[] { new Asked { Prompt = "a bar" }, new Asked { Prompt = "flat bar" } });
        using ImageGenerationTransformer drawing = ml.Trl().ImageGeneration(model, Short.Generation).Fit(rows);
        Shapes.Drawn[] all = [.. ml.Data.CreateEnumerable<Shapes.Drawn>(drawing.Transform(rows), reuseRowObject: false)];
        Assert.IsTrue(all[0].GeneratedImage.All(float.IsNaN));
        Assert.IsTrue(all[1].GeneratedImage.All(float.IsFinite));
        Assert.IsTrue(log.Exists(line => line.Contains(
            "Row 0: the prompt 'a bar' has the word 'a', which the model does not know; it knows bar, flat, upright. Its image is NaN",
            StringComparison.Ordinal)));
        using var engine = ml.Model.CreatePredictionEngine<Asked, Shapes.Drawn>(
            drawing, new PredictionEngineOptions { OwnsTransformer = false });
        Close.Absolute(all[1].GeneratedImage, engine.Predict(new Asked { Prompt = "flat bar" }).GeneratedImage, 1e-5);
    }

    [TestMethod]
    public void Cancelling_hands_out_what_was_reached()
    {
        MLContext ml = new(1);
        using var cancel = new CancellationTokenSource();
        var stage = ml.Trl().Denoising(
            Shapes.Config, Short with { MaxSteps = 50, LoggingSteps = 1 },
            progress: new Collected(report => { if (report.Step == 2) cancel.Cancel(); }), cancel: cancel.Token);
        var stopped = Assert.ThrowsExactly<TrainingCanceledException>(() => stage.Fit(Shapes.View(ml, Shapes.Examples(4))));
        using var reached = (ImageGenerationTransformer)stopped.Model!;
        Assert.HasCount(2, reached.Reports);
    }

    [TestMethod]
    public void Options_survive_JSON()
    {
        DenoisingOptions options = Short with { PromptDropout = 0.2, Generation = new() { Eta = 0.5, NegativePrompt = "bar" } };
        string json = JsonSerializer.Serialize(options);
        Assert.AreEqual(options, JsonSerializer.Deserialize<DenoisingOptions>(json));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<DenoisingOptions>("""{"Epochs":3}"""));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<ImageGenerationOptions>("""{"Steps":3}"""));
        string shape = JsonSerializer.Serialize(Shapes.Config);
        Assert.AreEqual(shape, JsonSerializer.Serialize(JsonSerializer.Deserialize<DenoiserConfig>(shape)));
        Assert.AreEqual("NumTrainEpochs with MaxSteps", (Short with { NumTrainEpochs = 2 }).Training.WithoutEffect().Single());
        Assert.IsEmpty(Short.Training.WithoutEffect());
    }

    private sealed class Asked
    {
        public string Prompt { get; set; } = "";
    }
}
