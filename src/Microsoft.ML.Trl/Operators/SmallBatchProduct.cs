using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Products of few rows with a large matrix of float32 or bfloat16, as decoding makes them: one row per text. libtorch's products reach
/// half of the memory's rate or less there, unless the weights are copied into a layout of their own;
/// <see cref="SmallBatchKernel{TWeight}"/> reads them as they lie. Sums are float32 in either type.
/// </summary>
internal static unsafe class SmallBatchProduct
{
    private const int WorthAThread = 1 << 15; // weights

    /// <summary>Up to this number of rows it is faster than libtorch.</summary>
    /// <param name="type">float32 or bfloat16, of which processors multiply pairs.</param>
    public static int MostRows(ScalarType type) => type == ScalarType.Float32 ? 32 : 16;

    /// <summary>x·weightᵀ + bias with weights that lie [outputs, inputs], as in torch.nn.Linear.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or nothing.</param>
    /// <returns>[..., outputs]. The caller owns it.</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias) =>
        IsOurs(x, weight, bias) && weight.size(0) >= SmallBatchKernel<float>.Group
            ? Run(x, weight, bias, weight.size(0), outputMajor: true) : nn.functional.linear(x, weight, bias);

    /// <summary>x·weight + bias with weights that lie [inputs, outputs], as in GPT-2.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="weight">[inputs, outputs].</param>
    /// <param name="bias">[outputs], or nothing.</param>
    /// <returns>[..., outputs]. The caller owns it.</returns>
    public static Tensor Transposed(Tensor x, Tensor weight, Tensor? bias) =>
        IsOurs(x, weight, bias) ? Run(x, weight, bias, weight.size(1), outputMajor: false) : nn.functional.linear(x, weight.t(), bias);

    /// <summary>x·(weight · scales)ᵀ + bias with 8-bit weights and one scale for each output.</summary>
    /// <param name="x">[M, K] float32, dense, on the CPU.</param>
    /// <param name="weight">[N, K] int8, dense.</param>
    /// <param name="scales">[N] float32, dense.</param>
    /// <param name="bias">[N] float32, or nothing.</param>
    /// <returns>[M, N] float32. The caller owns it.</returns>
    public static Tensor Int8(Tensor x, Tensor weight, Tensor scales, Tensor? bias) =>
        Run<sbyte>(x, weight, bias, weight.size(0), outputMajor: true, scales);

    /// <summary>x·wᵀ + bias with 4-bit weights in the layout of <see cref="Int4Kernel"/>.</summary>
    /// <param name="x">[M, K] float32, dense, on the CPU.</param>
    /// <param name="weight">[N, K / 2] bytes, dense.</param>
    /// <param name="scales">[N, K / 32] float32, dense.</param>
    /// <param name="bias">[N] float32, or nothing.</param>
    /// <returns>[M, N] float32. The caller owns it.</returns>
    public static Tensor Int4(Tensor x, Tensor weight, Tensor scales, Tensor? bias)
    {
        long inputs = x.size(1), outputs = weight.size(0);
        Tensor y = empty(x.size(0), outputs, ScalarType.Float32);
        var product = new SmallBatchKernel<byte>.Operands(
            Memory(x), (int)x.size(0), (int)inputs, Memory(weight), bias is null ? 0 : Memory(bias), Memory(y), (int)outputs,
            Memory(scales));
        ParallelLoop.For(0, outputs, Math.Max(1, WorthAThread / inputs), (from, to) => Int4Kernel.Run(product, (int)from, (int)to));
        GC.KeepAlive((x, weight, scales, bias));
        return y;
    }

    private static Tensor Run(Tensor x, Tensor weight, Tensor? bias, long outputs, bool outputMajor)
    {
        if (weight.dtype == ScalarType.Float32)
            return Run<float>(x, weight, bias, outputs, outputMajor);
        using var scope = NewDisposeScope();
        Tensor y = Run<ushort>(x.to_type(ScalarType.Float32), weight, bias?.to_type(ScalarType.Float32), outputs, outputMajor);
        return y.to_type(ScalarType.BFloat16).MoveToOuterDisposeScope();
    }

    private static Tensor Run<TWeight>(
        Tensor x, Tensor weight, Tensor? bias, long outputs, bool outputMajor, Tensor? scales = null) where TWeight : unmanaged
    {
        long inputs = x.size(-1), rows = x.NumberOfElements / inputs;
        Tensor y = x.dim() == 2 ? empty(rows, outputs, ScalarType.Float32) : empty([.. x.shape[..^1], outputs], ScalarType.Float32);
        var product = new SmallBatchKernel<TWeight>.Operands(
            Memory(x), (int)rows, (int)inputs, Memory(weight), bias is null ? 0 : Memory(bias), Memory(y), (int)outputs,
            scales is null ? 0 : Memory(scales));
        int unit = outputMajor ? SmallBatchKernel<TWeight>.Group : SmallBatchKernel<TWeight>.Strip;
        long units = (outputs + unit - 1) / unit, grain = Math.Max(1, WorthAThread / (unit * inputs));
        ParallelLoop.For(0, units, grain, (begin, end) =>
        {
            int from = (int)begin * unit, to = Math.Min((int)end * unit, (int)outputs);
            if (outputMajor)
                SmallBatchKernel<TWeight>.OutputMajor(product, from, to);
            else
                SmallBatchKernel<TWeight>.InputMajor(product, from, to);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(scales);
        return y;
    }

    private static nint Memory(Tensor tensor) => TensorAddress.Of(tensor);

    private static bool IsOurs(Tensor x, Tensor weight, Tensor? bias) =>
        SmallBatchKernel<float>.IsSupported && IsDense(weight) && IsDense(x) && (bias is null || IsDense(bias))
        && x.dtype == weight.dtype && (bias is null || bias.dtype == weight.dtype)
        && x.dim() > 0 && x.size(-1) is > 0 and long inputs && x.NumberOfElements / inputs is > 0 and long rows && rows <= MostRows(x.dtype)
        && weight.dim() == 2 && weight.NumberOfElements > 0
        && !(is_grad_enabled() && (x.requires_grad || weight.requires_grad || bias is { requires_grad: true }));

    private static bool IsDense(Tensor tensor) =>
        tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16 && tensor.device_type == DeviceType.CPU && tensor.is_contiguous();
}
