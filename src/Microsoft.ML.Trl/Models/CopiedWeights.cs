using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A weight of a model, made when it is asked for.</summary>
/// <param name="Name">In the checkpoint.</param>
/// <param name="Value">The model's own tensor, or a new one in the current scope.</param>
/// <param name="Matrix">What the weight is held in where it is quantized, and no adapter changes it; the model owns it.</param>
internal sealed record LazyWeight(string Name, Func<Tensor> Value, QuantizedMatrix? Matrix = null);

/// <summary>Clones the weights of another model, one by one.</summary>
internal sealed class CopiedWeights : WeightSource
{
    private readonly Dictionary<string, LazyWeight> _weights;
    private readonly WeightSource? _otherwise;
    private readonly Device? _device;
    private readonly ScalarType? _type;
    private readonly bool _shares;

    /// <param name="weights">The other model's.</param>
    /// <param name="otherwise">Gives what the other model lacks; null when it must lack nothing.</param>
    /// <param name="device">Where the copies go; null = where the originals are.</param>
    /// <param name="type">Their type; null = that of the originals.</param>
    /// <param name="shares">
    /// Whether the originals' memory is used again, where device and type are theirs; for models that are not trained.
    /// </param>
    public CopiedWeights(
        IEnumerable<LazyWeight> weights, WeightSource? otherwise = null, Device? device = null, ScalarType? type = null,
        bool shares = false)
    {
        RequireTensor.Place(device, type);
        _weights = weights.ToDictionary(weight => weight.Name);
        (_otherwise, _device, _type, _shares) = (otherwise, device, type, shares);
    }

    /// <summary>Of weights that are there already.</summary>
    /// <inheritdoc cref="CopiedWeights(IEnumerable{LazyWeight}, WeightSource?, Device?, ScalarType?, bool)"/>
    public CopiedWeights(
        IEnumerable<(string Name, Tensor Value)> weights, WeightSource? otherwise = null, Device? device = null, ScalarType? type = null)
        : this(weights.Select(weight => new LazyWeight(weight.Name, () => weight.Value)), otherwise, device, type) { }

    public override ScalarType? Type => _type ?? Plain.dtype;

    /// <summary>A weight that says type and place of all.</summary>
    private Tensor Plain => _weights.Values.First(weight => weight.Matrix is null).Value();

    public override Tensor Read(string name, Initializer initializer, params long[] shape) =>
        _weights.TryGetValue(name, out LazyWeight? weight) ? weight.Value().detach() : base.Read(name, initializer, shape);

    public override QuantizedMatrix? Held(string name, WeightQuantization quantization, long outputs, long inputs) =>
        _weights.GetValueOrDefault(name)?.Matrix is { } matrix && matrix.Kind == quantization
            ? matrix.Copy(_shares, _type ?? matrix.Type)
            : null;

    protected override Tensor Make(string name, Initializer initializer, long[] shape)
    {
        if (_weights.TryGetValue(name, out LazyWeight? weight))
        {
            using var scope = NewDisposeScope();
            Tensor value = weight.Value();
            return value.detach().to(_type ?? value.dtype, _device ?? value.device, copy: !_shares).MoveToOuterDisposeScope();
        }
        if (_otherwise is null)
            throw new InvalidOperationException($"The model to copy has no weight '{name}'.");
        Tensor like = Plain;
        using Tensor drawn = _otherwise.Take(name, initializer, shape);
        return drawn.detach().to(_type ?? like.dtype, _device ?? like.device, copy: true);
    }
}
