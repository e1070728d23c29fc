using Microsoft.ML.Trl.Tests.Diffusion;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Options, loss, statistics, rewards, session and stage of DDPO.</summary>
internal static class DdpoInputs
{
    private const string Catalog = "TrlCatalog.Ddpo", Session = "DdpoSession", Loss = "DdpoLoss.Compute", Fit = "DdpoTrainer.Fit";

    private static readonly DdpoOptions Good = new() { NumEpochs = 1, SampleNumSteps = 2, SampleGuidanceScale = 1 };

    private static readonly ImageReward Bright = ImageReward.OfBatch((images, _) => images.mean([1L, 2, 3]));

    private static readonly Lazy<DdpoSession> MadeSession = new(() => new DdpoSession(Shapes.Model(), Good));

    private static readonly Lazy<ImageRollout> MadeRollout = new(() => MadeSession.Value.Sample(Shapes.Prompts));

    public static IEnumerable<BadInput> All() =>
        [.. Options(), .. Contradictions(), .. Losses(), .. Statistics(), .. Rewards(), .. Sessions(), .. Stages()];

    private static IEnumerable<BadInput> Options()
    {
        (DdpoOptions Options, string Words)[] wrong =
        [
            (Good with { NumEpochs = 0 }, "NumEpochs (0)"), (Good with { SampleNumSteps = 0 }, "SampleNumSteps (0)"),
            (Good with { SampleNumSteps = 100 }, "SampleNumSteps (100) must lie between 1 and 99"),
            (Good with { SampleEta = 0 }, "SampleEta (0) must be greater than 0"), (Good with { SampleEta = 1.1 }, "SampleEta (1.1)"),
            (Good with { SampleGuidanceScale = -1 }, "SampleGuidanceScale (-1)"),
            (Good with { SampleBatchSize = 0 }, "SampleBatchSize (0)"),
            (Good with { SampleNumBatchesPerEpoch = 0 }, "SampleNumBatchesPerEpoch (0)"),
            (Good with { TrainBatchSize = 0 }, "TrainBatchSize (0)"), (Good with { TrainLearningRate = 0 }, "TrainLearningRate (0)"),
            (Good with { TrainAdamBeta1 = 1 }, "TrainAdamBeta1 (1)"), (Good with { TrainAdamBeta2 = -0.1 }, "TrainAdamBeta2 (-0.1)"),
            (Good with { TrainAdamWeightDecay = -1 }, "TrainAdamWeightDecay (-1)"),
            (Good with { TrainAdamEpsilon = 0 }, "TrainAdamEpsilon (0)"),
            (Good with { TrainGradientAccumulationSteps = 0 }, "TrainGradientAccumulationSteps (0)"),
            (Good with { TrainMaxGradNorm = -1 }, "TrainMaxGradNorm (-1)"),
            (Good with { TrainNumInnerEpochs = 0 }, "TrainNumInnerEpochs (0)"),
            (Good with { TrainAdvClipMax = 0 }, "TrainAdvClipMax (0)"), (Good with { TrainClipRange = 0 }, "TrainClipRange (0)"),
            (Good with { TrainTimestepFraction = 0.3 }, "TrainTimestepFraction (0.3) must be 1 at most, and at least one of 2 steps"),
            (Good with { TrainTimestepFraction = 1.5 }, "TrainTimestepFraction (1.5)"),
            (Good with { PerPromptStatTrackingBufferSize = 0 }, "PerPromptStatTrackingBufferSize (0)"),
            (Good with { PerPromptStatTrackingMinCount = -1 }, "PerPromptStatTrackingMinCount (-1)"),
            (Good with { LoggingSteps = 0 }, "LoggingSteps (0)"),
        ];
        foreach ((DdpoOptions options, string words) in wrong)
        {
            yield return Of<ArgumentOutOfRangeException>(
                Catalog, () => Ml.Trl().Ddpo(DiffusionInputs.Network, Bright, options), [words], words);
            yield return Of<ArgumentOutOfRangeException>(
                $"{Session}.#ctor", () => new DdpoSession(DiffusionInputs.Network, options), [words], words);
        }
    }

