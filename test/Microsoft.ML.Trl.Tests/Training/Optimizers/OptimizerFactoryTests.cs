using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

[TestClass]
public sealed class OptimizerFactoryTests
{
    private static readonly TokenExample[] Rows = [.. Toys.Rows(1, 6, 4, 12).Select(ids => new TokenExample(ids, 1))];

    private static readonly SftOptions Ours = new()
    {
        MaxSteps = 6, PerDeviceTrainBatchSize = 2, LearningRate = 0.02, MaxGradNorm = 0.5, WarmupSteps = 2, LoggingSteps = 1,
    };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Adam_of_TorchSharp_equals_ours_with_schedule_and_clipping(bool bf16)
    {
        int calls = 0;
        float[] Train(SftOptions options)
        {
            using CausalLanguageModel made = Toys.Gpt2();
            using CausalLanguageModel model = made.Copy(type: bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
            new SftLoop(model, options).Run(Rows);
            using CausalLanguageModel wide = model.Copy(type: ScalarType.Float32);
            return Toys.Flat(wide.Weights());
        }
        float[] ours = Train(Ours), theirs = Train(Ours with
        {
            OptimizerFactory = weights =>
            {
                calls++;
                Assert.IsTrue(weights.Any(weight => weight.Name == "transformer.h.1.attn.c_attn.weight"));
                Assert.IsTrue(weights.All(weight => weight.Value.dtype == ScalarType.Float32));
                return optim.AdamW(weights.Select(weight => weight.Value), lr: 0.02, weight_decay: 0);
            },
        });
        Assert.AreEqual(1, calls);
        // attention's key biases have no true gradient: Adam makes steps of the rate out of rounding noise there
        int off = ours.Zip(theirs).Count(pair => Math.Abs(pair.First - pair.Second) > (bf16 ? 0.01 : 1e-4));
        Assert.IsLessThan(40, off, "weights that differ");
    }

    [TestMethod]
    public void Each_group_keeps_its_own_rate_times_the_factor_of_the_schedule()
    {
        using var scope = NewDisposeScope();
        Tensor first = zeros(1).requires_grad_(), second = zeros(1).requires_grad_();
        SftOptions options = Ours with
        {
            MaxGradNorm = 0,
            LearningRateFactor = (step, _) => step == 0 ? 1 : 0.25,
            OptimizerFactory = weights => optim.SGD(
                [
                    new SGD.ParamGroup([weights[0].Value], new SGD.Options { LearningRate = 0.5 }),
                    new SGD.ParamGroup([weights[1].Value], new SGD.Options { LearningRate = 3 }),
                ], 1),
        };
        using var step = new GradientStep(Trained.Of(first, second), options, 2);
        for (int n = 0; n < 2; n++)
        {
            step.Accumulate(first.sum() + second.sum());
            step.Update(0);
        }
        Close.Absolute(-0.5 * 1.25, first.item<float>(), 1e-6);
        Close.Absolute(-3 * 1.25, second.item<float>(), 1e-6);
    }

    [TestMethod]
    public void What_goes_wrong_in_the_users_code_is_told_as_such()
    {
        Told<InvalidOperationException>("OptimizerFactory threw FormatException: odd", _ => throw new FormatException("odd"));
        Told<InvalidOperationException>("OptimizerFactory returned null; it must return an optimizer", _ => null!);
        Told<InvalidOperationException>(
            "The optimizer that OptimizerFactory made threw NotImplementedException in update 1: later",
            weights => new Broken(weights.Select(weight => weight.Value)));

        static void Told<T>(string message, Func<IReadOnlyList<(string Name, Parameter Value)>, optim.Optimizer> factory)
            where T : Exception
        {
            using CausalLanguageModel model = Toys.Gpt2();
            var error = Assert.ThrowsExactly<T>(() => new SftLoop(model, Ours with { OptimizerFactory = factory }).Run(Rows));
            StringAssert.StartsWith(error.Message, message);
            Assert.AreEqual(message.Contains("null", StringComparison.Ordinal), error.InnerException is null);
        }
    }

    [TestMethod]
    public void Nothing_outlives_it() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        SftOptions options = Ours with { OptimizerFactory = weights => optim.AdamW(weights.Select(weight => weight.Value), lr: 0.02) };
        Tensor wide = ones(3).requires_grad_(), narrow = ones(3).to_type(ScalarType.BFloat16).requires_grad_();
        using var step = new GradientStep(Trained.Of(wide, narrow), options, 1);
        step.Accumulate(wide.sum() + narrow.sum());
        step.Update(0);
    });

    private sealed class Broken(IEnumerable<Parameter> weights) : SGD(weights, 0.1)
    {
        public override Tensor step(Func<Tensor>? closure = null) => throw new NotImplementedException("later");
    }
}
