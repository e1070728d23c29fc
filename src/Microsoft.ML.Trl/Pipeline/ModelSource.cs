using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Where a stage takes the model from that it begins with. A source holds a path, a description or a reference, never weights of its own:
/// every <c>Fit</c> opens it anew, and what it came from stays unchanged.
/// </summary>
public abstract class ModelSource
{
    private protected ModelSource() { }

    /// <summary>A folder in Hugging Face's layout.</summary>
    /// <param name="path">Holds config.json, safetensors and tokenizer files. Read when a stage is fitted.</param>
    public static ModelSource Folder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FolderSource(path);
    }

    /// <summary>The model of a fitted or loaded transformer; of a chain, the last one of the kind that is needed.</summary>
    /// <param name="transformer">Must not be disposed before the stage is fitted.</param>
    public static ModelSource FromTransformer(ITransformer transformer)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return new TransformerSource(transformer);
    }

    /// <summary>A model with random weights.</summary>
    /// <param name="config">Its shape; where it names no end token, the tokenizer's is taken.</param>
    /// <param name="tokenizer">Its tokenizer, of the same vocabulary.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <exception cref="ArgumentException">Tokenizer and configuration have different vocabularies.</exception>
    public static ModelSource New(ModelConfig config, TextTokenizer tokenizer, int seed = 42)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, config);
        if (config.EosTokenIds.Count == 0 && tokenizer.EosTokenId is { } end)
            config = config with { EosTokenIds = [end], BosTokenId = config.BosTokenId ?? tokenizer.BosTokenId };
        return new FreshSource(config, tokenizer, seed);
    }

    /// <summary>The nearest policy upstream of a stage, or null.</summary>
    internal static ModelSource? Upstream(DataViewSchema schema) =>
        ModelHandle.Nearest<LanguageModel>(schema, ModelHandle.PolicyKind) is { } policy ? new PolicySource(policy) : null;

    /// <summary>A policy of one's own to train. The caller owns it.</summary>
    internal abstract LanguageModel OpenPolicy(Placement place);

    /// <summary>A reward model of one's own to train; a policy gets a fresh head. The caller owns it.</summary>
    internal abstract TextRewardModel OpenReward(Placement place, int seed);

    /// <summary>
    /// The network that <see cref="OpenPolicy"/> copies, where it is in memory in the right place: a reference
    /// that costs nothing. Not the caller's.
    /// </summary>
    internal virtual CausalLanguageModel? Frozen(Placement place) => null;

    private static TextRewardModel Headed(LanguageModel policy, int seed) =>
        new(RewardModel.FromPolicy(policy.Network, seed), policy.Tokenizer);

    /// <summary>The last transformer of a type: the one given, or in the depth of a chain. Null when there is none.</summary>
    private static T? LastOf<T>(ITransformer transformer)
        where T : class, ITransformer => transformer switch
        {
            T found => found,
            IEnumerable<ITransformer> chain => chain.Reverse().Select(LastOf<T>).FirstOrDefault(found => found is not null),
            _ => null,
        };

    private sealed class FolderSource(string path) : ModelSource
    {
        internal override LanguageModel OpenPolicy(Placement place) => LanguageModel.Load(path, place.Device, place.Type);

        internal override TextRewardModel OpenReward(Placement place, int seed)
        {
            HuggingFaceFolder.LoadConfig(path);
            string config = BoundedText.ReadFile(Path.Combine(path, HuggingFaceFolder.ConfigFile), BoundedText.Small);
            if (config.Contains("ForSequenceClassification", StringComparison.Ordinal))
                return TextRewardModel.Load(path, place.Device, place.Type);
            using LanguageModel policy = OpenPolicy(place);
            return Headed(policy, seed);
        }
    }

    private sealed class FreshSource(ModelConfig config, TextTokenizer tokenizer, int seed) : ModelSource
    {
        internal override LanguageModel OpenPolicy(Placement place)
        {
            CausalLanguageModel network = CausalLanguageModel.Create(config, seed);
            if (place == new Placement(network.Device, network.Type))
                return new LanguageModel(network, tokenizer);
            using (network)
                return new LanguageModel(network.Copy(place.Device, place.Type), tokenizer);
        }

        internal override TextRewardModel OpenReward(Placement place, int headSeed)
        {
            using LanguageModel policy = OpenPolicy(place);
            return Headed(policy, headSeed);
        }
    }

    private sealed class PolicySource(LanguageModel policy) : ModelSource
    {
        internal override LanguageModel OpenPolicy(Placement place) => policy.Copy(place.Device, place.Type);

        internal override TextRewardModel OpenReward(Placement place, int seed)
        {
            if (place == new Placement(policy.Network.Device, policy.Network.Type))
                return Headed(policy, seed);
            using LanguageModel moved = policy.Copy(place.Device, place.Type);
            return Headed(moved, seed);
        }

        internal override CausalLanguageModel? Frozen(Placement place) =>
            place == new Placement(policy.Network.Device, policy.Network.Type) ? policy.Network : null;
    }

    private sealed class TransformerSource(ITransformer transformer) : ModelSource
    {
        internal override LanguageModel OpenPolicy(Placement place) => Policy().OpenPolicy(place);

        internal override TextRewardModel OpenReward(Placement place, int seed)
        {
            if (LastOf<RewardTransformer>(transformer) is not { } reward)
                return Policy().OpenReward(place, seed);
            TextRewardModel model = reward.Model;
            return new TextRewardModel(model.Network.Copy(place.Device, place.Type), model.Tokenizer, model.ReadsWholeTexts);
        }

        internal override CausalLanguageModel? Frozen(Placement place) => Policy().Frozen(place);

        private PolicySource Policy() => LastOf<TextGenerationTransformer>(transformer) is { } found
            ? new PolicySource(found.Model)
            : throw new ArgumentException(
                $"The transformer given as model source ({transformer.GetType().Name}) holds no language model; "
                + "give one that Sft, Dpo or Ppo returned, or a chain with one in it.",
                nameof(transformer));
    }
}
