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
    public static ValueHead Create(int hiddenSize, int seed, VHeadInitStrategy? initStrategy = null, double initializerRange = 0.2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hiddenSize, 1);
        Require.NotNegative(initializerRange);
        using RandomWeights weights = new(seed);
        return initStrategy == VHeadInitStrategy.Normal
            ? new ValueHead(hiddenSize, weights, Initializer.Normal(initializerRange), Initializer.Zeros)
            : new ValueHead(hiddenSize, weights);
    }

    /// <summary>A second head with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    public ValueHead Copy(Device? device = null) => new((int)_summary.Weight.shape[1], new CopiedWeights(Weights(), null, device));

    /// <summary>Estimates.</summary>
    /// <param name="hidden">[..., H] hidden states after the final norm; converted to the type of the head.</param>
    /// <returns>[...] in the type of the head. The caller owns it.</returns>
    public Tensor Values(Tensor hidden)
    {
        ArgumentNullException.ThrowIfNull(hidden);
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
    public void SetDropout(double probability, Generator? generator) => _dropout = new Dropout(probability, generator);
}
