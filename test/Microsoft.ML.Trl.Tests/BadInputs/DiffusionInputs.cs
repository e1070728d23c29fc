using Microsoft.ML.Trl.Tests.Diffusion;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Noise, networks that take it away, and the pipelines of images.</summary>
internal static class DiffusionInputs
{
    private const string Model = "DiffusionModel", Trainer = "DenoisingTrainer.Fit", Catalog = "TrlCatalog.Denoising";
    private const string Made = "ImageGenerationTransformer";

    private static readonly Lazy<DiffusionModel> MadeModel = new(() => Shapes.Model());

    private static readonly ImageGenerationOptions Short = new() { NumInferenceSteps = 2, GuidanceScale = 1 };

    private static readonly DenoisingOptions Options = new() { MaxSteps = 1, Generation = Short };

    private static readonly Lazy<ImageGenerationTransformer> MadeTransformer = new(() =>
        Ml.Trl().ImageGeneration(Network, Short).Fit(Prompts));

    /// <summary>8 x 8 pixels, 100 timesteps, the words bar, flat and upright.</summary>
    public static DiffusionModel Network => MadeModel.Value;

    public static IDataView Prompts => Ml.Data.LoadFromEnumerable(new[] { new Asked { Prompt = "flat bar" } });

    public static IDataView Numbers => Ml.Data.LoadFromEnumerable(new[] { new Number { Prompt = 1 } });

    public static IEnumerable<BadInput> All() =>
        [.. Schedules(), .. Steps(), .. Shape(), .. Models(), .. Drawing(), .. Training(), .. Rows(), .. Pipelines()];

    public static DiffusionModel Gone()
    {
        DiffusionModel gone = DiffusionModel.Create(Shapes.Config, 1);
        gone.Dispose();
        return gone;
    }

    private static IEnumerable<BadInput> Schedules()
    {
        NoiseScheduleOptions good = new();
        (NoiseScheduleOptions Options, string Words)[] wrong =
        [
            (good with { NumTrainTimesteps = 1 }, "NumTrainTimesteps (1) must lie between 2 and"),
            (good with { BetaStart = 0 }, "BetaStart (0) must be a finite number greater than 0"),
            (good with { BetaEnd = 1 }, "BetaEnd (1) must be at least 0.0001 and below 1"),
            (good with { BetaEnd = 1e-5 }, "BetaEnd (1E-05) must be at least 0.0001"),
            (good with { BetaSchedule = (BetaSchedule)7 }, "BetaSchedule (7) must be one of Linear, ScaledLinear, SquaredcosCapV2"),
            (good with { ClipSampleRange = 0 }, "ClipSampleRange (0) must be a finite number greater than 0"),
        ];
        foreach ((NoiseScheduleOptions options, string words) in wrong)
            yield return options.BetaSchedule > BetaSchedule.SquaredcosCapV2
                ? Of<ArgumentException>("NoiseSchedule.#ctor", () => new NoiseSchedule(options), [words], words)
                : Of<ArgumentOutOfRangeException>("NoiseSchedule.#ctor", () => new NoiseSchedule(options), [words], words);
    }

