using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>What <see cref="RelativePositions"/> learn: a number per bucket of distances and head.</summary>
internal sealed class RelativeBias : nn.Module
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public RelativeBias(WeightPath at, long buckets, long heads, Initializer initializer) : base(at.Name) =>
        register_parameter("weight", _weight = at.Take("weight", initializer, buckets, heads));

    /// <summary>[buckets, h]. The module owns it.</summary>
    public Parameter Weight => _weight;
}

/// <summary>
/// Relative positions of T5: a learned number is added to the scores of each head, which depends on the distance of key and query alone.
/// Near distances have one each, farther ones share them in logarithmic steps: arXiv:1910.10683, section 2.1. One for all blocks.
/// </summary>
/// <param name="weight">Gives the numbers, [buckets, h]; a <see cref="RelativeBias"/> of the first block owns them.</param>
/// <param name="farthest">From this distance on all share one.</param>
/// <param name="seesAhead">Whether keys may stand behind the query, which have half of the buckets then.</param>
internal sealed class RelativePositions(Func<Tensor> weight, int farthest, bool seesAhead) : Positions("")
{
    public override bool HasBias => true;

    public override void Prepare(AttentionPattern pattern) => Numbers(pattern);

    public override Tensor Bias(AttentionPattern pattern, ScalarType type) => Numbers(pattern).to_type(type); // [1, h, T, S]

    /// <summary>[1, h, T, S] in the type of the weight.</summary>
    private Tensor Numbers(AttentionPattern pattern) => pattern.Once(this, () =>
    {
        Tensor table = weight();
        Device device = table.device;
        Tensor queries = arange(pattern.Past, pattern.Past + pattern.Length, ScalarType.Int64, device).unsqueeze(-1); // [T, 1]
        Tensor keys = arange(pattern.Past + pattern.Length, ScalarType.Int64, device);                               // [S]
        Tensor buckets = Buckets(keys - queries);                                                                    // [T, S]
        Tensor numbers = table.index_select(0, buckets.flatten()).view(pattern.Length, keys.shape[0], -1);      // [T, S, h]
        return [numbers.permute(2, 0, 1).unsqueeze(0).contiguous()];
    })[0];

    /// <summary>The bucket of each distance.</summary>
    /// <param name="distances">Any shape: place of the key less that of the query, int64.</param>
    /// <returns>The same shape, int64, in the current scope.</returns>
    public Tensor Buckets(Tensor distances)
    {
        long count = weight().shape[0];
        if (seesAhead)
            count /= 2;
        Tensor first = seesAhead ? distances.gt(0).to_type(ScalarType.Int64) * count : zeros_like(distances);
        Tensor far = seesAhead ? distances.abs() : distances.neg().clamp_min(0);
        long near = count / 2; // distances below have a bucket of their own
        Tensor steps = (far.to_type(ScalarType.Float32) / near).log() / Math.Log(farthest / (double)near) * (count - near);
        Tensor shared = (steps.clamp_min(0).to_type(ScalarType.Int64) + near).clamp_max(count - 1); // of 0 the logarithm is none
        return first + where(far.lt(near), far, shared);
    }
}
