using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A matrix whose weights have few bits, with the products that a model needs. Owns its tensors.</summary>
/// <param name="outputs">N.</param>
/// <param name="inputs">K.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal abstract class QuantizedMatrix(long outputs, long inputs, ScalarType type) : IDisposable
{
    /// <summary>N.</summary>
    public long Outputs => outputs;

    /// <summary>K.</summary>
    public long Inputs => inputs;

    /// <summary>The type of the weights that it stands for.</summary>
    public ScalarType Type => type;

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public abstract bool IsDisposed { get; }

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
                .to_type(x.dtype).view([.. x.shape[..^1], outputs]);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>Rows of the matrix, widened.</summary>
    /// <param name="indices">[n] int64; null = all.</param>
    /// <returns>[n, K] of <see cref="Type"/>. The caller owns it.</returns>
    public Tensor Rows(Tensor? indices)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        return Widened(indices).to_type(type).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>The product of few rows.</summary>
    /// <param name="x">[M, K] float32, dense.</param>
    /// <param name="bias">[N] float32, or null.</param>
    /// <returns>[M, N] float32.</returns>
    protected abstract Tensor Few(Tensor x, Tensor? bias);

    /// <summary>Rows of the matrix in float32, in the current scope.</summary>
    protected abstract Tensor Widened(Tensor? indices);
}

/// <summary>A module with a quantized matrix in the place of the parameter <c>weight</c>.</summary>
internal interface IQuantizedWeight
{
    /// <summary>N·K.</summary>
    long WeightCount { get; }

    /// <summary>The weight as a checkpoint has it. The caller owns it.</summary>
    Tensor Widen();
}