    private static IEnumerable<BadInput> Steps()
    {
        NoiseSchedule schedule = new(new() { NumTrainTimesteps = 10 });
        DdimScheduler scheduler = new(schedule, 5);
        return
        [
            Null("NoiseSchedule.AddNoise", "images", () => schedule.AddNoise(null!, ones(1), [0])),
            Null("NoiseSchedule.AddNoise", "noise", () => schedule.AddNoise(ones(1), null!, [0])),
            Null("NoiseSchedule.AddNoise", "timesteps", () => schedule.AddNoise(ones(1), ones(1), null!)),
            Of<ArgumentException>("NoiseSchedule.AddNoise", () => schedule.AddNoise(ones(2), ones(1), [0, 1]), ["images [2]", "noise [1]"]),
            Of<ArgumentException>("NoiseSchedule.AddNoise", () => schedule.AddNoise(ones(2), ones(2), [0]), ["1 entries", "[2]"]),
            Of<ArgumentException>("NoiseSchedule.AddNoise", () => schedule.AddNoise(ones(1), ones(1), [10]), ["10", "0 to 9"]),
            Of<ArgumentException>("NoiseSchedule.AddNoise", () => schedule.AddNoise(ones(1), ones(1), [-1]), ["-1", "0 to 9"]),
            Null("DdimScheduler.#ctor", "schedule", () => new DdimScheduler(null!, 1)),
            Of<ArgumentOutOfRangeException>("DdimScheduler.#ctor", () => new DdimScheduler(schedule, 0), ["(0)", "between 1 and 9"]),
            Of<ArgumentOutOfRangeException>("DdimScheduler.#ctor", () => new DdimScheduler(schedule, 10), ["(10)", "between 1 and 9"]),
            Null("DdimScheduler.Step", "noise", () => scheduler.Step(null!, [0], ones(1), 1)),
            Null("DdimScheduler.Step", "images", () => scheduler.Step(ones(1), [0], null!, 1)),
            Null("DdimScheduler.Step", "timesteps", () => scheduler.Step(ones(1), null!, ones(1), 1)),
            Of<ArgumentException>("DdimScheduler.Step", () => scheduler.Step(ones(1), [0], ones(2), 1), ["noise [1]", "images [2]"]),
            Of<ArgumentException>("DdimScheduler.Step", () => scheduler.Step(ones(1), [10], ones(1), 1), ["10", "0 to 9"]),
            Of<ArgumentOutOfRangeException>("DdimScheduler.Step", () => scheduler.Step(ones(1), [1], ones(1), 1.5), ["eta (1.5)"]),
            Null("DdimTransition.Sample", "noise", () => Transition(1).Sample(null!)),
            Of<ArgumentException>("DdimTransition.Sample", () => Transition(1).Sample(ones(2)), ["noise [2]", "Mean [1, 1]"]),
            Null("DdimTransition.LogProb", "images", () => Transition(1).LogProb(null!)),
            Of<ArgumentException>("DdimTransition.LogProb", () => Transition(1).LogProb(ones(2)), ["images [2]", "Mean [1, 1]"]),
            Of<InvalidOperationException>(
                "DdimTransition.LogProb", () => Transition(0).LogProb(ones(1, 1)), ["deviation of 0", "eta above 0"]),
        ];
    }

    private static DdimTransition Transition(double deviation) => new(ones(1, 1), full([1, 1], deviation));

    private static IEnumerable<BadInput> Shape()
    {
        DenoiserConfig good = Shapes.Config;
        (DenoiserConfig Config, string Words, Type Kind)[] wrong =
        [
            (good with { Channels = 0 }, "Channels (0) must lie between 1 and 4096", typeof(ArgumentOutOfRangeException)),
            (good with { Height = 7 }, "Height (7) must be a multiple of 2", typeof(ArgumentOutOfRangeException)),
            (good with { Width = 8192 }, "Width (8192)", typeof(ArgumentOutOfRangeException)),
            (good with { BlockOutChannels = [] }, "The number of BlockOutChannels (0)", typeof(ArgumentOutOfRangeException)),
            (good with { BlockOutChannels = [16, 18] }, "even multiples of NormNumGroups (4)", typeof(ArgumentException)),
            (good with { BlockOutChannels = null! }, "BlockOutChannels", typeof(ArgumentNullException)),
            (good with { LayersPerBlock = 0 }, "LayersPerBlock (0)", typeof(ArgumentOutOfRangeException)),
            (good with { NormNumGroups = 0 }, "NormNumGroups (0)", typeof(ArgumentOutOfRangeException)),
            (good with { NumAttentionHeads = -1 }, "NumAttentionHeads (-1)", typeof(ArgumentOutOfRangeException)),
            (good with { NumAttentionHeads = 3 }, "must divide the channels of the lowest resolution (16)", typeof(ArgumentException)),
            (good with { Words = ["a", "a"] }, "Words [a, a] must be different", typeof(ArgumentException)),
            (good with { Words = ["A"] }, "in lower case", typeof(ArgumentException)),
            (good with { Words = null! }, "Words", typeof(ArgumentNullException)),
            (good with { Schedule = null! }, "Schedule", typeof(ArgumentNullException)),
            (good with { Schedule = new() { NumTrainTimesteps = 0 } }, "NumTrainTimesteps (0)", typeof(ArgumentOutOfRangeException)),
        ];
        foreach ((DenoiserConfig config, string words, Type kind) in wrong)
        {
            yield return new BadInput($"{Model}.Create", words, kind, [words], () => DiffusionModel.Create(config, 1));
            yield return new BadInput(Catalog, words, kind, [words], () => Ml.Trl().Denoising(config));
        }
    }

