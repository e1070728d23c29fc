using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>The gradient of a leaf, written where autograd would leave it.</summary>
internal static class LeafGradient
{
    /// <summary>The gradient; zeros are put there where it has none. Belongs to the current scope.</summary>
    public static Tensor Zeroed(Tensor leaf)
    {
        if (leaf.grad is { } existing)
            return existing;
        leaf.grad = zeros_like(leaf.detach());
        return leaf.grad!;
    }
}
