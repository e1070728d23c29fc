using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Differentiable GELU in tanh form that keeps nothing but its input.</summary>
internal sealed class GeluFunction : autograd.SingleTensorFunction<GeluFunction>
{
    public override string Name => nameof(GeluFunction);

    /// <summary>Applies the kernel; records it when gradients are wanted.</summary>
    /// <param name="x">Usable by the kernels.</param>
    public static Tensor Of(Tensor x) => is_grad_enabled() && x.requires_grad ? apply(x) : Run(x);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor x = (Tensor)vars[0];
        ctx.save_for_backward([x]);
        return Run(x);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        Tensor x = ctx.get_saved_variables()[0];
        Tensor slope = grad_output.contiguous();
        Tensor result = empty_like(slope);
        unsafe
        {
            GeluKernel.Backward(HostMemory.PointerTo(x), HostMemory.PointerTo(slope), HostMemory.PointerTo(result), x.NumberOfElements);
        }
        return HandedGradients.Hand(grad_output, result);
    }

    private static unsafe Tensor Run(Tensor x)
    {
        Tensor y = empty_like(x);
        GeluKernel.Forward(HostMemory.PointerTo(x), HostMemory.PointerTo(y), x.NumberOfElements);
        return y;
    }
}