    private static IEnumerable<BadInput> Models() =>
    [
        Null($"{Model}.Create", "config", () => DiffusionModel.Create(null!, 1)),
        Of<ArgumentException>($"{Model}.Create", () => DiffusionModel.Create(Shapes.Config, 1, META), ["device is meta", "cpu"]),
        Null($"{Model}.Load", "folder", () => DiffusionModel.Load(null!)),
        Of<ArgumentException>($"{Model}.Load", () => DiffusionModel.Load(""), ["empty"]),
        Of<ArgumentException>($"{Model}.Load", () => DiffusionModel.Load("x", META), ["device is meta", "cpu"]),
        Of<DirectoryNotFoundException>($"{Model}.Load", () => DiffusionModel.Load("/no/such/folder"), ["/no/such/folder"]),
        Null($"{Model}.Save", "folder", () => Network.Save(null!)),
        Of<ArgumentException>($"{Model}.Save", () => Network.Save(""), ["empty"]),
        Of<ObjectDisposedException>($"{Model}.Save", () => Gone().Save("x"), ["DiffusionModel"]),
        Of<ArgumentException>($"{Model}.Copy", () => Network.Copy(META), ["device is meta", "cpu"]),
        Of<ObjectDisposedException>($"{Model}.Copy", () => Gone().Copy(), ["DiffusionModel"]),
    ];

