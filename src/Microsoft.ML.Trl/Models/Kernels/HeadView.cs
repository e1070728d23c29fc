namespace Microsoft.ML.Trl.Models;

/// <summary>Vectors of heads in memory: one of d contiguous floats per row of the batch, token and head.</summary>
/// <param name="data">The first.</param>
/// <param name="batch">Floats from one row of the batch to the next.</param>
/// <param name="token">Floats from one token to the next.</param>
/// <param name="head">Floats from one head to the next.</param>
internal readonly unsafe struct HeadView(float* data, nint batch, nint token, nint head)
{
    public nint Token => token;

    /// <summary>The first token of a row and head.</summary>
    public float* At(int row, int index) => data + (row * batch) + (index * head);
}
