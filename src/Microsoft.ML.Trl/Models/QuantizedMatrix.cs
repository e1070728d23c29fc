using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A matrix whose weights have few bits, with the products that a model needs. Owns its tensors. Where it is widened for a product, it is
/// so part by part: never is all of it wide at a time.
/// </summary>
internal abstract class QuantizedMatrix : IConstantMatrix, IDisposable
{
    private const long PartBytes = 4L << 20; // stays near the processor between being written and being read

    [ThreadStatic]
    private static Tensor? s_scratch; // kept: where parts come and go between tensors that stay, the heap becomes full of gaps

    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    /// <param name="parts">What it is made of, by the names that they have in a file; owned from here on.</param>
    protected QuantizedMatrix(long outputs, long inputs, ScalarType type, params (string Name, Tensor Value)[] parts)
    {
        (Outputs, Inputs, Type, Parts) = (outputs, inputs, type, parts);
        foreach ((_, Tensor part) in parts)
            part.DetachFromDisposeScope();
    }

    /// <summary>N.</summary>
    public long Outputs { get; }

    /// <summary>K.</summary>
    public long Inputs { get; }

    /// <summary>The type of the weights that it stands for.</summary>
    public ScalarType Type { get; }

    /// <summary>How the weights are held.</summary>
    public abstract WeightQuantization Kind { get; }

    /// <summary>What it is made of, by the names that they have in a file: the codes, under no name, first. The matrix owns them.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Parts { get; }

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed => Parts[0].Value.IsInvalid;

    /// <summary>Rows of an input beyond which it is faster to widen the weights.</summary>
    protected abstract int MostRows { get; }

    /// <summary>x·Wᵀ + bias, differentiable by x and the bias.</summary>
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
        bool records = is_grad_enabled() && (x.requires_grad || bias is { requires_grad: true });
        Tensor rows = x.reshape(-1, Inputs), y;
        if (records)
            y = ConstantProduct.Of(rows, this, bias);
        else if (MostRows == 0 || rows.size(0) > MostRows || x.dtype == ScalarType.Float64)
            y = Multiply(rows, bias);
        else
            y = Few(rows.to_type(ScalarType.Float32).contiguous(), bias?.detach().to_type(ScalarType.Float32)).to_type(x.dtype);
        return (x.dim() == 2 ? y : y.view([.. x.shape[..^1], Outputs])).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Multiply(Tensor x, Tensor? bias)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor y = empty(x.size(0), Outputs, x.dtype);
        foreach ((long from, long count) in Split())
        {
            using var part = NewDisposeScope();
            y.narrow(1, from, count).addmm_(x, Part(from, count, x.dtype).t(), 0);
        }
        return (bias is null ? y : y.add_(bias)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor MultiplyBack(Tensor upstream)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor sum = empty(upstream.size(0), Inputs, upstream.dtype);
        foreach ((long from, long count) in Split())
        {
            using var part = NewDisposeScope();
            sum.addmm_(upstream.narrow(1, from, count), Part(from, count, upstream.dtype), from == 0 ? 0 : 1);
        }
        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>Rows of the matrix, widened.</summary>
    /// <param name="indices">[n] int64; null = all.</param>
    /// <returns>[n, K] of <see cref="Type"/>. The caller owns it.</returns>
    public Tensor Rows(Tensor? indices)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor rows;
        if (indices is null)
            Widen(0, Outputs, rows = empty(Outputs, Inputs, ScalarType.Float32));
        else
            rows = Widened(indices);
        return rows.to_type(Type).MoveToOuterDisposeScope();
    }

    /// <summary>A second matrix with the same weights. The caller owns it.</summary>
    /// <param name="shares">Whether it has them in the same memory.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    public QuantizedMatrix Copy(bool shares, ScalarType type)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        return Of([.. Parts.Select(part => shares ? part.Value.alias() : part.Value.clone())], type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor part) in Parts)
            part.Dispose();
        Free();
    }

    /// <summary>Disposes what a kind of matrix holds besides its parts.</summary>
    protected virtual void Free() { }

    /// <summary>The same kind of matrix, of other parts.</summary>
    /// <param name="parts">Of the shapes of this one's; owned from here on.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    protected abstract QuantizedMatrix Of(Tensor[] parts, ScalarType type);

    /// <summary>The product of few rows, without gradient.</summary>
    /// <param name="x">[M, K] float32, dense.</param>
    /// <param name="bias">[N] float32, or null.</param>
    /// <returns>[M, N] float32.</returns>
    protected abstract Tensor Few(Tensor x, Tensor? bias);

    /// <summary>Finds the numbers that neighbouring rows stand for.</summary>
    /// <param name="from">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="into">[count, K] float32, dense; written.</param>
    protected abstract void Widen(long from, long count, Tensor into);

    /// <summary>The numbers that some rows stand for, in the current scope.</summary>
    /// <param name="indices">[n] int64.</param>
    /// <returns>[n, K] float32.</returns>
    protected abstract Tensor Widened(Tensor indices);

    /// <summary>Some rows as a product reads them, in memory that the next part of this thread uses again.</summary>
    private Tensor Part(long from, long count, ScalarType type)
    {
        long size = count * Inputs;
        if (s_scratch is null || s_scratch.NumberOfElements < size)
        {
            s_scratch?.Dispose();
            s_scratch = empty(Math.Max(size, PartBytes / sizeof(float)), ScalarType.Float32).DetachFromDisposeScope();
        }
        Tensor part = s_scratch.narrow(0, 0, size).view(count, Inputs);
        Widen(from, count, part);
        return part.to_type(Type).to_type(type);
    }

    private IEnumerable<(long From, long Count)> Split()
    {
        long rows = Math.Max(1, PartBytes / (Math.Max(1, Inputs) * sizeof(float)));
        for (long from = 0; from < Outputs; from += rows)
            yield return (from, Math.Min(rows, Outputs - from));
    }
}

/// <summary>A module with a quantized matrix in the place of the parameter <c>weight</c>.</summary>
internal interface IQuantizedWeight
{
    /// <summary>[outputs, inputs]. The module owns it.</summary>
    QuantizedMatrix Matrix { get; }

    /// <summary>The weight as a checkpoint has it. The caller owns it.</summary>
    Tensor Widen();
}
