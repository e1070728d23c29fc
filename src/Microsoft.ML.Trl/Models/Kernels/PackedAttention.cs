using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Differentiable attention over queries, keys and values that lie side by side, as GPT-2 projects them. Keeps its input and one number per query.</summary>
internal sealed class PackedAttention : autograd.SingleTensorFunction<PackedAttention>
{
    private const string ShapeKey = "shape";

    public override string Name => nameof(PackedAttention);

    /// <param name="packed">[B·T, 3·h·d], usable by the kernels.</param>
    /// <param name="shape">Sizes; no past, as many key heads as query heads.</param>
    /// <returns>[B·T, h·d]. The caller owns it.</returns>
    public static Tensor Of(Tensor packed, AttentionShape shape) =>
        is_grad_enabled() && packed.requires_grad ? apply(packed, shape) : Run(packed, shape, null);

    /// <summary>The same over keys and values in a cache, which holds the new ones already. Without gradients.</summary>
    /// <param name="packed">[B·T, 3·h·d], usable by the kernels; only the queries are read.</param>
    /// <param name="cache">Its memory is usable by the kernels.</param>
    /// <param name="layer">Number of the block.</param>
    /// <param name="shape">Sizes, with the past.</param>
    /// <returns>[B·T, h·d]. The caller owns it.</returns>
    public static unsafe Tensor OverCache(Tensor packed, KeyValueCache cache, int layer, AttentionShape shape)
    {
        Tensor output = empty(new long[] { packed.shape[0], shape.Heads * shape.HeadSize }, ScalarType.Float32);
        nint head = (nint)cache.Capacity * shape.HeadSize;
        HeadView Room(Tensor room) => new(HostMemory.PointerTo(room), shape.SharedHeads * head, shape.HeadSize, head);
        AttentionKernel.Forward(shape, Part(packed, shape, 0), Room(cache.KeyRoom(layer)), Room(cache.ValueRoom(layer)), Whole(output, shape), null);
        return output;
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor packed, AttentionShape shape) = ((Tensor)vars[0], (AttentionShape)vars[1]);
        Tensor logSums = empty(new long[] { shape.Batch, shape.Heads, shape.Length }, ScalarType.Float32);
        ctx.save_data(ShapeKey, shape);
        ctx.save_for_backward([packed, logSums]);
        return Run(packed, shape, logSums);
    }

    public override unsafe List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        AttentionShape shape = (AttentionShape)ctx.get_data(ShapeKey);
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor slope = grad_output.contiguous();
        Tensor result = empty_like(saved[0]);
        AttentionKernel.Backward(
            shape, Part(saved[0], shape, 0), Part(saved[0], shape, 1), Part(saved[0], shape, 2), HostMemory.PointerTo(saved[1]),
            Whole(slope, shape), Part(result, shape, 0), Part(result, shape, 1), Part(result, shape, 2));
        return HandedGradients.Hand(grad_output, result, null);
    }

    private static unsafe Tensor Run(Tensor packed, AttentionShape shape, Tensor? logSums)
    {
        Tensor output = empty(new long[] { packed.shape[0], shape.Heads * shape.HeadSize }, ScalarType.Float32);
        AttentionKernel.Forward(
            shape, Part(packed, shape, 0), Part(packed, shape, 1), Part(packed, shape, 2), Whole(output, shape), logSums is null ? null : HostMemory.PointerTo(logSums));
        return output;
    }

    /// <summary>Queries (0), keys (1) or values (2).</summary>
    private static unsafe HeadView Part(Tensor packed, AttentionShape shape, int part)
    {
        nint width = shape.Heads * shape.HeadSize;
        return new HeadView(HostMemory.PointerTo(packed) + (part * width), shape.Length * 3 * width, 3 * width, shape.HeadSize);
    }

    private static unsafe HeadView Whole(Tensor tensor, AttentionShape shape)
    {
        nint width = shape.Heads * shape.HeadSize;
        return new HeadView(HostMemory.PointerTo(tensor), shape.Length * width, width, shape.HeadSize);
    }
}
