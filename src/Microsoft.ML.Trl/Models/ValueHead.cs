using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Estimates the return from a hidden state: one number per token. TRL's <c>v_head</c>.</summary>
/// <remarks>Tensor names below <c>v_head.</c>: <c>summary.weight</c>, <c>summary.bias</c>.</remarks>
public sealed class ValueHead : nn.Module
{
    private readonly LinearLayer _summary;
    private Dropout _dropout = Models.Dropout.None;

    internal ValueHead(int hiddenSize, WeightSource weights, Initializer? weight = null, Initializer? bias = null) : base(nameof(ValueHead))
    {
        Initializer uniform = Initializer.Uniform(1 / Math.Sqrt(hiddenSize));
        _summary = new LinearLayer(new WeightPath(weights, "v_head.summary"), hiddenSize, 1, weight ?? uniform, bias ?? uniform);
        this.Own(_summary);
    }

    /// <summary>A head with random weights on the CPU in float32.</summary>
    /// <param name="hiddenSize">H of the model it is for. At least 1.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <param name="initStrategy">How they are drawn; null = as those of PyTorch's linear layer.</param>
    /// <param name="initializerRange">Standard deviation with <see cref="VHeadInitStrategy.Normal"/>. At least 0.</param>
    /// <exception cref="ArgumentException">A number is out of range, or there is no such strategy.</exception>
    public static ValueHead Create(int hiddenSize, int seed, VHeadInitStrategy? initStrategy = null, double initializerRange = 0.2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hiddenSize, 1);
        Require.NotNegative(initializerRange);
        if (initStrategy is { } strategy)
            Require.Known(strategy, nameof(initStrategy));
        using RandomWeights weights = new(seed);
        return initStrategy == VHeadInitStrategy.Normal
            ? new ValueHead(hiddenSize, weights, Initializer.Normal(initializerRange), Initializer.Zeros)
            : new ValueHead(hiddenSize, weights);
    }

    /// <summary>Fails unless the head reads states of this width.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    internal void CheckWidth(ModelConfig config)
    {
        ObjectDisposedException.ThrowIf(_summary.Weight.IsInvalid, this);
        if (_summary.Weight.size(1) != config.HiddenSize)
            throw new ArgumentException(
                $"The value head reads states of width {_summary.Weight.size(1)}, but the model's have {config.HiddenSize}; "
                + "make one with ValueHead.Create for this model.");
    }

    /// <summary>A second head with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <exception cref="ArgumentException">The device is not there.</exception>
    /// <exception cref="ObjectDisposedException">The head was disposed.</exception>
    public ValueHead Copy(Device? device = null)
    {
        ObjectDisposedException.ThrowIf(_summary.Weight.IsInvalid, this);
        return new((int)_summary.Weight.shape[1], new CopiedWeights(Weights(), null, device));
    }

    /// <summary>Estimates.</summary>
    /// <param name="hidden">[..., H] hidden states after the final norm; converted to the type of the head.</param>
    /// <returns>[...] in the type of the head. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The states are of another width or device, or no floating-point numbers.</exception>
    /// <exception cref="ObjectDisposedException">The head was disposed.</exception>
    public Tensor Values(Tensor hidden)
    {
        ObjectDisposedException.ThrowIf(_summary.Weight.IsInvalid, this);
        RequireTensor.Floating(hidden);
        long width = _summary.Weight.size(1);
        RequireTensor.Shape(hidden, hidden.dim() > 0 && hidden.size(-1) == width, $"[..., {width}]");
        RequireTensor.Beside(hidden, _summary.Weight, "the weights");
        using var scope = NewDisposeScope();
        Tensor input = _dropout.Apply(hidden.to_type(_summary.Weight.dtype), training);
        return _summary.Forward(input).squeeze(-1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The weights under TRL's names, <c>v_head.summary.weight</c> [1, H] and <c>v_head.summary.bias</c> [1]. The head owns them.
    /// </summary>
    public IEnumerable<(string Name, Tensor Value)> Weights() =>
        [("v_head.summary.weight", _summary.Weight), ("v_head.summary.bias", _summary.Bias!)];

    /// <summary>Sets how many entries of the hidden state are dropped during training (after <c>train()</c>).</summary>
    /// <param name="probability">In [0, 1); TRL's default is 0.1, ours is off.</param>
    /// <param name="generator">Random numbers; the caller keeps it alive. Null turns dropout off.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public void SetDropout(double probability, Generator? generator)
    {
        Require.Below(probability, 0, 1);
        _dropout = new Dropout(probability, generator);
    }
}
