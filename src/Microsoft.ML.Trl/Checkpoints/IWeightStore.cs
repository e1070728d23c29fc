using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Stored tensors by name, wherever they lie.</summary>
internal interface IWeightStore : IDisposable
{
    /// <summary>What it is, for messages.</summary>
    string Source { get; }

    IEnumerable<string> Names { get; }

    /// <summary>Type and sizes of a tensor; null when there is none of that name.</summary>
    TensorEntry? Find(string name);

    /// <summary>Hands out a tensor on the CPU, once. The caller owns it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="type">Its type in memory.</param>
    Tensor Take(string name, ScalarType type);

    /// <summary>Hands out the rows of a matrix on the CPU in the type that it is stored in, some at a time, once.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="atOnce">Rows of a part; the last one may have fewer.</param>
    /// <returns>The number of a part's first row, and the part, which lives until the next one.</returns>
    IEnumerable<(long From, Tensor Rows)> TakeRows(string name, long atOnce)
    {
        using Tensor whole = Take(name, Find(name)!.Type ?? ScalarType.Float32);
        for (long from = 0; from < whole.size(0); from += atOnce)
        {
            using Tensor part = whole.narrow(0, from, Math.Min(atOnce, whole.size(0) - from));
            yield return (from, part);
        }
    }
}