    private static IEnumerable<BadInput> Drawing() =>
    [
        Null($"{Model}.PredictNoise", "images", () => Network.PredictNoise(null!, [0], ["bar"])),
        Null($"{Model}.PredictNoise", "timesteps", () => Network.PredictNoise(ones(1, 1, 8, 8), null!, ["bar"])),
        Null($"{Model}.PredictNoise", "prompts", () => Network.PredictNoise(ones(1, 1, 8, 8), [0], null!)),
        Predict(() => Network.PredictNoise(ones(1, 8, 8), [0], ["bar"]), "[batch, 1, 8, 8]", "[1, 8, 8]"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 9), [0], ["bar"]), "[batch, 1, 8, 8]"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 8), [0, 1], ["bar"]), "2 entries"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 8), [100], ["bar"]), "100", "0 to 99"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 8), [0], ["bar", "bar"]), "2 prompts for 1 images"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 8), [0], ["circle"]), "'circle'", "knows bar, flat, upright"),
        Predict(() => Network.PredictNoise(ones(1, 1, 8, 8), [0], [null!]), "Prompt 0 is null"),
        Of<ArgumentOutOfRangeException>(
            $"{Model}.PredictNoise", () => Network.PredictNoise(ones(1, 1, 8, 8), [0], ["bar"], -1), ["guidanceScale (-1)"]),
        Of<ObjectDisposedException>(
            $"{Model}.PredictNoise", () => Gone().PredictNoise(ones(1, 1, 8, 8), [0], ["bar"]), ["DiffusionModel"]),
        Null($"{Model}.Generate", "prompts", () => Network.Generate(null!)),
        Generate<ArgumentException>([], Short, "There are no prompts"),
        Generate<ArgumentException>(["a bar"], Short, "Prompt 0 cannot be drawn", "'a'"),
        Generate<ArgumentException>(["bar"], Short with { NegativePrompt = "circle", GuidanceScale = 2 }, "'circle'"),
        Generate<ArgumentNullException>(["bar"], Short with { NegativePrompt = null! }, "NegativePrompt"),
        Generate<ArgumentOutOfRangeException>(["bar"], Short with { NumInferenceSteps = 0 }, "NumInferenceSteps (0)"),
        Generate<ArgumentOutOfRangeException>(["bar"], Short with { NumInferenceSteps = 100 }, "NumInferenceSteps (100)", "1 and 99"),
        Generate<ArgumentOutOfRangeException>(["bar"], Short with { Eta = 2 }, "Eta (2)"),
        Generate<ArgumentOutOfRangeException>(["bar"], Short with { GuidanceScale = double.NaN }, "GuidanceScale (NaN)"),
        Of<ObjectDisposedException>($"{Model}.Generate", () => Gone().Generate(["bar"]), ["DiffusionModel"]),
    ];

    private static BadInput Predict(Action act, params string[] words) =>
        Of<ArgumentException>($"{Model}.PredictNoise", act, words, string.Join(' ', words));

    private static BadInput Generate<T>(string[] prompts, ImageGenerationOptions options, params string[] words)
        where T : Exception =>
        Of<T>($"{Model}.Generate", () => Network.Generate(prompts, options), words, string.Join(' ', words));

    private static IEnumerable<BadInput> Training()
    {
        (DenoisingOptions Options, string Words)[] wrong =
        [
            (Options with { LearningRate = 0 }, "LearningRate (0)"), (Options with { WeightDecay = -1 }, "WeightDecay (-1)"),
            (Options with { MaxGradNorm = -1 }, "MaxGradNorm (-1)"),
            (Options with { PerDeviceTrainBatchSize = 0 }, "PerDeviceTrainBatchSize (0)"),
            (Options with { NumTrainEpochs = 0 }, "NumTrainEpochs (0)"), (Options with { MaxSteps = 0 }, "MaxSteps (0)"),
            (Options with { PromptDropout = 1.1 }, "PromptDropout (1.1)"), (Options with { LoggingSteps = 0 }, "LoggingSteps (0)"),
            (Options with { Generation = Short with { Eta = -1 } }, "Eta (-1)"),
            (Options with { Generation = Short with { NumInferenceSteps = 100 } }, "NumInferenceSteps (100)"),
        ];
        foreach ((DenoisingOptions options, string words) in wrong)
            yield return Of<ArgumentOutOfRangeException>(Catalog, () => Ml.Trl().Denoising(Shapes.Config, options), [words], words);
        foreach (DenoisingOptions options in new[]
        {
            Options with { ImageColumnName = "" }, Options with { PromptColumnName = "" }, Options with { OutputColumnName = "" },
        })
            yield return Of<ArgumentException>(
                Catalog, () => Ml.Trl().Denoising(Network, options), ["ColumnName is empty"], options.ToString());
        yield return Null(Catalog, "shape", () => Ml.Trl().Denoising((DenoiserConfig)null!));
        yield return Null(Catalog, "model", () => Ml.Trl().Denoising((DiffusionModel)null!));
    }

    private static IEnumerable<BadInput> Rows()
    {
        ImageExample good = Shapes.Examples(1)[0];
        float[] dark = [.. good.Pixels];
        dark[5] = -0.5f;
        DenoisingTrainer trainer = Ml.Trl().Denoising(Shapes.Config, Options);
        return
        [
            Null(Trainer, "input", () => trainer.Fit(null!)),
            Of<ArgumentOutOfRangeException>(Trainer, () => trainer.Fit(Prompts), ["image column 'Image'", "no such column"]),
            Of<ArgumentOutOfRangeException>(Trainer, () => trainer.Fit(Numbers), ["prompt column 'Prompt'", "expected Text"]),
            Of<ArgumentException>(
                Trainer, () => Ml.Trl().Denoising(Shapes.Config with { Width = 16 }, Options).Fit(Shapes.View(Ml, [good])),
                ["Row 0 has 64 numbers", "1 x 8 x 16 = 128"]),
            Of<ArgumentException>(
                Trainer, () => trainer.Fit(Shapes.View(Ml, [good, good with { Pixels = dark }])), ["Row 1 has -0.5 at place 5"]),
            Of<ArgumentException>(
                Trainer, () => trainer.Fit(Shapes.View(Ml, [good with { Prompt = "a circle" }])), ["Row 0 cannot be learnt", "'a'"]),
            Of<ArgumentException>(Trainer, () => trainer.Fit(Shapes.View(Ml, [])), ["no row"]),
            Of<ObjectDisposedException>(
                Trainer, () => Ml.Trl().Denoising(Gone(), Options).Fit(Shapes.View(Ml, [good])), ["DiffusionModel"]),
            Null("DenoisingTrainer.GetOutputSchema", "inputSchema", () => trainer.GetOutputSchema(null!)),
            Of<ArgumentOutOfRangeException>(
                "DenoisingTrainer.GetOutputSchema", () => trainer.GetOutputSchema(new SchemaShape([])), ["image column 'Image'"]),
        ];
    }

    private static IEnumerable<BadInput> Pipelines() =>
    [
        Null("TrlCatalog.ImageGeneration", "model", () => Ml.Trl().ImageGeneration(null!)),
        Of<ArgumentException>(
            "TrlCatalog.ImageGeneration", () => Ml.Trl().ImageGeneration(Network, Short, ""), ["OutputColumnName is empty"]),
        Of<ArgumentException>(
            "TrlCatalog.ImageGeneration", () => Ml.Trl().ImageGeneration(Network, Short, "Out", ""), ["PromptColumnName is empty"]),
        Of<ArgumentOutOfRangeException>(
            "TrlCatalog.ImageGeneration", () => Ml.Trl().ImageGeneration(Network, Short with { NumInferenceSteps = 100 }), ["(100)", "99"]),
        Null("ImageGenerationEstimator.Fit", "input", () => Ml.Trl().ImageGeneration(Network, Short).Fit(null!)),
        Of<ArgumentOutOfRangeException>(
            "ImageGenerationEstimator.Fit", () => Ml.Trl().ImageGeneration(Network, Short).Fit(Numbers), ["prompt column 'Prompt'"]),
        Of<ObjectDisposedException>(
            "ImageGenerationEstimator.Fit", () => Ml.Trl().ImageGeneration(Gone(), Short).Fit(Prompts), ["DiffusionModel"]),
        Null(
            "ImageGenerationEstimator.GetOutputSchema", "inputSchema",
            () => Ml.Trl().ImageGeneration(Network, Short).GetOutputSchema(null!)),
        Of<ArgumentOutOfRangeException>(
            "ImageGenerationEstimator.GetOutputSchema",
            () => Ml.Trl().ImageGeneration(Network, Short).GetOutputSchema(new SchemaShape([])), ["prompt column 'Prompt'"]),
        Null($"{Made}.Transform", "input", () => MadeTransformer.Value.Transform(null!)),
        Null($"{Made}.GetOutputSchema", "inputSchema", () => MadeTransformer.Value.GetOutputSchema(null!)),
        Null($"{Made}.GetRowToRowMapper", "inputSchema", () => MadeTransformer.Value.GetRowToRowMapper(null!)),
        Of<ArgumentOutOfRangeException>(
            $"{Made}.Transform", () => MadeTransformer.Value.Transform(Numbers), ["prompt column 'Prompt'", "expected Text"]),
        Of<ArgumentOutOfRangeException>(
            $"{Made}.GetOutputSchema", () => MadeTransformer.Value.GetOutputSchema(Numbers.Schema), ["prompt column 'Prompt'"]),
        Of<ArgumentOutOfRangeException>(
            $"{Made}.GetRowToRowMapper", () => MadeTransformer.Value.GetRowToRowMapper(Numbers.Schema), ["prompt column 'Prompt'"]),
        Of<ArgumentOutOfRangeException>($"{Made}.BatchSize", () => MadeTransformer.Value.BatchSize = 0, ["BatchSize (0)", "1 or greater"]),
    ];

    internal sealed class Asked
    {
        public string Prompt { get; set; } = "";
    }

    internal sealed class Number
    {
        public float Prompt { get; set; }

        [Microsoft.ML.Data.VectorType(64)]
        public float[] Image { get; set; } = [];
    }
}
