using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class AutogradTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Gradients_agree_with_finite_differences()
    {
        Check.Gradient(x => (x * x.exp() / (1 + x.pow(2))).sum(), 0.3, -1.2, 2);
        Check.Gradient(x => x.log_softmax(0)[1], 0.3, -1.2, 2);
        Check.Gradient(x => x.view(2, 2).matmul(x.view(2, 2)).tanh().mean(), 0.1, 0.2, 0.3, 0.4);
        Check.Gradient(x => cat([x, x.flip(0)]).sigmoid().cumsum(0).gather(0, tensor(new[] { 2L })).sum(), 0.5, -0.5);
    }

    [TestMethod]
    public void Gradients_accumulate_and_can_be_set_and_cleared()
    {
        Tensor x = tensor(new[] { 2.0 }, requires_grad: true);
        Assert.IsNull(x.grad);
        (3 * x).sum().backward();
        autograd.backward(x * x, tensor(new[] { 1.0 }));
        Check.Values(x.grad, 7);
        x.grad = null;
        Assert.IsNull(x.grad);
        x.grad = tensor(new[] { 5.0 });
        Check.Values(x.grad, 5);
    }

    [TestMethod]
    public void Modes_switch_recording_and_come_back()
    {
        Tensor x = ones(1, requires_grad: true);
        using (no_grad())
        {
            Assert.IsFalse(is_grad_enabled() || (x * 2).requires_grad);
            using (enable_grad())
                Assert.IsTrue((x * 2).requires_grad);
            Assert.IsFalse(is_grad_enabled());
        }
        using (inference_mode())
            Assert.IsTrue(is_inference_mode_enabled() && !(x * 2).requires_grad);
        using (set_grad_enabled(false))
            Assert.IsFalse(is_grad_enabled());
        Assert.IsTrue(is_grad_enabled() && (x * 2).requires_grad && !(x * 2).is_leaf && x.is_leaf);
        Assert.IsFalse((x * 2).detach().requires_grad);
    }

    [TestMethod]
    public void A_graph_is_used_once_unless_it_is_kept()
    {
        Tensor x = tensor(3.0, requires_grad: true), y = x * x;
        autograd.backward(y, retain_graph: true);
        autograd.backward(y);
        Check.Values(x.grad, 12);
        StringAssert.Contains(Assert.ThrowsExactly<ExternalException>(() => y.backward()).Message, "second time");
    }

    [TestMethod]
    public void Higher_derivatives_and_inner_gradients()
    {
        Tensor x = tensor(2.0, requires_grad: true), y = x.pow(3);
        Tensor first = autograd.grad([y], [x], create_graph: true)[0];
        Check.Values(first, 12);
        Check.Values(autograd.grad([first], [x])[0], 12);
        Tensor inner = x * 2;
        inner.retain_grad();
        (inner * inner).backward();
        Check.Values(inner.grad, 8);
        Tensor unused = tensor(1.0, requires_grad: true);
        Assert.IsTrue(autograd.grad([x * 1], [unused], allow_unused: true)[0].IsInvalid);
    }

    private sealed class Cube : autograd.SingleTensorFunction<Cube>
    {
        public override string Name => nameof(Cube);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Tensor x = (Tensor)vars[0];
            ctx.save_for_backward([x]);
            ctx.save_data("scale", vars[1]);
            return (double)vars[1] * x * x * x;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = ctx.get_saved_variables()[0];
            return [(grad_output * 3.0 * (double)ctx.get_data("scale") * x * x).MoveToOuterDisposeScope(), null!];
        }
    }

    [TestMethod]
    public void A_custom_function_has_the_gradient_it_says()
    {
        Check.Gradient(x => (Cube.apply(x, 2.0) * x).sum(), 0.5, -1.5);
        Assert.IsFalse(Cube.apply(ones(1), 1.0).requires_grad);
        using (no_grad())
            Assert.IsFalse(Cube.apply(ones(1, requires_grad: true), 1.0).requires_grad);
    }

    [TestMethod]
    public void A_custom_function_of_custom_operations_differentiates_twice()
    {
        Tensor x = tensor(2.0, requires_grad: true);
        Tensor first = autograd.grad([Cube.apply(x, 1.0)], [x], create_graph: true)[0];
        Check.Values(autograd.grad([first], [x])[0], 12);
    }

    private sealed class Parts : autograd.MultiTensorFunction<Parts>
    {
        public override string Name => nameof(Parts);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Tensor x = (Tensor)vars[0], y = (Tensor)vars[1], sign = x.sign(), product = x * y;
            ctx.mark_non_differentiable([sign]);
            ctx.save_for_backward([x, null!, y, product]);
            return [product, x + y, sign];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Assert.IsNull(saved[1]);
            Check.Values(saved[3], 6);
            return [grad_outputs[0] * saved[2] + grad_outputs[1], grad_outputs[0] * saved[0] + grad_outputs[1]];
        }
    }

    [TestMethod]
    public void A_function_of_many_tensors_gets_zeros_for_outputs_nobody_used()
    {
        Tensor x = tensor(2.0, requires_grad: true), y = tensor(3.0, requires_grad: true);
        List<Tensor> outputs = Parts.apply(x, y);
        Assert.IsFalse(outputs[2].requires_grad);
        outputs[0].backward();
        Check.Values(x.grad, 3);
        Check.Values(y.grad, 2);
    }

    private sealed class Doubling : autograd.SingleTensorFunction<Doubling>
    {
        public override string Name => nameof(Doubling);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Tensor x = (Tensor)vars[0];
            ctx.mark_dirty([x]);
            return x.mul_(2);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * 2];
    }

    [TestMethod]
    public void A_function_may_work_in_place()
    {
        Tensor x = tensor(1.5, requires_grad: true), y = x * 3;
        Tensor z = Doubling.apply(y);
        Check.Values(y, 9);
        (z * z).backward();
        Check.Values(x.grad, 2 * 9 * 6);
    }

    private sealed class Failing : autograd.SingleTensorFunction<Failing>
    {
        public override string Name => nameof(Failing);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => throw new InvalidOperationException("no gradient today");
    }

    [TestMethod]
    public void An_exception_in_a_backward_pass_ends_that_pass_alone()
    {
        Tensor x = ones(1, requires_grad: true);
        ExternalException thrown = Assert.ThrowsExactly<ExternalException>(() => Failing.apply(x).sum().backward());
        StringAssert.Contains(thrown.Message, "Failing: InvalidOperationException: no gradient today");
        Cube.apply(x, 1.0).sum().backward();
        Check.Values(x.grad, 3);
    }

    /// <summary>Runs its body again in the backward pass instead of keeping what it made.</summary>
    private sealed class Recomputed : autograd.SingleTensorFunction<Recomputed>
    {
        public override string Name => nameof(Recomputed);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0]]);
            return Body((Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = ctx.get_saved_variables()[0].detach().requires_grad_();
            using (enable_grad())
                autograd.backward(Body(x), grad_output);
            return [x.grad.MoveToOuterDisposeScope()];
        }

        private static Tensor Body(Tensor x) => (x.sin() * x).exp();
    }

    [TestMethod]
    public void A_backward_pass_may_run_another_one()
    {
        Check.Gradient(x => Recomputed.apply(Recomputed.apply(x)).sum(), 0.3, -0.2);
    }

    [TestMethod]
    public void Saved_tensors_die_with_their_graph()
    {
        long before = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            Tensor x = ones(1, requires_grad: true);
            Cube.apply(Cube.apply(x, 1.0), 1.0).sum().backward();
        }
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    private sealed class Keeping : autograd.SingleTensorFunction<Keeping>
    {
        public static Tensor? Kept;

        public override string Name => nameof(Keeping);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => (Tensor)vars[0] * 2;

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            Kept = ones(1);
            return [grad_output * 2];
        }
    }

    [TestMethod]
    public void Gradients_are_let_go_and_what_a_backward_pass_keeps_is_kept()
    {
        using (DisposeScope scope = NewDisposeScope())
        {
            Tensor y = Keeping.apply(ones(1, requires_grad: true)).sum();
            int before = scope.DisposablesCount;
            y.backward();
            Assert.IsTrue(scope.Contains(Keeping.Kept));
            Assert.AreEqual(before + 1, scope.DisposablesCount);
        }
        Assert.IsTrue(Keeping.Kept!.IsInvalid);
    }
}
