using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The projections of a residual stream to queries, keys and values, however a checkpoint packs them.</summary>
internal abstract class QueryKeyValue
{
    /// <summary>The layers, under their names in the checkpoint.</summary>
    public abstract IReadOnlyList<ILinear> Layers { get; }

    /// <param name="x">[N, H].</param>
    /// <returns>[N, h·d] queries, [N, kv·d] keys and values, in the current scope.</returns>
    public abstract (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x);
}

/// <summary>A layer for each of the three.</summary>
internal sealed class SeparateProjections(ILinear queries, ILinear keys, ILinear values) : QueryKeyValue
{
    public override IReadOnlyList<ILinear> Layers { get; } = [queries, keys, values];

    public override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x) =>
        (queries.Forward(x), keys.Forward(x), values.Forward(x));
}

/// <summary>One layer that gives all queries, then all keys, then all values.</summary>
/// <param name="layer">[H] to [(h + 2 kv) d].</param>
/// <param name="wide">h·d.</param>
/// <param name="narrow">kv·d.</param>
internal sealed class PackedProjection(ILinear layer, long wide, long narrow) : QueryKeyValue
{
    public override IReadOnlyList<ILinear> Layers { get; } = [layer];

    public override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x)
    {
        Tensor[] parts = layer.Forward(x).split([wide, narrow, narrow], 1); // gradients come back in one piece
        return (parts[0], parts[1], parts[2]);
    }
}

/// <summary>One layer that gives, for each head of keys and values, its queries, its key and its value.</summary>
/// <param name="layer">[H] to [kv (h / kv + 2) d].</param>
/// <param name="shape">Sizes.</param>
internal sealed class InterleavedProjection(ILinear layer, AttentionShape shape) : QueryKeyValue
{
    public override IReadOnlyList<ILinear> Layers { get; } = [layer];

    public override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x)
    {
        long group = shape.Heads / shape.KeyValueHeads;
        Tensor packed = layer.Forward(x).view(-1, shape.KeyValueHeads, group + 2, shape.HeadSize);
        Tensor[] parts = packed.split([group, 1, 1], 2);
        Tensor Flat(Tensor part) => part.reshape(packed.shape[0], -1);
        return (Flat(parts[0]), Flat(parts[1]), Flat(parts[2]));
    }
}
