using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class PrecisionTests
{
    private static readonly SftOptions Half = new() { Fp16 = true, LrSchedulerType = LrSchedulerType.Constant, MaxGradNorm = 0 };

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void Every_family_learns_a_text_in_float16(string name)
    {
        using CausalLanguageModel made = MadeModels.Load(name);
        using CausalLanguageModel model = made.Copy(type: ScalarType.Float16);
        var reports = new Collected();
        SftOptions options = Half with { MaxSteps = 16, LearningRate = 5e-3, LoggingSteps = 1, MaxGradNorm = 1, MaxLength = 32 };
        new SftLoop(model, options, reports).Run([new TokenExample([3, 4, 5, 6, 7, 8, 9, 10], 4)]);
        Close.Below(0.75 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
        Assert.AreEqual(65536 / Math.Pow(2, reports.Reports[^1].Metrics["skipped_steps"]), reports.Reports[^1].Metrics["loss_scale"]);
        Close.Below(6, reports.Reports[^1].Metrics["skipped_steps"], name);
    }

    [TestMethod]
    public void The_scale_keeps_small_gradients()
    {
        using var scope = NewDisposeScope();
        Tensor weight = zeros(4).to_type(ScalarType.Float16).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight), Half with { Optim = OptimizerKind.Sgd, LearningRate = 1e6 }, 1);
        step.Accumulate((weight.to_type(ScalarType.Float32) * 1e-8f).sum()); // below half of the smallest number of float16, 6e-8
        Close.Relative(2e-8, step.Update(0), 1e-3, "norm");
        Close.Absolute(full(4, -0.01f), weight, 1e-5);
    }

    [TestMethod]
    public void An_overflow_skips_the_update_and_halves_the_scale()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(4, 4).to_type(ScalarType.Float16).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight), Half with { LearningRate = 0.1, WeightDecay = 0.5 }, 10);
        step.Accumulate((weight.to_type(ScalarType.Float32) * 1.5f).sum()); // 98304 is no number of float16
        Assert.IsFalse(double.IsFinite(step.Update(0)));
        Close.Absolute(ones(4, 4), weight, 0, "weights after a skipped update");
        Assert.AreEqual((0, 32768.0, 1), (step.Number, step.Scaler!.Scale, step.Scaler.Skipped));
        Assert.IsNull(weight.grad);
        step.Accumulate((weight.to_type(ScalarType.Float32) * 1.5f).sum());
        Close.Absolute(6, step.Update(0), 1e-3, "norm");
        Close.Absolute(full(4, 4, 0.95f - 0.1f), weight, 1e-3, "one step of AdamW, the first that counts");
    }

    [TestMethod]
    public void The_scale_doubles_after_2000_good_updates_in_a_row()
    {
        var scaler = new LossScaler();
        for (int n = 0; n < 1999; n++)
            scaler.NoteGood();
        Assert.AreEqual(65536, scaler.Scale);
        scaler.NoteGood();
        Assert.AreEqual(131072, scaler.Scale);
        scaler.NoteGood();
        scaler.NoteOverflow();
        Assert.AreEqual((65536, 1), (scaler.Scale, scaler.Skipped));
        for (int n = 0; n < 1999; n++)
            scaler.NoteGood();
        Assert.AreEqual(65536, scaler.Scale);
    }

    [TestMethod]
    public void Gradients_that_no_scale_helps_end_the_run()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(4).to_type(ScalarType.Float16).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight), Half, 10);
        int skipped = 0;
        Assert.ThrowsExactly<TrainingDivergedException>(() =>
        {
            for (; skipped < 100; skipped++)
            {
                step.Accumulate((weight * float.PositiveInfinity).sum());
                step.Update(0);
            }
        });
        Assert.AreEqual(30, skipped); // from 2^16 down to 2^-14
        using var other = new GradientStep(Trained.Of(weight), Half, 10);
        other.Accumulate(weight.sum());
        Assert.ThrowsExactly<TrainingDivergedException>(() => other.Update(double.NaN), "a loss that is none is no overflow");
    }

    [TestMethod]
    public void Rounding_at_random_needs_no_masters_and_keeps_small_steps_on_average()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(100, 100).to_type(ScalarType.BFloat16).requires_grad_();
        SftOptions options = Half with
        {
            Fp16 = false, Bf16 = true, StochasticRounding = true, Optim = OptimizerKind.Sgd, LearningRate = 1e-4,
        };
        using var step = new GradientStep(Trained.Of(weight), options, 50);
        Assert.AreEqual(0, step.StateBytes);
        for (int n = 0; n < 50; n++) // of a step of 0.0001 bfloat16 shows nothing under 1, where its numbers lie 0.0039 apart
        {
            step.Accumulate(weight.sum());
            step.Update(0);
        }
        // five standard deviations of the mean of 10 000 sums of 50 draws of a gap at most
        Close.Absolute(0.995, weight.to_type(ScalarType.Float32).mean().item<float>(), 5 * 0.0039 * Math.Sqrt(50 * 0.025) / 100, "mean");
    }

    [TestMethod]
    [DataRow(OptimizerKind.AdamW, 8)]
    [DataRow(OptimizerKind.Lion, 4)]
    [DataRow(OptimizerKind.Adafactor, 0.08)]
    [DataRow(OptimizerKind.AdamW8Bit, 2.04)]
    [DataRow(OptimizerKind.Lion8Bit, 1.02)]
    public void Every_rule_rounds_at_random(OptimizerKind kind, double bytes)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Generator rng = new(1);
        Tensor start = randn([100, 100], generator: rng).to_type(ScalarType.BFloat16);
        Tensor rounded = start.clone().requires_grad_(), wide = start.to_type(ScalarType.Float32).requires_grad_();
        using var one = new Optimizer(Trained.Of(rounded), new UpdateSettings(kind) { RoundsAtRandom = true, Seed = 5 });
        using var other = new Optimizer(Trained.Of(wide), new UpdateSettings(kind));
        Close.Absolute(bytes, one.StateBytes / 1e4, 0.01, "bytes of state per weight");
        Tensor gradient = (randn([100, 100], generator: rng).sign() * 2).to_type(ScalarType.BFloat16);
        for (int step = 1; step <= 20; step++)
        {
            (rounded.grad, wide.grad) = (gradient.clone(), gradient.to_type(ScalarType.Float32));
            one.Step(step, 1e-3, gradientDivisor: 1);
            other.Step(step, 1e-3, gradientDivisor: 1);
        }
        Tensor off = (rounded - wide) * gradient.sign(); // along the way, which is 0.02 long
        Close.Absolute(0, off.mean().item<float>(), 0.001, $"{kind}");
    }
}
