using Microsoft.ML.Trl.Operators;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A row for each token, whatever form it has; also the vocabulary projection where the two are tied.</summary>
internal abstract class TokenEmbedding : nn.Module<Tensor, Tensor>
{
    private readonly double _factor;

    /// <param name="name">Its name in the checkpoint.</param>
    /// <param name="factor">Of the rows that are read.</param>
    protected TokenEmbedding(string name, double factor) : base(name) => _factor = factor;

    /// <summary>Whether it serves more than one stack of blocks, so that the model owns it and not the decoder.</summary>
    public bool IsShared { get; set; }

    /// <summary>[V, H]. The module owns it, unless its rows are quantized: then it is widened, and the caller's.</summary>
    public abstract Tensor Weight { get; }

    /// <summary>Type of the rows.</summary>
    public abstract ScalarType Type { get; }

    /// <summary>Where they are.</summary>
    public abstract Device Device { get; }

    /// <summary>Whether the rows are gone.</summary>
    public abstract bool IsDisposed { get; }

    /// <summary>The product with every row: logits, where the embedding is the vocabulary projection.</summary>
    /// <param name="hidden">[..., H].</param>
    /// <returns>[..., V]. The caller owns it.</returns>
    public abstract Tensor Product(Tensor hidden);

    public override Tensor forward(Tensor input) // [N] -> [N, H]
    {
        Tensor rows = Rows(input);
        if (_factor == 1)
            return rows;
        using (rows)
            return rows * _factor;
    }

    /// <summary>[N] -> [N, H]. The caller owns it.</summary>
    protected abstract Tensor Rows(Tensor ids);
}

/// <summary>Rows that are a parameter.</summary>
internal sealed class ParameterEmbedding : TokenEmbedding
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    /// <param name="at">Place in the checkpoint.</param>
    /// <param name="tokens">V.</param>
    /// <param name="width">H.</param>
    /// <param name="initializer">How fresh rows are drawn.</param>
    /// <param name="factor">Of the rows that are read.</param>
    public ParameterEmbedding(WeightPath at, long tokens, long width, Initializer initializer, double factor)
        : base(at.Name, factor) =>
        register_parameter("weight", _weight = at.Take("weight", initializer, tokens, width));

    public override Tensor Weight => _weight;

    public override ScalarType Type => _weight.dtype;

    public override Device Device => _weight.device;

    public override bool IsDisposed => _weight.IsInvalid;

    public override Tensor Product(Tensor hidden) => SmallBatchProduct.Linear(hidden, _weight, null);

    protected override Tensor Rows(Tensor ids) => EmbeddingLookup.Rows(_weight, ids);
}
