using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The bytes of a tensor, in pieces short enough for a span.</summary>
internal static class TensorMemory
{
    /// <summary>Bytes per piece; a multiple of every element size.</summary>
    private const long PieceLength = 1L << 24;

    /// <summary>Bytes per piece that changes its type: few, since the heap does not use all gaps again that such buffers leave.</summary>
    private const long ConvertedLength = 1L << 19;

    /// <summary>Receives one piece.</summary>
    /// <param name="bytes">Memory of the tensor itself.</param>
    /// <param name="offset">Its first byte, counted from the tensor's first.</param>
    public delegate void Piece(Span<byte> bytes, long offset);

    /// <summary>A new tensor of a file, filled piece by piece. Where it gets another type, no more than a piece is there in both.</summary>
    /// <param name="entry">Its shape and the file's type.</param>
    /// <param name="source">Name of the file for messages.</param>
    /// <param name="type">Its type in memory; null = the file's.</param>
    /// <param name="fill">Puts the file's bytes into a piece.</param>
    /// <returns>On the CPU. The caller owns it.</returns>
    /// <exception cref="NotSupportedException">TorchSharp has no such element type.</exception>
    public static Tensor Read(TensorEntry entry, string source, ScalarType? type, Piece fill)
    {
        ScalarType stored = entry.Type ?? throw new NotSupportedException(
            $"Tensor '{entry.Name}' of '{source}' is stored as {entry.TypeName}, which TorchSharp cannot hold; "
            + "convert it to F32, F16 or BF16 first.");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor tensor = empty(entry.Shape.ToArray(), type ?? stored);
        if (tensor.dtype == stored)
            Visit(tensor, fill);
        else
            Convert(tensor, stored, SafetensorsTypes.SizeOf(entry.TypeName)!.Value, fill);
        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Calls <paramref name="visit"/> for the whole memory, from first byte to last.</summary>
    /// <param name="tensor">Contiguous, on the CPU.</param>
    /// <param name="visit">Reads or fills the piece.</param>
    public static void Visit(Tensor tensor, Piece visit) =>
        Split(tensor, PieceLength / tensor.ElementSize, (piece, start) => visit(piece.bytes, start * tensor.ElementSize));

    private static void Convert(Tensor tensor, ScalarType stored, int size, Piece fill)
    {
        long perPiece = Math.Min(ConvertedLength / size, tensor.NumberOfElements);
        using Tensor buffer = empty(perPiece, stored);
        Split(tensor, perPiece, (piece, start) =>
        {
            using Tensor used = buffer.narrow(0, 0, piece.NumberOfElements);
            fill(used.bytes, start * size);
            piece.copy_(used);
        });
    }

    private static void Split(Tensor tensor, long perPiece, Action<Tensor, long> visit)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor flat = tensor.view(-1);
        for (long start = 0; start < flat.NumberOfElements; start += perPiece)
        {
            using Tensor piece = flat.narrow(0, start, Math.Min(perPiece, flat.NumberOfElements - start));
            visit(piece, start);
        }
    }
}
