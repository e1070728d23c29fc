using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>
/// What stands beside one linear layer: s·B·A, arXiv:2106.09685, Eq. 3; with DoRA the rows of the sum have lengths of their own,
/// arXiv:2402.09353, Eq. 5.
/// </summary>
internal sealed class LoraLayer : nn.Module
{
    [ComponentName(Name = "lora_A")] private readonly Parameter _down;
    [ComponentName(Name = "lora_B")] private readonly Parameter _up;
    [ComponentName(Name = "lora_magnitude_vector")] private readonly Parameter? _magnitude;
    [ComponentName(Name = "start_A")] private readonly Tensor? _startDown; // what is subtracted, so that the base need not change
    [ComponentName(Name = "start_B")] private readonly Tensor? _startUp;

    /// <param name="name">Its name among the layer's modules.</param>
    /// <param name="scale">s.</param>
    /// <param name="values">All owned from here on.</param>
    public LoraLayer(string name, double scale, LoraValues values) : base(name)
    {
        Scale = scale;
        register_parameter("lora_A", _down = Own(values.Down));
        register_parameter("lora_B", _up = Own(values.Up));
        if (values.Magnitude is not null)
            register_parameter("lora_magnitude_vector", _magnitude = Own(values.Magnitude));
        if (values.StartDown is null)
            return;
        register_buffer("start_A", _startDown = values.StartDown.DetachFromDisposeScope());
        register_buffer("start_B", _startUp = values.StartUp!.DetachFromDisposeScope());
    }

    /// <summary>s.</summary>
    public double Scale { get; }

    /// <summary>[r, inputs].</summary>
    public Parameter Down => _down;

    /// <summary>[outputs, r].</summary>
    public Parameter Up => _up;

    /// <summary>[outputs] lengths of the rows, with DoRA.</summary>
    public Parameter? Magnitude => _magnitude;

    /// <summary>What A and B began with, where it is subtracted.</summary>
    public (Tensor Down, Tensor Up)? Start => _startDown is null ? null : (_startDown, _startUp!);

    /// <summary>Drops its inputs during training.</summary>
    public Models.Dropout Dropout { get; set; } = Models.Dropout.None;

    /// <summary>The same in the same memory, for another model. The caller owns it.</summary>
    public LoraLayer Sharing()
    {
        using var scope = NewDisposeScope();
        return new(GetName(), Scale, new LoraValues(
            _down.detach(), _up.detach(), _magnitude?.detach(), _startDown?.alias(), _startUp?.alias()));
    }

    /// <summary>Whether its parameters are trained.</summary>
    public void Train(bool isTrained)
    {
        foreach (Parameter parameter in parameters())
            parameter.requires_grad = isTrained;
    }

    /// <summary>Adds what it makes of the layer's input to the layer's output.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="x">[N, inputs].</param>
    /// <param name="y">[N, outputs] what the layer made of it.</param>
    /// <returns>[N, outputs], in the current scope.</returns>
    public Tensor AddTo(LinearModule layer, Tensor x, Tensor y)
    {
        bool drops = training && !Dropout.IsOff;
        Tensor read = drops ? Dropout.Apply(x, training: true) : x;
        Tensor input = read.dtype == _down.dtype ? read : read.to_type(_down.dtype);
        Tensor low = SmallBatchProduct.Linear(input, _down, null); // [N, r]
        if (_magnitude is null && _startDown is null && y.dtype == _up.dtype && y.dim() == 2)
            return y.addmm(low, _up.t(), 1, (float)Scale);
        Tensor added = SmallBatchProduct.Linear(low, _up, null) * Scale;
        if (_startDown is not null)
            added -= SmallBatchProduct.Linear(SmallBatchProduct.Linear(input, _startDown, null), _startUp!, null) * Scale;
        if (_magnitude is not null)
            added = Lengthened(layer, added, drops ? layer.Product(read) : y);
        return (y + added).to_type(y.dtype);
    }

    /// <summary>The weight of a layer that computes the same by itself.</summary>
    /// <param name="weight">[outputs, inputs].</param>
    /// <returns>[outputs, inputs] of the type of A and B, in the current scope.</returns>
    public Tensor AddTo(Tensor weight)
    {
        Tensor sum = weight.to_type(_up.dtype) + Difference();
        return _magnitude is null ? sum : sum * (_magnitude / Lengths(sum)).unsqueeze(-1);
    }

    /// <summary>
    /// What DoRA adds to an output: the layer's own part changes with the lengths of the rows, too. The lengths are a constant for the
    /// gradient: section 4.3.
    /// </summary>
    private Tensor Lengthened(LinearModule layer, Tensor added, Tensor y)
    {
        Tensor ratio;
        using (var scope = NewDisposeScope())
        {
            Tensor lengths;
            using (no_grad())
                lengths = Lengths(LinearAdapters.Rows(layer).to_type(_up.dtype) + Difference());
            ratio = (_magnitude! / lengths).MoveToOuterDisposeScope();
        }
        Tensor own = layer.Bias is { } bias ? y - bias : y;
        return ((ratio - 1) * own) + (ratio * added);
    }

