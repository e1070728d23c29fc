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
}
