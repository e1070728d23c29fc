using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One learned row per token.</summary>
internal sealed class TokenEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    private readonly double _factor;

    /// <param name="at">Place in the checkpoint.</param>
    /// <param name="tokens">V.</param>
    /// <param name="width">H.</param>
    /// <param name="initializer">How fresh rows are drawn.</param>
    /// <param name="factor">Of the rows that are read.</param>
    public TokenEmbedding(WeightPath at, long tokens, long width, Initializer initializer, double factor = 1)
        : base(at.Name)
    {
        _factor = factor;
        register_parameter("weight", _weight = at.Take("weight", initializer, tokens, width));
    }

    /// <summary>Whether it serves more than one stack of blocks, so that the model owns it and not the decoder.</summary>
    public bool IsShared { get; init; }

    /// <summary>[V, H]. The module owns it.</summary>
    public Parameter Weight => _weight;

    public override Tensor forward(Tensor input) // [N] -> [N, H]
    {
        Tensor rows = EmbeddingLookup.Rows(_weight, input);
        if (_factor == 1)
            return rows;
        using (rows)
            return rows * _factor;
    }
}
