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

    public override Func<WeightSource, WeightSource> Holding => HoldingIn(Quantization);

    private bool IsNormalFloat => Quantization is WeightQuantization.Nf4 or WeightQuantization.Nf4Nested;

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

    /// <summary>Fails unless a model that was given is held as options say.</summary>
    /// <param name="model">Given by the caller.</param>
    /// <param name="baseQuantization">What the options say; none is no demand.</param>
    /// <param name="role">What the model is, for the message.</param>
    /// <exception cref="ArgumentException">It is not; the message says what to do.</exception>
    public static void RequireHeld(DecoderModel model, WeightQuantization baseQuantization, string role)
    {
        if (baseQuantization != WeightQuantization.None && model.Quantization != baseQuantization)
            throw new ArgumentException(
                $"BaseQuantization is {baseQuantization}, but the weights of the {role} are held as {model.Quantization}; load it as the "
                + "options say (LanguageModel.Load has a quantization), or say in the options how it is held.", nameof(baseQuantization));
    }

    public override ILinear Linear(
        WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias, WeightLayout layout)
    {
        QuantizedMatrix matrix = Matrix(at, inputs, outputs, weight, layout, Quantization);
        return new QuantizedLinear(at.Name, matrix, bias is null ? null : at.Take("bias", bias, outputs), layout);
    }

    /// <summary>bitsandbytes leaves it as it is, and with it what shares its memory: the embedding.</summary>
    public override ILinear Head(WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias) =>
        IsNormalFloat ? new LinearLayer(at, inputs, outputs, weight, bias) : base.Head(at, inputs, outputs, weight, bias);

    public override TokenEmbedding Embedding(WeightPath at, long tokens, long width, Initializer initializer, double factor) =>
        IsNormalFloat
            ? base.Embedding(at, tokens, width, initializer, factor)
            : new QuantizedEmbedding(
                at.Name, Matrix(at, width, tokens, initializer, WeightLayout.OutputsByInputs, WeightQuantization.Int8), factor);

    protected override Tensor Make(string name, Initializer initializer, long[] shape)
    {
        using Tensor taken = _source.Take(name, initializer, shape);
        return taken.detach();
    }

    private static Func<WeightSource, WeightSource> HoldingIn(WeightQuantization quantization) => source => Of(source, quantization);

    private QuantizedMatrix Matrix(
        WeightPath at, long inputs, long outputs, Initializer initializer, WeightLayout layout, WeightQuantization quantization)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        if (quantization == WeightQuantization.Int4 && !Int4Matrix.Fits(inputs))
            quantization = WeightQuantization.Int8;
        string name = $"{at.Path}.weight";
        if (_source.Held(name, quantization, outputs, inputs) is { } held)
            return held;
        if (_source is StoredWeights stored && stored.IsQuantized(name))
            return Stored(stored, name, quantization, outputs, inputs);
        MatrixRows rows = layout == WeightLayout.InputsByOutputs
            ? Transposed(name, initializer, outputs, inputs)
            : new MatrixRows(
                outputs, inputs, _source.Type ?? ScalarType.Float32,
                _source.ReadRows(name, initializer, MatrixRows.AtOnce(inputs), outputs, inputs));
        return quantization switch
        {
            WeightQuantization.Int4 => Int4Matrix.Of(rows),
            WeightQuantization.Nf4 or WeightQuantization.Nf4Nested => Nf4Matrix.Of(rows, quantization == WeightQuantization.Nf4Nested),
            _ => Int8Matrix.Of(rows),
        };
    }

    /// <summary>A matrix that lies [inputs, outputs]: its rows lie apart, so it is read whole.</summary>
    private MatrixRows Transposed(string name, Initializer initializer, long outputs, long inputs)
    {
        Tensor read = _source.Read(name, initializer, inputs, outputs);
        return MatrixRows.Of(read.dim() < 2 ? zeros(outputs, inputs) : read.t(), _source.Type); // lacking: reported later
    }

    /// <summary>A matrix that was saved in few bits.</summary>
    private static QuantizedMatrix Stored(StoredWeights source, string name, WeightQuantization quantization, long outputs, long inputs)
    {
        ScalarType type = source.Type!.Value;
        Tensor Part(string part, ScalarType typeName, params long[] shape) =>
            source.Part(part.Length == 0 ? name : $"{name}.{part}", typeName, shape);
        return quantization switch
        {
            WeightQuantization.Int4 => new Int4Matrix(
                Part("", ScalarType.Byte, outputs, inputs / 2),
                Part("scales", ScalarType.Float32, outputs, inputs / Operators.Int4Kernel.GroupSize), type),
            WeightQuantization.Nf4 or WeightQuantization.Nf4Nested => Nf4Matrix.Of(
                outputs, inputs,
                [
                    .. Nf4Matrix.Layout(outputs, inputs, quantization == WeightQuantization.Nf4Nested)
                        .Select(part => Part(part.Name, part.Type, part.Size)),
                ], type),
            _ => new Int8Matrix(Part("", ScalarType.Int8, outputs, inputs), Part("scales", ScalarType.Float32, outputs), type),
        };
    }
}
