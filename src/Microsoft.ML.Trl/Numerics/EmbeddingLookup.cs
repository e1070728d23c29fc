using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Rows of a table by their ids. The backward pass adds to the table's gradient in place: a table as large as a vocabulary is never copied
/// for the few rows that a batch reads.
/// </summary>
internal sealed class EmbeddingLookup : autograd.SingleTensorFunction<EmbeddingLookup>
{
    public override string Name => nameof(EmbeddingLookup);

    /// <summary>The rows.</summary>
    /// <param name="table">[V, H].</param>
    /// <param name="ids">[N] int64, each in [0, V).</param>
    /// <returns>[N, H], differentiable by the table. The caller owns it.</returns>
    public static Tensor Rows(Tensor table, Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        bool direct = is_grad_enabled() && table.requires_grad && table.is_leaf;
        return (direct ? apply(table, ids) : table.index_select(0, ids)).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var (table, ids) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([table, ids]);
        return table.index_select(0, ids).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor table = saved[0];
        if (table.grad is null)
            table.grad = zeros_like(table.detach());
        table.grad!.index_add_(0, saved[1], grad_output, 1);
        return HandedGradients.Hand(grad_output, null, null); // the table's gradient is already where it belongs
    }
}
