using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

/// <summary>Six steps on given gradients, against PyTorch's optimizers.</summary>
[TestClass]
public sealed class OptimReferenceTests
{
    [TestMethod]
    public void adamw() => Check("adamw", p => optim.AdamW(p, 0.01, weight_decay: 0.1));

    [TestMethod]
    public void adamw_with_other_betas_and_no_decay() => Check("adamw_eps_betas", p => optim.AdamW(p, 0.01, 0.8, 0.95, 1e-6));

    [TestMethod]
    public void adamw_with_amsgrad() => Check("adamw_amsgrad", p => optim.AdamW(p, 0.01, weight_decay: 0.01, amsgrad: true));

    [TestMethod]
    public void adam() => Check("adam", p => optim.Adam(p, 0.01));

    [TestMethod]
    public void adam_with_weight_decay() => Check("adam_wd", p => optim.Adam(p, 0.01, weight_decay: 0.1));

    [TestMethod]
    public void sgd() => Check("sgd", p => optim.SGD(p, 0.1));

    [TestMethod]
    public void sgd_with_nesterov_momentum() =>
        Check("sgd_mom_nesterov", p => optim.SGD(p, 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true));

    [TestMethod]
    public void rmsprop() => Check("rmsprop", p => optim.RMSProp(p, 0.01));

    [TestMethod]
    public void adagrad() => Check("adagrad", p => optim.Adagrad(p, 0.1));

    [TestMethod]
    public void clipping_by_norm()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> reference = NNSupport.Reference("trajectories", "optimizers.safetensors");
        Parameter first = WithGradient(reference["clip.g0"]), second = WithGradient(reference["clip.g1"]);

        double before = nn.utils.clip_grad_norm_([first, second], max_norm: 1);

        Assert.AreEqual(reference["clip.total_norm"].item<float>(), before, 1e-5);
        NNSupport.Near(reference["clip.out0"], first.grad!);
        NNSupport.Near(reference["clip.out1"], second.grad!);
    }

    private static void Check(string name, Func<IEnumerable<Parameter>, optim.Optimizer> make)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> reference = NNSupport.Reference("trajectories", "optimizers.safetensors");
        Parameter parameter = new(reference["p0"].clone());
        using optim.Optimizer optimizer = make([parameter]);
        for (int step = 0; step < 6; step++)
        {
            parameter.grad = reference[$"grad{step}"];
            optimizer.step();
        }
        NNSupport.Near(reference[$"{name}.final"], parameter, 2e-6);
    }

    private static Parameter WithGradient(Tensor gradient) => new(zeros_like(gradient)) { grad = gradient.clone() };
}
