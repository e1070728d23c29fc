using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>A matrix [N, K] that is not trained, whatever form it has.</summary>
internal interface IConstantMatrix
{
    /// <summary>x·Wᵀ + bias, without gradient.</summary>
    /// <param name="x">[M, K] of any floating type.</param>
    /// <param name="bias">[N] of x's type, or null.</param>
    /// <returns>[M, N] of x's type. The caller owns it.</returns>
    Tensor Multiply(Tensor x, Tensor? bias);

    /// <summary>upstream·W, without gradient; must not throw.</summary>
    /// <param name="upstream">[M, N].</param>
    /// <returns>[M, K] of the same type. The caller owns it.</returns>
    Tensor MultiplyBack(Tensor upstream);
}

/// <summary>
/// A product with a matrix that is not trained as one node of the autograd graph, which holds no tensor for it: the backward pass asks the
/// matrix again. Inputs: x [M, K], the matrix, and the bias [N] if there is one.
/// </summary>
internal sealed class ConstantProduct : autograd.SingleTensorFunction<ConstantProduct>
{
    public override string Name => nameof(ConstantProduct);

    /// <summary>x·Wᵀ + bias.</summary>
    /// <param name="x">[M, K].</param>
    /// <param name="matrix">Must live as long as the graph.</param>
    /// <param name="bias">[N] of x's type, or null.</param>
    /// <returns>[M, N], differentiable by x and the bias. The caller owns it.</returns>
    public static Tensor Of(Tensor x, IConstantMatrix matrix, Tensor? bias) =>
        bias is null ? apply(x, matrix) : apply(x, matrix, bias);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var (x, matrix) = ((Tensor)vars[0], (IConstantMatrix)vars[1]);
        Tensor? bias = vars.Length > 2 ? (Tensor)vars[2] : null;
        ctx.save_data(nameof(Needs), new Needs(matrix, x.requires_grad, bias?.requires_grad));
        return matrix.Multiply(x.detach(), bias?.detach()).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        var needs = (Needs)ctx.get_data(nameof(Needs));
        Tensor? x = needs.X ? needs.Matrix.MultiplyBack(grad_output.detach()) : null;
        Tensor? bias = needs.Bias == true ? grad_output.sum([0L]) : null;
        return needs.Bias is null ? HandedGradients.Hand(grad_output, x, null) : HandedGradients.Hand(grad_output, x, null, bias);
    }

    /// <param name="Matrix">The matrix.</param>
    /// <param name="X">Whether x needs a gradient.</param>
    /// <param name="Bias">Whether the bias does; null = there is none.</param>
    private sealed record Needs(IConstantMatrix Matrix, bool X, bool? Bias);
}