    private static IEnumerable<BadInput> Contradictions()
    {
        (DdpoOptions Options, string[] Words)[] wrong =
        [
            (Good with { TrainBatchSize = 3 }, ["= 2) must be a multiple", "TrainBatchSize 3"]),
            (Good with { PerPromptStatTracking = true, PerPromptStatTrackingBufferSize = 3 }, ["MinCount (16) is never reached", "(3)"]),
            (Good with { PromptColumnName = "" }, ["PromptColumnName is empty"]),
            (Good with { OutputColumnName = "" }, ["OutputColumnName is empty"]),
            (Good with { NegativePrompts = "dark" }, ["NegativePrompts cannot be used", "'dark'", "knows bar, flat, upright"]),
        ];
        foreach ((DdpoOptions options, string[] words) in wrong)
            yield return Of<ArgumentException>(
                Catalog, () => Ml.Trl().Ddpo(DiffusionInputs.Network, Bright, options), words, words[0]);
        yield return Null(
            Catalog, "NegativePrompts", () => Ml.Trl().Ddpo(DiffusionInputs.Network, Bright, Good with { NegativePrompts = null! }));
        yield return Null(Catalog, "reward", () => Ml.Trl().Ddpo(null!));
        yield return Null(Catalog, "reward", () => Ml.Trl().Ddpo(DiffusionInputs.Network, null!));
        yield return Null(Catalog, "model", () => Ml.Trl().Ddpo(null!, Bright));
    }

    private static IEnumerable<BadInput> Losses() =>
    [
        Null(Loss, "logProbs", () => DdpoLoss.Compute(null!, ones(2), ones(2))),
        Null(Loss, "oldLogProbs", () => DdpoLoss.Compute(ones(2), null!, ones(2))),
        Null(Loss, "advantages", () => DdpoLoss.Compute(ones(2), ones(2), null!)),
        Of<ArgumentException>(Loss, () => DdpoLoss.Compute(ones(2), ones(3), ones(2)), ["logProbs [2]", "oldLogProbs [3]", "one shape"]),
        Of<ArgumentException>(Loss, () => DdpoLoss.Compute(ones(2), ones(2), ones(2, 1)), ["advantages [2, 1]", "one shape"]),
        Of<ArgumentException>(Loss, () => DdpoLoss.Compute(Disposed(ones(2)), ones(2), ones(2)), ["logProbs was disposed"]),
        Of<ArgumentOutOfRangeException>(Loss, () => DdpoLoss.Compute(ones(2), ones(2), ones(2), 0), ["clipRange (0)"]),
        Of<ArgumentOutOfRangeException>(Loss, () => DdpoLoss.Compute(ones(2), ones(2), ones(2), 0.1, -1), ["advClipMax (-1)"]),
    ];

    private static IEnumerable<BadInput> Statistics()
    {
        const string update = "PerPromptStatistics.Update";
        PerPromptStatistics good = new(1, 1);
        return
        [
            Of<ArgumentOutOfRangeException>("PerPromptStatistics.#ctor", () => new PerPromptStatistics(0, 1), ["bufferSize (0)"]),
            Of<ArgumentOutOfRangeException>("PerPromptStatistics.#ctor", () => new PerPromptStatistics(1, -1), ["minCount (-1)"]),
            Null(update, "prompts", () => good.Update(null!, [1])),
            Null(update, "rewards", () => good.Update(["a"], null!)),
            Of<ArgumentException>(update, () => good.Update(["a"], [1, 2]), ["2 rewards for 1 images"]),
            Of<ArgumentException>(update, () => good.Update([null!], [1]), ["A prompt is null"]),
            Of<ArgumentException>(update, () => good.Update(["a", "a"], [1, double.NaN]), ["Reward 1 is NaN"]),
        ];
    }

