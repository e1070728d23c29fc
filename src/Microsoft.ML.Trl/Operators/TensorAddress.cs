using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>Where a tensor's numbers lie.</summary>
internal static unsafe class TensorAddress
{
    /// <summary>Address of the first element, on the tensor's device. The caller keeps the tensor alive.</summary>
    /// <exception cref="InvalidOperationException">The tensor has no memory of its own.</exception>
    public static nint Of(Tensor tensor)
    {
        nint address;
        return StableAbi.GetDataPointer(tensor.Handle, &address) == 0
            ? address : throw new InvalidOperationException("The tensor has no memory of its own.");
    }
}
