using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A decoder that gives a whole text one number; a Hugging Face <c>*ForSequenceClassification</c> with one label.</summary>
/// <remarks>
/// Which token is scored follows from the configuration, by the rule of transformers: without <see cref="ModelConfig.PadTokenId"/> a
/// text's last token; with one, the last token that is not it, and the first where all are. So a loaded model whose pad token is its end
/// token (TRL's habit for tokenizers without one) reads the token before the end token. A new head reads the end token: where the pad
/// token of its configuration is an end token, the reward model has none.
/// </remarks>
public sealed class RewardModel : DecoderModel
{
    private readonly LinearLayer _score;

    internal RewardModel(ModelConfig config, WeightSource weights)
        : base(nameof(RewardModel), config.Family.IsEncoder ? throw IsEncoder(config) : WithoutEncoder(config), weights)
    {
        _score = new LinearLayer(new WeightPath(weights, "score"), config.OutputSize, 1, Initializer.Normal(config.InitializerRange));
        this.Own(_score);
    }

    /// <summary>[1, H] the scoring projection. The model owns it.</summary>
    public Tensor ScoreWeight => _score.Weight;

    /// <summary>A model with random weights on the CPU in float32.</summary>
    /// <param name="config">Its shape; a pad token that is one of the end tokens is left out.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <exception cref="ArgumentException">The model would be far larger than this machine's memory.</exception>
    /// <exception cref="InvalidDataException">The numbers of the configuration do not fit together, or one is out of range.</exception>
    /// <exception cref="NotSupportedException">There is no such activation or kind of rotary positions.</exception>
    public static RewardModel Create(ModelConfig config, int seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelSize.RequireMemory(config.Validated(nameof(Create)));
        using RandomWeights weights = new(seed);
        return new RewardModel(ScoringTheEnd(config), weights);
    }

    /// <summary>A model that begins with the decoder of a policy, copied, and a new scoring projection.</summary>
    /// <param name="policy">Stays as it is; a pad token that is one of its end tokens is not taken over.</param>
    /// <param name="seed">The new projection is a function of it.</param>
    /// <exception cref="NotSupportedException">The policy is an encoder-decoder.</exception>
    /// <exception cref="ObjectDisposedException">The policy was disposed.</exception>
    public static RewardModel FromPolicy(CausalLanguageModel policy, int seed) => FromPolicy(policy, seed, null);

    /// <summary>As the public one.</summary>
    /// <param name="policy">Stays as it is.</param>
    /// <param name="seed">The new projection is a function of it.</param>
    /// <param name="endToken">What ends the texts, where the policy's configuration may not know it; null = nothing else does.</param>
    internal static RewardModel FromPolicy(CausalLanguageModel policy, int seed, int? endToken)
    {
        ArgumentNullException.ThrowIfNull(policy);
        using RandomWeights drawn = new(seed);
        using var scope = NewDisposeScope();
        return new RewardModel(ScoringTheEnd(policy.Config, endToken), new CopiedWeights(policy.LazyWeights(), drawn));
    }

    /// <summary>
    /// As <see cref="FromPolicy(CausalLanguageModel, int, int?)"/>, with the decoder in the policy's memory; it is not trained.
    /// </summary>
    internal static RewardModel Beside(CausalLanguageModel policy, int seed, int? endToken)
    {
        using RandomWeights drawn = new(seed);
        var weights = new CopiedWeights(policy.LazyBase(), drawn, shares: true);
        return policy.ShareTo(new RewardModel(ScoringTheEnd(policy.Config, endToken), policy.Holding(weights)), withTrained: true);
    }

    /// <summary>A second model with the same weights in the same memory, and the adapters that are on; nothing of it is trained.</summary>
    internal RewardModel Sharing() =>
        ShareTo(new RewardModel(Config, Holding(new CopiedWeights(LazyBase(), shares: true))), withTrained: true);

    /// <summary>A second model with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>Adapters that are on are merged into the copy.</remarks>
    public RewardModel Copy(Device? device = null, ScalarType? type = null) => Made(source => source, device, type);

    /// <summary>The same model with weights that another source makes of its copied ones.</summary>
    internal RewardModel Made(Func<WeightSource, WeightSource> change, Device? device, ScalarType? type)
    {
        using var scope = NewDisposeScope();
        RewardModel copy = new(Config, change(new CopiedWeights(LazyWeights(), null, device, type)));
        copy.train(training);
        return copy;
    }

    /// <summary>
    /// Scores each text at its last real token that is not <see cref="ModelConfig.PadTokenId"/>, at its first where all are; see the
    /// remarks on <see cref="RewardModel"/>.
    /// </summary>
    /// <param name="ids">[B, T] int64 token ids, padded on the right with anything.</param>
    /// <param name="lengths">Real tokens of each row, from 1 to T.</param>
    /// <returns>[B] in the type of the weights; unbounded. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// There are not as many lengths as rows, one is out of range, or the ids are no tokens of the vocabulary; see
    /// <see cref="Decoder.Hidden"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor Score(Tensor ids, IReadOnlyList<int> lengths)
    {
        Body.CheckIds(ids);
        ScoredTokens.Check(ids, lengths);
        using var scope = NewDisposeScope();
        Tensor scored = Body.HiddenAt(ids, ScoredTokens.Last(ids, lengths, Config.PadTokenId)); // [B, H]
        return ScoresOf(scored).MoveToOuterDisposeScope();
    }

    /// <summary>What the scoring projection says of states, whatever tokens they are of.</summary>
    /// <param name="hidden">[n, H] of <see cref="DecoderModel.Body"/>.</param>
    /// <returns>[n] in the type of the weights. The caller owns it.</returns>
    internal Tensor ScoresOf(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return _score.Forward(hidden).squeeze(-1).MoveToOuterDisposeScope();
    }

    private static NotSupportedException IsEncoder(ModelConfig config) => new(
        $"A {config.ModelType} model is an encoder; as a reward use it as a text classifier: "
        + "RewardFunction.FromTransformer(ml.Trl().TextClassification(source).Fit(data), \"Score\", slot).");

    private static ModelConfig WithoutEncoder(ModelConfig config) => !config.IsEncoderDecoder ? config
        : throw new NotSupportedException(
            $"A {config.ModelType} model, whose encoder reads the prompt, is not supported as a reward model; train one from a decoder, "
            + "such as GPT-2 or LLaMA: it scores the texts of any policy.");

    /// <summary>The configuration of a new head: without a pad token that ends texts, which would hide the end token from it.</summary>
    private static ModelConfig ScoringTheEnd(ModelConfig config, int? endToken = null) =>
        config.PadTokenId is { } pad && (pad == endToken || config.EosTokenIds.Contains(pad)) ? config with { PadTokenId = null } : config;
}