    private static IEnumerable<BadInput> Rewards()
    {
        const string score = "ImageReward.Score", from = "ImageReward.FromTransformer";
        ITransformer copy = Ml.Transforms.CopyColumns("Copy", "Prompt").Fit(DiffusionInputs.Prompts);
        ITransformer images = Ml.Transforms.CopyColumns("Score", "Image").Fit(Shapes.View(Ml, Shapes.Examples(1)));
        Tensor one() => zeros(1, 1, 8, 8);
        BadInput fails(ImageReward reward, params string[] words) =>
            Of<InvalidOperationException>(score, () => reward.Score(one(), ["bar"]), words, words[0]);
        return
        [
            Null("ImageReward.OfBatch", "reward", () => ImageReward.OfBatch(null!)),
            Null("ImageReward.OfImage", "reward", () => ImageReward.OfImage(null!)),
            Null(from, "ml", () => ImageReward.FromTransformer(null!, copy)),
            Null(from, "transformer", () => ImageReward.FromTransformer(Ml, null!)),
            Of<ArgumentException>(from, () => ImageReward.FromTransformer(Ml, copy, ""), ["scoreColumnName is empty"]),
            Of<ArgumentException>(
                from, () => ImageReward.FromTransformer(Ml, copy, imageColumnName: ""), ["imageColumnName is empty"]),
            Of<ArgumentException>(
                from, () => ImageReward.FromTransformer(Ml, copy, promptColumnName: ""), ["promptColumnName is empty"]),
            Of<ArgumentOutOfRangeException>(from, () => ImageReward.FromTransformer(Ml, copy, slot: -1), ["slot (-1)"]),
            Null(score, "images", () => Bright.Score(null!, ["a"])),
            Null(score, "prompts", () => Bright.Score(one(), null!)),
            Of<ArgumentException>(score, () => Bright.Score(one(), ["a", "b"]), ["[2, channels, height, width]", "[1, 1, 8, 8]"]),
            fails(ImageReward.OfBatch((_, _) => throw new InvalidDataException("no light")), "The reward failed for 1 images: no light"),
            fails(ImageReward.OfBatch((_, _) => null!), "returned null"),
            fails(ImageReward.OfBatch((all, _) => all), "shape [1, 1, 8, 8]", "must return [1]"),
            fails(ImageReward.OfBatch((_, _) => Disposed(ones(1))), "a disposed tensor"),
            fails(ImageReward.OfImage((_, _) => double.PositiveInfinity), "Reward 0 is Infinity"),
            fails(ImageReward.FromTransformer(Ml, copy), "reward column 'Score'", "no such column"),
            fails(ImageReward.FromTransformer(Ml, images), "expected a number, got Vector", "reward column 'Score'"),
            fails(ImageReward.FromTransformer(Ml, images, slot: 64), "holds 64 numbers; there is no slot 64"),
        ];
    }

    private static IEnumerable<BadInput> Sessions()
    {
        DdpoSession session() => MadeSession.Value;
        return
        [
            Null($"{Session}.#ctor", "model", () => new DdpoSession(null!, Good)),
            Null($"{Session}.#ctor", "options", () => new DdpoSession(DiffusionInputs.Network, null!)),
            Of<ObjectDisposedException>($"{Session}.#ctor", () => new DdpoSession(DiffusionInputs.Gone(), Good), ["DiffusionModel"]),
            Of<TrainingDivergedException>(
                $"{Session}.#ctor", () => new DdpoSession(Broken(), Good), ["The model holds NaN in 'conv_in.bias'"]),
            Null($"{Session}.Sample", "prompts", () => session().Sample(null!)),
            Of<ArgumentException>($"{Session}.Sample", () => session().Sample([]), ["no prompts"]),
            Of<ArgumentException>($"{Session}.Sample", () => session().Sample(["circle"]), ["Prompt 0 cannot be drawn", "'circle'"]),
            Of<ObjectDisposedException>($"{Session}.Sample", () => DisposedSession().Sample(["bar"]), ["DdpoSession"]),
            Null($"{Session}.Step", "rollout", () => session().Step(null!, [1])),
            Null($"{Session}.Step", "rewards", () => session().Step(MadeRollout.Value, null!)),
            Of<ArgumentException>($"{Session}.Step", () => session().Step(MadeRollout.Value, [1]), ["1 rewards for 2 images"]),
            Of<ArgumentException>($"{Session}.Step", () => session().Step(MadeRollout.Value, [1, double.NaN]), ["Reward 1 is NaN"]),
            Of<ArgumentException>($"{Session}.Step", () => session().Step(GoneRollout(), [1, 2]), ["rollout was disposed"]),
            Of<ArgumentException>(
                $"{Session}.Step", () => Other(Good with { SampleNumSteps = 3 }).Step(MadeRollout.Value, [1, 2]), ["[2, 4, 1, 8, 8]"]),
            Of<ArgumentException>(
                $"{Session}.Step", () => Other(Good with { TrainBatchSize = 4, SampleBatchSize = 2 }).Step(MadeRollout.Value, [1, 2]),
                ["has 2 images", "from 4"]),
            Of<ObjectDisposedException>($"{Session}.Step", () => DisposedSession().Step(MadeRollout.Value, [1, 2]), ["DdpoSession"]),
        ];
    }

