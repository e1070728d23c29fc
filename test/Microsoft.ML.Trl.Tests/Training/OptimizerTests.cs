using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class OptimizerTests
{
    [TestMethod]
    [DataRow("adamw", OptimizerKind.AdamW, 0.01, 0.1, 0.9, 0.999, 1e-8)]
    [DataRow("adamw_eps_betas", OptimizerKind.AdamW, 0.01, 0.0, 0.8, 0.95, 1e-6)]
    [DataRow("adam", OptimizerKind.Adam, 0.01, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adam_wd", OptimizerKind.Adam, 0.01, 0.1, 0.9, 0.999, 1e-8)]
    [DataRow("sgd", OptimizerKind.Sgd, 0.1, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("rmsprop", OptimizerKind.RmsProp, 0.01, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adagrad", OptimizerKind.Adagrad, 0.1, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adafactor_lr", OptimizerKind.Adafactor, 0.01, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adamw", OptimizerKind.AdamW8Bit, 0.01, 0.1, 0.9, 0.999, 1e-8)] // too small for 8 bits
    public void Six_steps_end_where_the_reference_ends(
        string name, OptimizerKind kind, double rate, double decay, double beta1, double beta2, double epsilon)
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("trajectories", "optimizers.safetensors");
        Tensor parameter = fixture["p0"].requires_grad_();
        SftOptions options = Plain with { Optim = kind, WeightDecay = decay, AdamBeta1 = beta1, AdamBeta2 = beta2, AdamEpsilon = epsilon };
        using var optimizer = new Optimizer(Trained.Of(parameter), options.UpdateSettings);
        using (no_grad())
            for (int step = 1; step <= 6; step++)
            {
                parameter.grad = fixture[$"grad{step - 1}"];
                optimizer.Step(step, rate, gradientDivisor: 1);
            }
        Close.Absolute(fixture[$"{name}.final"], parameter, 2e-6, $"optimizers {name}");
    }

    [TestMethod]
    public void The_norm_and_the_clipped_gradient_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("trajectories", "optimizers.safetensors");
        Tensor first = zeros(5, 3).requires_grad_(), second = zeros(7).requires_grad_();
        SftOptions clipping = Plain with { Optim = OptimizerKind.Sgd, MaxGradNorm = 1, LearningRate = 1 };
        using var step = new GradientStep(Trained.Of(first, second), clipping, 1);
        first.grad = fixture["clip.g0"];
        second.grad = fixture["clip.g1"];
        double expected = fixture["clip.total_norm"].item<float>();
        Close.Above(1, expected);
        Close.Relative(expected, step.Update(0), 1e-5, "optimizers clip.total_norm");
        // plain descent at rate 1 from 0 leaves minus the clipped gradient
        Close.Absolute(fixture["clip.out0"].neg(), first, 1e-6, "optimizers clip.out0");
        Close.Absolute(fixture["clip.out1"].neg(), second, 1e-6, "optimizers clip.out1");
    }

    [TestMethod]
    public void Every_rule_clips_by_the_divisor()
    {
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using Generator rng = new(3);
            Tensor start = randn([4, 5], generator: rng), gradient = randn([4, 5], generator: rng);
            Tensor divided = start.clone().requires_grad_(), given = start.clone().requires_grad_();
            using var one = new Optimizer(Trained.Of(divided), new UpdateSettings(kind));
            using var other = new Optimizer(Trained.Of(given), new UpdateSettings(kind));
            (divided.grad, given.grad) = (gradient.clone(), gradient / 8);
            one.Step(1, 0.1, gradientDivisor: 8);
            other.Step(1, 0.1, gradientDivisor: 1);
            Close.Absolute(given, divided, 1e-6, $"{kind}");
        }
    }

    [TestMethod]
    public void Biases_and_norms_do_not_decay()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(4, 4).requires_grad_(), bias = ones(4).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight, bias), Plain with { WeightDecay = 0.5, LearningRate = 0.1 }, 1);
        weight.grad = zeros(4, 4);
        bias.grad = zeros(4);
        step.Update(0);
        Close.Absolute(ones(4, 4) * 0.95f, weight, 1e-7);
        Close.Absolute(ones(4), bias, 0);
    }

    [TestMethod]
    public void Bfloat16_parameters_keep_what_a_step_is_too_small_to_show()
    {
        using var scope = NewDisposeScope();
        Tensor parameter = ones(8).to_type(ScalarType.BFloat16).requires_grad_();
        using var step = new GradientStep(Trained.Of(parameter), Plain with { Optim = OptimizerKind.Sgd, LearningRate = 1e-3 }, 10);
        for (int n = 0; n < 10; n++) // one step of 0.001 is below bfloat16's resolution of 0.0039 under 1; ten are not
        {
            step.Accumulate(parameter.sum());
            step.Update(0);
        }
        Close.Absolute(ones(8) * 0.99f, parameter, 0.002);
    }

    [TestMethod]
    public void Bfloat16_gradients_add_up_in_float32()
    {
        using var scope = NewDisposeScope();
        Tensor parameter = zeros(1).to_type(ScalarType.BFloat16).requires_grad_();
        using var step = new GradientStep(Trained.Of(parameter), Plain with { Optim = OptimizerKind.Sgd, LearningRate = 1e-9 }, 1);
        step.Accumulate((parameter * 256).sum());
        for (int n = 0; n < 100; n++)
            step.Accumulate((parameter * 0.5).sum()); // lost in a bfloat16 sum: 256 + 0.5 rounds to 256
        Close.Absolute(306, step.Update(0), 1e-3);
    }

    [TestMethod]
    public void Bfloat16_gradients_that_are_widened_in_pieces_change_every_weight()
    {
        using var scope = NewDisposeScope();
        Tensor large = zeros(5, 1 << 20).to_type(ScalarType.BFloat16).requires_grad_(); // 5 M numbers; a piece has 4 M at most
        Tensor small = zeros(3).to_type(ScalarType.BFloat16).requires_grad_();
        Tensor scalar = zeros([]).to_type(ScalarType.BFloat16).requires_grad_();
        using var step = new GradientStep(Trained.Of(large, small, scalar), Plain with { Optim = OptimizerKind.Sgd, LearningRate = 1 }, 1);
        for (int n = 0; n < 2; n++)
            step.Accumulate(large.sum() + (small * 2).sum() + scalar);
        Close.Relative(Math.Sqrt((4.0 * large.NumberOfElements) + (3 * 16) + 4), step.Update(0), 1e-6, "norm");
        Close.Absolute(full(5, 1 << 20, -2f), large, 0);
        Close.Absolute(full(3, -4f), small, 0);
        Close.Absolute(tensor(-2f), scalar, 0);
    }

    [TestMethod]
    public void A_parameter_without_a_gradient_stays()
    {
        using var scope = NewDisposeScope();
        Tensor used = ones(3).requires_grad_(), unused = ones(3).requires_grad_();
        using var step = new GradientStep(Trained.Of(used, unused), Plain with { LearningRate = 0.1 }, 1);
        step.Accumulate(used.sum());
        step.Update(0);
        Close.Absolute(ones(3), unused, 0);
        Close.Absolute(ones(3) * 0.9f, used, 1e-6);
    }

    /// <summary>As an expert that no token went to: in the reference, where all experts are one tensor, its gradient is 0.</summary>
    [TestMethod]
    public void A_parameter_that_had_a_gradient_moves_on_by_its_momentum()
    {
        using var scope = NewDisposeScope();
        Tensor first = ones(1).requires_grad_(), second = ones(1).requires_grad_();
        using var step = new GradientStep(Trained.Of(first, second), Plain with { LearningRate = 0.1 }, 3);
        step.Accumulate((first * 3).sum() + second.sum());
        step.Update(0);
        step.Accumulate(second.sum());
        Close.Absolute(1, step.Update(0), 1e-6, "norm of the gradients that there are");
        // moments 0.1 · 3 and 0.001 · 9 once, then 0.9 and 0.999 of them, each over its bias correction
        double mean = 0.9 * 0.3 / (1 - 0.81), square = 0.999 * 0.009 / (1 - (0.999 * 0.999));
        Close.Absolute(1 - 0.1 - (0.1 * mean / Math.Sqrt(square)), first.item<float>(), 1e-6, "momentum");
    }

    [TestMethod]
    public void Lion_moves_by_the_sign_of_its_mean_and_the_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor weight = tensor([1f, -2f, 0.5f, 0f]).view(2, 2).requires_grad_();
        double[] weights = [1, -2, 0.5, 0], means = [0, 0, 0, 0], gradients = [3, -0.5, 0, 1e-3];
        using var step = new GradientStep(
            Trained.Of(weight), Plain with { Optim = OptimizerKind.Lion, LearningRate = 0.1, WeightDecay = 0.2, AdamBeta2 = 0.99 }, 5);
        for (int n = 0; n < 5; n++)
        {
            for (int i = 0; i < 4; i++)
            {
                double gradient = n == 2 ? -gradients[i] : gradients[i];
                weights[i] -= 0.1 * (Math.Sign((0.9 * means[i]) + (0.1 * gradient)) + (0.2 * weights[i]));
                means[i] = (0.99 * means[i]) + (0.01 * gradient);
            }
            weight.grad = (tensor(gradients).to_type(ScalarType.Float32) * (n == 2 ? -1 : 1)).view(2, 2);
            step.Update(0);
        }
        Close.Absolute(tensor(weights).view(2, 2), weight, 1e-6, "Algorithm 2 by hand");
    }

    /// <summary>Rows and columns of a matrix that goes in several parts, against the formulas in one piece and in float64.</summary>
    [TestMethod]
    public void Adafactor_in_parts_equals_its_formulas_on_the_whole_matrix()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Generator rng = new(5);
        Tensor start = randn([700, 800], generator: rng), weight = start.clone().requires_grad_(); // 560 000 numbers, three parts
        Tensor expected = start.to_type(ScalarType.Float64);
        Tensor rows = zeros(700, ScalarType.Float64), columns = zeros(800, ScalarType.Float64);
        using var optimizer = new Optimizer(Trained.Of(weight), new UpdateSettings(OptimizerKind.Adafactor) { WeightDecay = 0.1 });
        for (int number = 1; number <= 3; number++)
        {
            Tensor gradient = randn([700, 800], generator: rng) * number;
            double old = 1 - Math.Pow(number, -0.8);
            Tensor wide = gradient.to_type(ScalarType.Float64) / 2, squares = wide.square() + 1e-30;
            rows = (rows * old) + (squares.mean([1]) * (1 - old));
            columns = (columns * old) + (squares.mean([0]) * (1 - old));
            Tensor update = wide / (rows.unsqueeze(1) * columns.unsqueeze(0) / rows.mean()).sqrt();
            update /= Math.Max(1, update.square().mean().sqrt().item<double>());
            expected = (expected * (1 - (0.01 * 0.1))) - (update * 0.01);
            weight.grad = gradient;
            optimizer.Step(number, 0.01, gradientDivisor: 2);
        }
        Close.Absolute(expected, weight, 2e-6, "Adafactor");
        Assert.AreEqual((700 + 800) * sizeof(float), optimizer.StateBytes);
    }

    private static SftOptions Plain => new() { LrSchedulerType = LrSchedulerType.Constant, MaxGradNorm = 0 };
}
