using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The bytes of a tensor, in pieces short enough for a span.</summary>
internal static class TensorMemory
{
    /// <summary>Bytes per piece; a multiple of every element size.</summary>
    private const long PieceLength = 1L << 26;

    /// <summary>Receives one piece.</summary>
    /// <param name="bytes">Memory of the tensor itself.</param>
    /// <param name="offset">Its first byte, counted from the tensor's first.</param>
    public delegate void Piece(Span<byte> bytes, long offset);

    /// <summary>A new tensor of a file, filled piece by piece.</summary>
    /// <returns>On the CPU. The caller owns it.</returns>
    /// <exception cref="NotSupportedException">TorchSharp has no such element type.</exception>
    public static Tensor Read(TensorEntry entry, string source, Piece fill)
    {
        ScalarType type = entry.Type ?? throw new NotSupportedException(
            $"Tensor '{entry.Name}' of '{source}' is stored as {entry.TypeName}, which TorchSharp cannot hold; "
            + "convert it to F32, F16 or BF16 first.");
        using var scope = NewDisposeScope();
        Tensor tensor = empty(entry.Shape.ToArray(), type);
        Visit(tensor, fill);
        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Calls <paramref name="visit"/> for the whole memory, from first byte to last.</summary>
    /// <param name="tensor">Contiguous, on the CPU.</param>
    /// <param name="visit">Reads or fills the piece.</param>
    public static void Visit(Tensor tensor, Piece visit)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor flat = tensor.view(-1);
        long perPiece = PieceLength / tensor.ElementSize;
        for (long start = 0; start < flat.NumberOfElements; start += perPiece)
        {
            using Tensor piece = flat.narrow(0, start, Math.Min(perPiece, flat.NumberOfElements - start));
            visit(piece.bytes, start * tensor.ElementSize);
        }
    }
}
