using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

[TestClass]
public sealed class EightBitTests
{
    private static readonly UpdateSettings Settings = new(OptimizerKind.AdamW) { WeightDecay = 0.1, Seed = 3 };

    private static readonly Dictionary<string, Func<bool, EightBitRule>> Rules = new()
    {
        ["AdamW"] = usesKernel => UpdateRules.Adam8Bit(Settings, isDecoupled: true, usesKernel),
        ["Adam"] = usesKernel => UpdateRules.Adam8Bit(Settings, isDecoupled: false, usesKernel),
        ["Lion"] = usesKernel => UpdateRules.Lion8Bit(Settings, usesKernel),
    };

    [TestMethod]
    [DataRow("AdamW", ScalarType.Float32, 64)]
    [DataRow("AdamW", ScalarType.Float32, 65)] // the last block is short
    [DataRow("AdamW", ScalarType.BFloat16, 65)]
    [DataRow("Adam", ScalarType.Float16, 65)]
    [DataRow("Lion", ScalarType.Float32, 65)]
    [DataRow("Lion", ScalarType.BFloat16, 64)]
    public void The_kernel_equals_the_operators(string rule, ScalarType type, int rows)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Generator rng = new(1);
        Tensor start = randn([rows, 67], generator: rng).to_type(type);
        Tensor[] weights = [start.clone().requires_grad_(), start.clone().requires_grad_()];
        using var kernel = new Optimizer(Trained.Of(weights[0]), Settings, Rules[rule](true));
        using var operators = new Optimizer(Trained.Of(weights[1]), Settings, Rules[rule](false));
        for (int step = 1; step <= 4; step++)
        {
            Tensor gradient = (randn([rows, 67], generator: rng) * step).to_type(type);
            foreach ((Optimizer optimizer, Tensor weight) in new[] { (kernel, weights[0]), (operators, weights[1]) })
            {
                weight.grad = gradient.clone();
                optimizer.Step(step, 0.01, gradientDivisor: 1.7);
            }
        }
        // a number that lies between two of the code may fall to either side by its last bit; of 4000 few do
        Tensor differ = (weights[0] - weights[1]).abs().to_type(ScalarType.Float32);
        double share = differ.gt(type == ScalarType.Float32 ? 1e-6 : 0.01).to_type(ScalarType.Float32).mean().item<float>();
        Close.Below(0.002, share, "share of weights that differ");
        Close.Above(0.005, (weights[0] - start).abs().mean().to_type(ScalarType.Float32).item<float>(), "they moved");
    }

    /// <summary>After one step the moments have not been rounded yet: it is that of float32, but for the order of operations.</summary>
    [TestMethod]
    [DataRow(OptimizerKind.AdamW8Bit, OptimizerKind.AdamW)]
    [DataRow(OptimizerKind.Adam8Bit, OptimizerKind.Adam)]
    [DataRow(OptimizerKind.Lion8Bit, OptimizerKind.Lion)]
    public void The_first_step_is_that_of_float32_and_further_ones_are_near(OptimizerKind kind, OptimizerKind wide)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Generator rng = new(1);
        Tensor start = randn([100, 100], generator: rng);
        Tensor[] weights = [start.clone().requires_grad_(), start.clone().requires_grad_()];
        using var narrow = new Optimizer(Trained.Of(weights[0]), Settings with { Kind = kind });
        using var reference = new Optimizer(Trained.Of(weights[1]), Settings with { Kind = wide });
        for (int step = 1; step <= 10; step++)
        {
            Tensor gradient = randn([100, 100], generator: rng);
            (weights[0].grad, weights[1].grad) = (gradient.clone(), gradient.clone());
            narrow.Step(step, 0.01, gradientDivisor: 1);
            reference.Step(step, 0.01, gradientDivisor: 1);
            if (step == 1)
                Close.Absolute(weights[1], weights[0], 2e-6, $"{kind} after one step");
        }
        Tensor off = (weights[0] - weights[1]).norm() / (weights[1] - start).norm();
        Close.Below(kind == OptimizerKind.Lion8Bit ? 0.3 : 0.05, off.item<float>(), $"{kind}, of the way after ten steps");
    }

    [TestMethod]
    [DataRow(OptimizerKind.AdamW8Bit, 0.30)]
    [DataRow(OptimizerKind.Adam8Bit, 0.30)]
    [DataRow(OptimizerKind.Lion8Bit, 0.15)]
    public void The_state_is_a_fraction_of_float32_Adams(OptimizerKind kind, double most)
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(256, 64, 2, 2, 64, dropout: 0), 1);
        long Bytes(OptimizerKind rule)
        {
            using var step = new GradientStep(ParameterRates.Of(model, [], new SftOptions()), new SftOptions { Optim = rule }, 1);
            return step.StateBytes;
        }
        Assert.AreEqual(8 * model.ParameterCount, Bytes(OptimizerKind.AdamW));
        Close.Below(most, Bytes(kind) / (double)Bytes(OptimizerKind.AdamW), $"{kind}");
    }

    [TestMethod]
    public void Small_tensors_keep_float32()
    {
        using var scope = NewDisposeScope();
        using var small = new Optimizer(Trained.Of(ones(4095).requires_grad_()), Settings with { Kind = OptimizerKind.AdamW8Bit });
        using var large = new Optimizer(Trained.Of(ones(4096).requires_grad_()), Settings with { Kind = OptimizerKind.AdamW8Bit });
        Assert.AreEqual((8 * 4095, 2 * (4096 + (16 * 4))), (small.StateBytes, large.StateBytes));
    }
}
