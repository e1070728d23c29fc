using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class ParameterUpdateTests
{
    [TestMethod]
    [DataRow("adamw", OptimizerKind.AdamW, 0.01, 0.1, 0.9, 0.999, 1e-8)]
    [DataRow("adamw_eps_betas", OptimizerKind.AdamW, 0.01, 0.0, 0.8, 0.95, 1e-6)]
    [DataRow("adam", OptimizerKind.Adam, 0.01, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adam_wd", OptimizerKind.Adam, 0.01, 0.1, 0.9, 0.999, 1e-8)]
    [DataRow("sgd", OptimizerKind.Sgd, 0.1, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("rmsprop", OptimizerKind.RmsProp, 0.01, 0.0, 0.9, 0.999, 1e-8)]
    [DataRow("adagrad", OptimizerKind.Adagrad, 0.1, 0.0, 0.9, 0.999, 1e-8)]
    public void Six_steps_end_where_the_reference_ends(string name, OptimizerKind kind, double rate, double decay, double beta1, double beta2, double epsilon)
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("trajectories", "optimizers.safetensors");
        var settings = new OptimizerSettings(kind, decay, beta1, beta2, epsilon);
        bool fused = kind is OptimizerKind.Adam or OptimizerKind.AdamW;
        foreach (Func<Tensor[], IParameterUpdate> rule in new Func<Tensor[], IParameterUpdate>[] { all => new TensorUpdate(all, settings), all => ParameterUpdates.Create(all, settings) })
        {
            Tensor parameter = fixture["p0"].requires_grad_();
            using IParameterUpdate update = rule([parameter]);
            using (no_grad())
                for (int step = 1; step <= 6; step++)
                {
                    parameter.grad = fixture[$"grad{step - 1}"];
                    update.Apply(step, rate, gradientScale: 1);
                }
            Close.Absolute(fixture[$"{name}.final"], parameter, 2e-6, $"optimizers {name} {update.GetType().Name}");
            Assert.AreEqual(fused, ParameterUpdates.Create([parameter], settings) is FusedAdam);
        }
    }

    [TestMethod]
    public void The_norm_and_the_clipped_gradient_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("trajectories", "optimizers.safetensors");
        Tensor first = zeros(5, 3).requires_grad_(), second = zeros(7).requires_grad_();
        var settings = new OptimizerSettings(OptimizerKind.Sgd, MaxGradNorm: 1);
        using var step = new GradientStep([first, second], settings, LearningRateSchedule.Constant(1));
        first.grad = fixture["clip.g0"];
        second.grad = fixture["clip.g1"];
        double expected = fixture["clip.total_norm"].item<float>();
        Close.Above(1, expected);
        Close.Relative(expected, step.Step(0), 1e-5, "optimizers clip.total_norm");
        Close.Absolute(fixture["clip.out0"].neg(), first, 1e-6, "optimizers clip.out0"); // plain descent at rate 1 from 0 leaves minus the clipped gradient
        Close.Absolute(fixture["clip.out1"].neg(), second, 1e-6, "optimizers clip.out1");
    }

    [TestMethod]
    public void The_fused_pass_and_tensor_operations_agree_on_odd_sizes_and_both_threads()
    {
        using var scope = NewDisposeScope();
        int threads = get_num_threads();
        foreach (OptimizerKind kind in new[] { OptimizerKind.AdamW, OptimizerKind.Adam })
        {
            var settings = new OptimizerSettings(kind, WeightDecay: 0.1);
            Tensor[] start = [randn(300, 301), randn(7), randn(1, 1)];
            Tensor[] fast = [.. start.Select(tensor => tensor.clone().requires_grad_())], slow = [.. start.Select(tensor => tensor.clone().requires_grad_())];
            using var one = new FusedAdam(fast, settings);
            using var other = new TensorUpdate(slow, settings);
            using (no_grad())
                for (int step = 1; step <= 5; step++)
                {
                    set_num_threads(step % 2 + 1);
                    for (int index = 0; index < start.Length; index++)
                        fast[index].grad = slow[index].grad = randn_like(start[index]);
                    Close.Relative(other.GradientNorm(), one.GradientNorm(), 1e-5);
                    one.Apply(step, 0.01, 0.5);
                    other.Apply(step, 0.01, 0.5);
                }
            set_num_threads(threads);
            for (int index = 0; index < start.Length; index++)
                Close.Absolute(slow[index], fast[index], 1e-6, $"{kind} {index}");
        }
    }

    [TestMethod]
    public void Biases_and_norms_do_not_decay()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(4, 4).requires_grad_(), bias = ones(4).requires_grad_();
        using var step = new GradientStep([weight, bias], new OptimizerSettings(WeightDecay: 0.5), LearningRateSchedule.Constant(0.1));
        weight.grad = zeros(4, 4);
        bias.grad = zeros(4);
        step.Step(0);
        Close.Absolute(ones(4, 4) * 0.95f, weight, 1e-7);
        Close.Absolute(ones(4), bias, 0);
    }

    [TestMethod]
    public void Bfloat16_parameters_keep_what_a_step_is_too_small_to_show()
    {
        using var scope = NewDisposeScope();
        Tensor parameter = ones(8).to_type(ScalarType.BFloat16).requires_grad_();
        using var step = new GradientStep([parameter], new OptimizerSettings(OptimizerKind.Sgd), LearningRateSchedule.Constant(1e-3));
        for (int n = 0; n < 10; n++) // one step of 0.001 is below bfloat16's resolution of 0.0039 under 1; ten are not
        {
            parameter.grad = ones(8).to_type(ScalarType.BFloat16);
            step.Step(0);
        }
        Close.Absolute(ones(8) * 0.99f, parameter, 0.002);
    }

    [TestMethod]
    public void A_gradient_that_is_not_laid_out_row_by_row_is_read_right()
    {
        using var scope = NewDisposeScope();
        Tensor gradient = randn(6, 5);
        Tensor fast = zeros(5, 6).requires_grad_(), slow = zeros(5, 6).requires_grad_();
        using var one = new FusedAdam([fast], new OptimizerSettings());
        using var other = new TensorUpdate([slow], new OptimizerSettings());
        using var noGrad = no_grad();
        fast.grad = slow.grad = gradient.transpose(0, 1);
        one.Apply(1, 0.1, 1);
        other.Apply(1, 0.1, 1);
        Close.Absolute(slow, fast, 1e-6);
    }
}
