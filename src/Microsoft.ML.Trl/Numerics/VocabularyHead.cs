using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>The matrix products between hidden states and logits, a chunk of rows at a time, in one reused buffer.</summary>
internal sealed class VocabularyHead : IDisposable
{
    /// <summary>Most bytes of logits that exist at once.</summary>
    public const long ChunkBytes = 64L << 20;

    private readonly Tensor _weight, _transposed;
    private readonly bool _wide;
    private Tensor? _buffer;

    /// <param name="weight">[V, H].</param>
    /// <param name="rows">Rows in all.</param>
    /// <param name="chunkBytes">Most bytes of logits at once.</param>
    public VocabularyHead(Tensor weight, long rows, long chunkBytes = ChunkBytes)
    {
        _weight = weight.detach();
        _transposed = _weight.transpose(0, 1);
        long width = weight.shape[0];
        long most = Math.Max(1, chunkBytes / (width * sizeof(float)));
        long chunks = (rows + most - 1) / most;
        RowsPerChunk = (int)Math.Max(1, (rows + chunks - 1) / Math.Max(1, chunks));
        _wide = weight.dtype == ScalarType.Float32;
    }

    /// <summary>Fails unless the states can be multiplied with the weight.</summary>
    /// <param name="hidden">[N, H].</param>
    /// <param name="headWeight">[V, H] of the same type and device, V and H at least 1.</param>
    /// <param name="hiddenName">What the caller calls the states.</param>
    /// <param name="weightName">What it calls the weight.</param>
    /// <exception cref="ArgumentException">They cannot.</exception>
    public static void Check(
        Tensor hidden,
        Tensor headWeight,
        [CallerArgumentExpression(nameof(hidden))] string hiddenName = "",
        [CallerArgumentExpression(nameof(headWeight))] string weightName = "")
    {
        RequireTensor.Floating(hidden, hiddenName);
        RequireTensor.Floating(headWeight, weightName);
        RequireTensor.Shape(headWeight, headWeight.dim() == 2 && headWeight.NumberOfElements > 0, "[V, H] without a 0", weightName);
        long width = headWeight.size(1);
        RequireTensor.Shape(hidden, hidden.dim() == 2 && hidden.size(1) == width, $"[N, {width}]", hiddenName);
        RequireTensor.Beside(hidden, headWeight, "the weights", hiddenName);
        if (hidden.dtype != headWeight.dtype)
            throw new ArgumentException(
                $"{hiddenName} is {hidden.dtype}, {weightName} is {headWeight.dtype}; convert one of them with to_type.", hiddenName);
    }

    /// <summary>Rows of a full chunk; chunks are about equally long.</summary>
    public int RowsPerChunk { get; }

    /// <summary>The chunks of <paramref name="rows"/> rows.</summary>
    public IEnumerable<(long Start, long Count)> Chunks(long rows)
    {
        for (long start = 0; start < rows; start += RowsPerChunk)
            yield return (start, Math.Min(RowsPerChunk, rows - start));
    }

    /// <summary>Logits, in one buffer: valid until the next call.</summary>
    /// <param name="hidden">[n, H], no more than a chunk.</param>
    /// <returns>[n, V] float32, contiguous.</returns>
    public Tensor Logits(Tensor hidden)
    {
        if (!_wide)
            return hidden.mm(_transposed).to_type(ScalarType.Float32);
        _buffer ??= empty(RowsPerChunk, _weight.shape[0], device: _weight.device, dtype: ScalarType.Float32).DetachFromDisposeScope();
        return _buffer.narrow(0, 0, hidden.shape[0]).addmm_(hidden, _transposed, 0);
    }

    /// <summary>Derivative by the hidden states.</summary>
    /// <param name="logits">[n, V] float32 derivative by the logits, without the factors of the rows.</param>
    /// <param name="factors">[n] float32 factor of each row.</param>
    /// <param name="into">[n, H], overwritten.</param>
    public void HiddenGradient(Tensor logits, Tensor factors, Tensor into)
    {
        if (_wide)
            into.addmm_(logits, _weight, 0).mul_(factors.unsqueeze(-1));
        else
            into.copy_(logits.to_type(_weight.dtype).mm(_weight).to_type(ScalarType.Float32).mul_(factors.unsqueeze(-1)));
    }

    /// <summary>Adds the derivative by the weight.</summary>
    /// <param name="logits">[n, V] float32 derivative by the logits, without the factors of the rows.</param>
    /// <param name="factors">[n] float32 factor of each row.</param>
    /// <param name="hidden">[n, H].</param>
    /// <param name="into">[V, H] float32.</param>
    /// <param name="overwrite">The first chunk of a buffer that nobody has filled.</param>
    public void AddWeightGradient(Tensor logits, Tensor factors, Tensor hidden, Tensor into, bool overwrite)
    {
        Tensor turned = logits.transpose(0, 1);
        Tensor weighted = (hidden * factors.unsqueeze(-1)).to_type(_weight.dtype);
        if (_wide)
            into.addmm_(turned, weighted, overwrite ? 0 : 1);
        else if (overwrite)
            into.copy_(turned.to_type(_weight.dtype).mm(weighted));
        else
            into.add_(turned.to_type(_weight.dtype).mm(weighted));
    }

    public void Dispose() => _buffer?.Dispose();
}
