using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>A quantized row for each token.</summary>
internal sealed class QuantizedEmbedding : TokenEmbedding, IQuantizedWeight
{
    private readonly QuantizedMatrix _matrix;

    /// <param name="name">Its name in the checkpoint.</param>
    /// <param name="matrix">[V, H]; owned from here on.</param>
    /// <param name="factor">Of the rows that are read.</param>
    public QuantizedEmbedding(string name, QuantizedMatrix matrix, double factor) : base(name, factor) => _matrix = matrix;

    public override Tensor Weight => _matrix.Rows(null);

    public override ScalarType Type => _matrix.Type;

    public override Device Device => CPU;

    public override bool IsDisposed => _matrix.IsDisposed;

    public QuantizedMatrix Matrix => _matrix;

    public Tensor Widen() => Weight;

    public override Tensor Product(Tensor hidden) => _matrix.Product(hidden, null);

    protected override Tensor Rows(Tensor ids) => _matrix.Rows(ids);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _matrix.Dispose();
        base.Dispose(disposing);
    }
}
