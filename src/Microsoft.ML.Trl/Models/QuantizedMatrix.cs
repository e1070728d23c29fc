using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A matrix whose weights have few bits, with the products that a model needs. Owns its tensors.</summary>
/// <param name="weights">[N, ...] whole numbers; owned from here on.</param>
/// <param name="scales">[N, ...] float32; owned from here on.</param>
/// <param name="inputs">K.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal abstract class QuantizedMatrix(Tensor weights, Tensor scales, long inputs, ScalarType type) : IDisposable
{
    /// <summary>N.</summary>
    public long Outputs { get; } = weights.size(0);

    /// <summary>K.</summary>
    public long Inputs => inputs;

    /// <summary>The type of the weights that it stands for.</summary>
    public ScalarType Type => type;

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed => Weights.IsInvalid;

    /// <summary>[N, ...] whole numbers.</summary>
    protected Tensor Weights { get; } = weights.DetachFromDisposeScope();

    /// <summary>[N, ...] float32.</summary>
    protected Tensor Scales { get; } = scales.DetachFromDisposeScope();

    /// <summary>Rows of an input beyond which it is faster to widen the weights.</summary>
    protected abstract int MostRows { get; }

    /// <summary>x·Wᵀ + bias.</summary>
    /// <param name="x">[..., K] of any floating type, on the CPU.</param>
    /// <param name="bias">[N] of x's type, or null.</param>
    /// <returns>[..., N] of x's type. The caller owns it.</returns>
    /// <exception cref="NotSupportedException">x is not on the CPU.</exception>
    public Tensor Product(Tensor x, Tensor? bias)
    {
        if (x.device_type != TorchSharp.DeviceType.CPU)
            throw new NotSupportedException(
                $"Quantized weights are multiplied on the CPU; for {x.device} load the model without quantization.");
        using var scope = NewDisposeScope();
        bool isPlain = x.NumberOfElements > (double)MostRows * inputs || (is_grad_enabled() && x.requires_grad);
        Tensor y = isPlain
            ? nn.functional.linear(x, Rows(null).to_type(x.dtype), bias)
            : Few(x.reshape(-1, inputs).to_type(ScalarType.Float32).contiguous(), bias?.detach().to_type(ScalarType.Float32))
                .to_type(x.dtype).view([.. x.shape[..^1], Outputs]);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>Rows of the matrix, widened.</summary>
    /// <param name="indices">[n] int64; null = all.</param>
    /// <returns>[n, K] of <see cref="Type"/>. The caller owns it.</returns>
    public Tensor Rows(Tensor? indices)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor Of(Tensor all) => indices is null ? all : all.index_select(0, indices);
        return Widened(Of(Weights), Of(Scales)).to_type(type).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Weights.Dispose();
        Scales.Dispose();
    }

    /// <summary>The product of few rows.</summary>
    /// <param name="x">[M, K] float32, dense.</param>
    /// <param name="bias">[N] float32, or null.</param>
    /// <returns>[M, N] float32.</returns>
    protected abstract Tensor Few(Tensor x, Tensor? bias);

    /// <summary>The float32 numbers that some rows stand for, in the current scope.</summary>
    /// <param name="weights">[n, ...] of the rows.</param>
    /// <param name="scales">[n, ...] of the rows.</param>
    /// <returns>[n, K].</returns>
    protected abstract Tensor Widened(Tensor weights, Tensor scales);
}

/// <summary>A module with a quantized matrix in the place of the parameter <c>weight</c>.</summary>
internal interface IQuantizedWeight
{
    /// <summary>N·K.</summary>
    long WeightCount { get; }

    /// <summary>The weight as a checkpoint has it. The caller owns it.</summary>
    Tensor Widen();
}
