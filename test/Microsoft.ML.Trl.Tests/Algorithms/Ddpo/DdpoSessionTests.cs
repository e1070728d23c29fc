using System.Text.Json;
using Microsoft.ML.Trl.Tests.Diffusion;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ddpo;

[TestClass]
public sealed class DdpoSessionTests
{
    private static readonly DdpoOptions Short = new()
    {
        NumEpochs = 4,
        SampleNumSteps = 5,
        SampleGuidanceScale = 2,
        SampleBatchSize = 4,
        SampleNumBatchesPerEpoch = 2,
        TrainBatchSize = 4,
        TrainLearningRate = 1e-3,
    };

    private static readonly string[] Eight = [.. Enumerable.Range(0, 8).Select(i => Shapes.Prompts[i % 2])];

    private static readonly double[] Marks = [3, -1, 0.5, 2, -2, 1, 0, 4];

    [TestMethod]
    public void At_the_first_update_the_ratio_is_one() => Leaks.None(() =>
    {
        using var model = Shapes.Model();
        using var session = new DdpoSession(model, Short with { TrainBatchSize = 8 });
        using ImageRollout rollout = session.Sample(Eight);
        StepReport report = session.Step(rollout, Marks);
        Close.Absolute(0, report["approx_kl"], 1e-9);
        Close.Absolute(0, report["clipfrac"], 0);
        Close.Absolute(0, report["loss"], 1e-5); // the mean of whitened advantages
        Close.Absolute([0.9375, Math.Sqrt((35.25 / 8) - (0.9375 * 0.9375))], [report["reward_mean"], report["reward_std"]], 1e-4);
        Close.Absolute([1, 1e-3], [report["epoch"], report["learning_rate"]], 0);
        Assert.AreEqual((1, 1), (session.EpochNumber, session.StepNumber));
        Close.Above(0, report["grad_norm"]);
    });

