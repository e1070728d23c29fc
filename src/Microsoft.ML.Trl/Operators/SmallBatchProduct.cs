using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Products of few rows with a large matrix, as decoding makes them: one row per text. libtorch's float32 products reach half
/// of the memory's rate or less there, unless the weights are copied into a layout of their own;
/// <see cref="SmallBatchKernel"/> reads them as they lie.
/// </summary>
internal static unsafe class SmallBatchProduct
{
    /// <summary>From this number of rows on, libtorch is faster.</summary>
    public const int MostRows = 16;

    /// <summary>x·weightᵀ + bias with weights that lie [outputs, inputs], as in torch.nn.Linear.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or nothing.</param>
    /// <returns>[..., outputs]. The caller owns it.</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias) =>
        IsOurs(x, weight, bias) && weight.size(0) >= SmallBatchKernel.Group
            ? Run(x, weight, bias, weight.size(0), outputMajor: true) : nn.functional.linear(x, weight, bias);

    /// <summary>x·weight + bias with weights that lie [inputs, outputs], as in GPT-2.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="weight">[inputs, outputs].</param>
    /// <param name="bias">[outputs], or nothing.</param>
    /// <returns>[..., outputs]. The caller owns it.</returns>
    public static Tensor Transposed(Tensor x, Tensor weight, Tensor? bias) =>
        IsOurs(x, weight, bias) ? Run(x, weight, bias, weight.size(1), outputMajor: false) : nn.functional.linear(x, weight.t(), bias);

    private static Tensor Run(Tensor x, Tensor weight, Tensor? bias, long outputs, bool outputMajor)
    {
        long inputs = x.size(-1), rows = x.NumberOfElements / inputs;
        Tensor y = x.dim() == 2 ? empty(rows, outputs, ScalarType.Float32) : empty([.. x.shape[..^1], outputs], ScalarType.Float32);
        var product = new SmallBatchKernel.Operands(
            Memory(x), (int)rows, (int)inputs, Memory(weight), bias is null ? 0 : Memory(bias), Memory(y), (int)outputs);
        int unit = outputMajor ? SmallBatchKernel.Group : SmallBatchKernel.Strip;
        long units = (outputs + unit - 1) / unit, grain = Math.Max(1, (1 << 15) / (unit * inputs)); // 32,768 weights are worth a thread
        ParallelLoop.For(0, units, grain, (begin, end) =>
        {
            int from = (int)begin * unit, to = Math.Min((int)end * unit, (int)outputs);
            if (outputMajor)
                SmallBatchKernel.OutputMajor(product, from, to);
            else
                SmallBatchKernel.InputMajor(product, from, to);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        return y;
    }

    private static nint Memory(Tensor tensor)
    {
        nint address;
        return StableAbi.GetDataPointer(tensor.Handle, &address) == 0
            ? address : throw new InvalidOperationException("The tensor has no memory of its own.");
    }

    private static bool IsOurs(Tensor x, Tensor weight, Tensor? bias) =>
        SmallBatchKernel.IsSupported && IsDense(x) && x.dim() > 0 && x.size(-1) is > 0 and long inputs
        && x.NumberOfElements / inputs is > 0 and <= MostRows
        && IsDense(weight) && weight.dim() == 2 && weight.NumberOfElements > 0 && (bias is null || IsDense(bias))
        && !(is_grad_enabled() && (x.requires_grad || weight.requires_grad || bias is { requires_grad: true }));

    private static bool IsDense(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device_type == DeviceType.CPU && tensor.is_contiguous();
}