    private static DdpoSession Other(DdpoOptions options) => new(DiffusionInputs.Network, options);

    private static DdpoSession DisposedSession()
    {
        DdpoSession gone = Other(Good);
        gone.Dispose();
        return gone;
    }

    private static ImageRollout GoneRollout()
    {
        ImageRollout gone = MadeSession.Value.Sample(Shapes.Prompts);
        gone.Dispose();
        return gone;
    }

    private static DiffusionModel Broken()
    {
        DiffusionModel model = Shapes.Model();
        using var frozen = no_grad();
        model.Network.get_parameter("conv_in.bias")!.fill_(float.NaN);
        return model;
    }

    private static IEnumerable<BadInput> Stages()
    {
        DdpoTrainer alone = Ml.Trl().Ddpo(Bright, Good), given = Ml.Trl().Ddpo(DiffusionInputs.Network, Bright, Good);
        IDataView strange = Ml.Data.LoadFromEnumerable(new[] { new DiffusionInputs.Asked { Prompt = "a bar" } });
        ImageReward nothing = ImageReward.OfImage((_, _) => double.NaN);
        IDataView none = Ml.Data.LoadFromEnumerable(Array.Empty<DiffusionInputs.Asked>());
        return
        [
            Null(Fit, "input", () => given.Fit(null!)),
            Of<InvalidOperationException>(Fit, () => alone.Fit(DiffusionInputs.Prompts), ["DDPO has no model to start from"]),
            Of<ArgumentOutOfRangeException>(Fit, () => given.Fit(DiffusionInputs.Numbers), ["prompt column 'Prompt'", "expected Text"]),
            Of<ArgumentException>(Fit, () => given.Fit(strange), ["Row 0 cannot be drawn", "'a'"]),
            Of<ArgumentException>(Fit, () => given.Fit(none), ["no row"]),
            Of<ObjectDisposedException>(
                Fit, () => Ml.Trl().Ddpo(DiffusionInputs.Gone(), Bright, Good).Fit(DiffusionInputs.Prompts), ["DiffusionModel"]),
            Of<RewardFunctionException>(
                Fit, () => Ml.Trl().Ddpo(DiffusionInputs.Network, nothing, Good).Fit(DiffusionInputs.Prompts),
                ["Step 1: The reward gave what cannot be learnt from"]),
            Null("DdpoTrainer.GetOutputSchema", "inputSchema", () => given.GetOutputSchema(null!)),
            Of<InvalidOperationException>(
                "DdpoTrainer.GetOutputSchema", () => alone.GetOutputSchema(new SchemaShape([])), ["no model to start from"]),
            Of<ArgumentOutOfRangeException>(
                "DdpoTrainer.GetOutputSchema", () => given.GetOutputSchema(new SchemaShape([])), ["prompt column 'Prompt'"]),
        ];
    }
}