    [TestMethod]
    public void Log_probabilities_of_a_rollout_are_those_of_its_steps()
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Model();
        using var session = new DdpoSession(model, Short);
        using ImageRollout rollout = session.Sample(Eight);
        CollectionAssert.AreEqual(new long[] { 8, 6, 1, 8, 8 }, rollout.Latents.shape);
        DdimScheduler scheduler = new(model.Schedule, 5);
        Close.Absolute(((rollout.Latents.select(1, 5) / 2) + 0.5).clamp(0, 1), rollout.Images, 1e-6);
        for (int step = 0; step < 5; step++)
        {
            int[] timesteps = [.. Eight.Select(_ => scheduler.Timesteps[step])];
            Tensor before = rollout.Latents.select(1, step), after = rollout.Latents.select(1, step + 1);
            Tensor noise = model.PredictNoise(before, timesteps, Eight, 2);
            DdimTransition to = scheduler.Step(noise, timesteps, before, 1);
            double deviation = to.Deviation[0].item<float>();
            Tensor away = (after - to.Mean) / deviation; // what was drawn: normal, with a mean square of about 1
            Close.Absolute(1, away.square().mean().item<float>(), 0.3, "512 numbers");
            Tensor expected = (-0.5 * away.square().mean([1L, 2, 3])) - Math.Log(deviation) - (0.5 * Math.Log(2 * Math.PI));
            Close.Absolute(expected, rollout.LogProbs.select(1, step), 2e-4);
        }
    }

    [TestMethod]
    public void Accumulated_batches_learn_like_one_batch()
    {
        float[] run(DdpoOptions options)
        {
            using var model = Shapes.Model();
            using var session = new DdpoSession(model, options with { TrainMaxGradNorm = 0 });
            using ImageRollout rollout = session.Sample(Eight);
            session.Step(rollout, Marks);
            Assert.AreEqual(1, session.StepNumber);
            return TinyModels.Flat(model.Weights());
        }
        // whatever the order, all images and all of their steps are in the one update
        float[] whole = run(Short with { TrainBatchSize = 8 });
        Close.Absolute(whole, run(Short with { TrainBatchSize = 2, TrainGradientAccumulationSteps = 4 }), 2e-4);
        using var start = Shapes.Model();
        Close.Differ(whole, TinyModels.Flat(start.Weights()), 5e-4);
    }

    [TestMethod]
    public void Each_option_of_learning_changes_what_is_learnt()
    {
        float[] run(DdpoOptions options)
        {
            using var model = Shapes.Model();
            using var session = new DdpoSession(model, options);
            for (int epoch = 0; epoch < 2; epoch++)
            {
                using ImageRollout rollout = session.Sample(Eight);
                session.Step(rollout, Marks);
            }
            return TinyModels.Flat(model.Weights());
        }
        float[] usual = run(Short);
        CollectionAssert.AreEqual(usual, run(Short));
        foreach (DdpoOptions other in new[]
        {
            Short with { Seed = 1 }, Short with { SampleEta = 0.5 }, Short with { SampleGuidanceScale = 1 },
            Short with { TrainCfg = false },
            Short with { TrainNumInnerEpochs = 2 }, Short with { TrainTimestepFraction = 0.4 }, Short with { TrainAdvClipMax = 0.5 },
            Short with { TrainClipRange = 0.5 }, Short with { NegativePrompts = "bar" }, Short with { TrainAdamBeta1 = 0.5 },
            Short with { TrainAdamBeta2 = 0.9 }, Short with { TrainAdamWeightDecay = 0.5 }, Short with { TrainAdamEpsilon = 1e-3 },
            Short with { TrainLearningRate = 2e-3 }, Short with { TrainMaxGradNorm = 1e-6, TrainAdamEpsilon = 1e-6 },
            Short with { TrainUse8bitAdam = true },
            Short with { SampleNumSteps = 6 }, Short with { TrainBatchSize = 2 },
            Short with { SampleBatchSize = 8, SampleNumBatchesPerEpoch = 1 },
            Short with { PerPromptStatTracking = true, PerPromptStatTrackingMinCount = 2 },
        })
            CollectionAssert.AreNotEqual(usual, run(other), other.ToString());
    }

    [TestMethod]
    public void A_step_that_is_no_number_changes_nothing()
    {
        using var model = Shapes.Model();
        using var session = new DdpoSession(model, Short with { TrainBatchSize = 8 });
        using ImageRollout rollout = session.Sample(Eight);
        float[] before = TinyModels.Flat(model.Weights());
        using (no_grad())
            rollout.LogProbs.fill_(float.NaN);
        Assert.ThrowsExactly<TrainingDivergedException>(() => session.Step(rollout, Marks));
        CollectionAssert.AreEqual(before, TinyModels.Flat(model.Weights()));
    }

    [TestMethod]
    public void Cancelling_ends_sampling()
    {
        using var model = Shapes.Model();
        using var session = new DdpoSession(model, Short);
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => session.Sample(Eight, cancel.Token));
    }

    [TestMethod]
    public void Defaults_are_those_of_TRL()
    {
        DdpoOptions options = new DdpoOptions().Validated();
        Assert.AreEqual((100, 0, 50, 1.0, 5.0, 1, 2), (
            options.NumEpochs, options.Seed, options.SampleNumSteps, options.SampleEta, options.SampleGuidanceScale,
            options.SampleBatchSize, options.SampleNumBatchesPerEpoch));
        Assert.AreEqual((1, false, 3e-4, 0.9, 0.999, 1e-4, 1e-8), (
            options.TrainBatchSize, options.TrainUse8bitAdam, options.TrainLearningRate, options.TrainAdamBeta1, options.TrainAdamBeta2,
            options.TrainAdamWeightDecay, options.TrainAdamEpsilon));
        Assert.AreEqual((1, 1.0, 1, true, 5.0, 1e-4, 1.0), (
            options.TrainGradientAccumulationSteps, options.TrainMaxGradNorm, options.TrainNumInnerEpochs, options.TrainCfg,
            options.TrainAdvClipMax, options.TrainClipRange, options.TrainTimestepFraction));
        Assert.AreEqual((false, 16, 16, ""), (
            options.PerPromptStatTracking, options.PerPromptStatTrackingBufferSize, options.PerPromptStatTrackingMinCount,
            options.NegativePrompts));
        Assert.IsEmpty(options.WithoutEffect());
    }

    [TestMethod]
    public void Options_survive_JSON_and_those_without_effect_are_named()
    {
        DdpoOptions options = Short with { PerPromptStatTracking = true, NegativePrompts = "bar", TrainTimestepFraction = 0.5 };
        Assert.AreEqual(options, JsonSerializer.Deserialize<DdpoOptions>(JsonSerializer.Serialize(options)));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<DdpoOptions>("""{"Epochs":3}"""));
        Named("PerPromptStatTrackingBufferSize and PerPromptStatTrackingMinCount without PerPromptStatTracking",
            Short with { PerPromptStatTrackingBufferSize = 3 });
        Named("TrainCfg with SampleGuidanceScale 1", Short with { SampleGuidanceScale = 1, TrainCfg = false });
        Named("NegativePrompts with SampleGuidanceScale 1", Short with { SampleGuidanceScale = 1, NegativePrompts = "bar" });

        static void Named(string expected, DdpoOptions options) => Assert.AreEqual(expected, options.WithoutEffect().Single());
    }
}