    /// <summary>s·B·A, less what they began with.</summary>
    private Tensor Difference()
    {
        Tensor product = _up.matmul(_down) * Scale;
        return _startDown is null ? product : product - (_startUp!.matmul(_startDown) * Scale);
    }

    /// <summary>[outputs] Euclidean lengths of the rows of a weight.</summary>
    public static Tensor Lengths(Tensor weight) => weight.norm(1, false, 2);

    private static Parameter Own(Tensor value)
    {
        Parameter parameter = new(value, requires_grad: false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}

/// <summary>The tensors of a <see cref="LoraLayer"/>.</summary>
/// <param name="Down">A: [r, inputs].</param>
/// <param name="Up">B: [outputs, r].</param>
/// <param name="Magnitude">[outputs] with DoRA.</param>
/// <param name="StartDown">What A began with, where it is subtracted.</param>
/// <param name="StartUp">What B began with, where it is subtracted.</param>
internal sealed record LoraValues(
    Tensor Down, Tensor Up, Tensor? Magnitude = null, Tensor? StartDown = null, Tensor? StartUp = null)
{
    /// <summary>Fresh ones.</summary>
    /// <param name="options">How they are drawn.</param>
    /// <param name="rank">r.</param>
    /// <param name="scale">s.</param>
    /// <param name="layer">What they stand beside.</param>
    /// <param name="rng">Random numbers of the CPU.</param>
    public static LoraValues Fresh(LoraOptions options, int rank, double scale, LinearModule layer, Generator rng)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs, ScalarType own) = layer.Shape;
        ScalarType type = own == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Device place = layer.Bias?.device ?? (layer is IQuantizedWeight ? CPU : layer.Weight.device);
        if (options.InitLoraWeights == LoraInitialization.Pissa)
            return Principal(LinearAdapters.Rows(layer).to_type(ScalarType.Float32), rank, scale, type).MoveToOuter();
        Tensor down = empty(rank, inputs), up = zeros(outputs, rank);
        _ = options.InitLoraWeights == LoraInitialization.Gaussian
            ? down.normal_(0, 1.0 / rank, rng)
            : down.uniform_(-1 / Math.Sqrt(inputs), 1 / Math.Sqrt(inputs), rng);
        if (options.InitLoraWeights == LoraInitialization.Random)
            up.uniform_(-1 / Math.Sqrt(rank), 1 / Math.Sqrt(rank), rng);
        (down, up) = (down.to(type, place), up.to(type, place));
        Tensor? magnitude = options.UseDora
            ? LoraLayer.Lengths(LinearAdapters.Rows(layer).to_type(type) + (up.matmul(down) * scale))
            : null;
        return new LoraValues(
            down.MoveToOuterDisposeScope(), up.MoveToOuterDisposeScope(), magnitude?.MoveToOuterDisposeScope());
    }

    /// <summary>Moves all of them to the scope around the current one.</summary>
    public LoraValues MoveToOuter()
    {
        foreach (Tensor? value in new[] { Down, Up, Magnitude, StartDown, StartUp })
            value?.MoveToOuterDisposeScope();
        return this;
    }

    /// <summary>The r strongest directions of a weight, with what they are at the start: arXiv:2404.02948, Eq. 2 and 3.</summary>
    /// <param name="rows">[outputs, inputs] float32.</param>
    /// <param name="rank">r.</param>
    /// <param name="scale">s.</param>
    /// <param name="type">Of the result.</param>
    public static LoraValues Principal(Tensor rows, int rank, double scale, ScalarType type)
    {
        using var scope = NewDisposeScope();
        if (rank > Math.Min(rows.size(0), rows.size(1)))
            throw new ArgumentException(
                $"InitLoraWeights Pissa with rank {rank}: a weight of shape [{rows.size(0)}, {rows.size(1)}] has no so many directions; "
                + $"R must be {Math.Min(rows.size(0), rows.size(1))} or less.");
        (Tensor left, Tensor strengths, Tensor right) = linalg.svd(rows, fullMatrices: false);
        Tensor roots = (strengths.narrow(0, 0, rank) / scale).sqrt();
        Tensor up = (left.narrow(1, 0, rank) * roots).to_type(type), down = (right.narrow(0, 0, rank) * roots.unsqueeze(1)).to_type(type);
        return new LoraValues(
            down.contiguous().MoveToOuterDisposeScope(), up.contiguous().MoveToOuterDisposeScope(), null,
            down.clone().MoveToOuterDisposeScope(), up.clone().MoveToOuterDisposeScope());
    }
}
