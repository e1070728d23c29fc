using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A decoder that gives a whole text one number; a Hugging Face <c>*ForSequenceClassification</c> with one label.</summary>
public sealed class RewardModel : DecoderModel
{
    private readonly LinearLayer _score;

    internal RewardModel(ModelConfig config, WeightSource weights) : base(nameof(RewardModel), config, weights)
    {
        _score = new LinearLayer(new WeightPath(weights, "score"), config.HiddenSize, 1, Initializer.Normal(config.InitializerRange));
        this.Own(_score);
    }

    /// <summary>[1, H] the scoring projection. The model owns it.</summary>
    public Tensor ScoreWeight => _score.Weight;

    /// <summary>A model with random weights on the CPU in float32.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <exception cref="ArgumentException">The model would be far larger than this machine's memory.</exception>
    public static RewardModel Create(ModelConfig config, int seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelSize.RequireMemory(config.Validated(nameof(Create)));
        using RandomWeights weights = new(seed);
        return new RewardModel(config, weights);
    }

    /// <summary>A model that begins with the decoder of a policy, copied, and a new scoring projection.</summary>
    /// <param name="policy">Stays as it is.</param>
    /// <param name="seed">The new projection is a function of it.</param>
    public static RewardModel FromPolicy(CausalLanguageModel policy, int seed)
    {
        ArgumentNullException.ThrowIfNull(policy);
        using RandomWeights drawn = new(seed);
        return new RewardModel(policy.Config, new CopiedWeights(policy.Weights(), drawn));
    }

    /// <summary>A second model with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    public RewardModel Copy(Device? device = null, ScalarType? type = null)
    {
        RewardModel copy = new(Config, new CopiedWeights(Weights(), null, device, type));
        copy.train(training);
        return copy;
    }

    /// <summary>Scores texts at their last real token.</summary>
    /// <param name="ids">[B, T] int64 token ids, padded on the right.</param>
    /// <param name="lengths">Real tokens of each row, from 1 to T.</param>
    /// <returns>[B] in the type of the weights; unbounded. The caller owns it.</returns>
    /// <exception cref="ArgumentException">There are not as many lengths as rows, or one is out of range.</exception>
    public Tensor Score(Tensor ids, IReadOnlyList<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(lengths);
        long width = ids.shape[^1];
        if (lengths.Count != ids.shape[0] || lengths.Any(length => length < 1 || length > width))
            throw new ArgumentException(
                $"There must be one length from 1 to {width} for each of the {ids.shape[0]} rows; " +
                $"given were [{string.Join(", ", lengths)}].", nameof(lengths));
        using var scope = NewDisposeScope();
        long[] last = [.. lengths.Select((length, row) => (row * width) + length - 1)];
        Tensor ends = Body.HiddenAt(ids, tensor(last).to(ids.device)); // [B, H]
        return _score.Forward(ends).squeeze(-1).MoveToOuterDisposeScope();
    }
}
