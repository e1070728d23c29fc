using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>
/// Gives a model under construction what another source gives, its matrices quantized one by one: never are two of them wide at a time.
/// </summary>
internal sealed class QuantizedWeights : WeightSource
{
    private readonly WeightSource _source;

    private QuantizedWeights(WeightSource source, WeightQuantization quantization) =>
        (_source, Quantization) = (source, quantization);

    public override WeightQuantization Quantization { get; }

    /// <summary>The source itself, where nothing is to be quantized.</summary>
    /// <param name="source">Gives plain weights.</param>
    /// <param name="quantization">How matrices are held.</param>
    public static WeightSource Of(WeightSource source, WeightQuantization quantization) =>
        quantization == WeightQuantization.None ? source : new QuantizedWeights(source, quantization);

    /// <summary>Fails where quantized weights cannot be used.</summary>
    /// <param name="device">Where the model goes; null = the CPU.</param>
    /// <param name="quantization">How matrices are held.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such quantization.</exception>
    /// <exception cref="NotSupportedException">The device is not the CPU.</exception>
    public static void Check(Device? device, WeightQuantization quantization)
    {
        Require.Known(quantization);
        if (quantization != WeightQuantization.None && device is { } place && place.type != TorchSharp.DeviceType.CPU)
            throw new NotSupportedException(
                $"Quantized weights are multiplied on the CPU; for {place} leave the quantization at {nameof(WeightQuantization.None)}.");
    }

    public override ILinear Linear(
        WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias, WeightLayout layout)
    {
        QuantizedMatrix matrix = Matrix(at, inputs, outputs, weight, layout, Quantization);
        return new QuantizedLinear(at.Name, matrix, bias is null ? null : at.Take("bias", bias, outputs), layout);
    }

    public override TokenEmbedding Embedding(WeightPath at, long tokens, long width, Initializer initializer, double factor) =>
        new QuantizedEmbedding(
            at.Name, Matrix(at, width, tokens, initializer, WeightLayout.OutputsByInputs, WeightQuantization.Int8), factor);

    protected override Tensor Make(string name, Initializer initializer, long[] shape)
    {
        using Tensor taken = _source.Take(name, initializer, shape);
        return taken.detach();
    }

    private static QuantizedMatrix Matrix(
        WeightPath at, long inputs, long outputs, Initializer initializer, WeightLayout layout, WeightQuantization quantization)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        bool isTransposed = layout == WeightLayout.InputsByOutputs;
        Tensor taken = isTransposed ? at.Take("weight", initializer, inputs, outputs) : at.Take("weight", initializer, outputs, inputs);
        using (taken)
        {
            Tensor wide = taken.dim() < 2 ? zeros(1, inputs) : isTransposed ? taken.t().contiguous() : taken; // lacking: reported later
            return quantization == WeightQuantization.Int4 && Int4Matrix.Fits(inputs) ? Int4Matrix.Of(wide) : Int8Matrix.Of(wide);
        }
    }
}
