using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Where a stage takes the model from that it begins with. A source holds a path, a description or a reference, never weights of its own:
/// every <c>Fit</c> opens it anew, and what it came from stays unchanged.
/// </summary>
public abstract partial class ModelSource
{
    private protected ModelSource() { }

    /// <summary>A folder in Hugging Face's layout.</summary>
    /// <param name="path">
    /// Holds config.json, safetensors or pytorch_model.bin, and tokenizer files; or a PEFT adapter, which names the folder of its base.
    /// Read when a stage is fitted.
    /// </param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public static ModelSource Folder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FolderSource(path);
    }

    /// <summary>A GGUF file, as llama.cpp uses it. Quantized weights are decoded, so that the model can be trained.</summary>
    /// <param name="path">The file; see <see cref="LanguageModel.LoadGguf"/>. Read when a stage is fitted.</param>
    /// <param name="tokenizer">Its tokenizer; null = the file's own, which is read where it is byte-level BPE.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public static ModelSource Gguf(string path, TextTokenizer? tokenizer = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new GgufSource(path, tokenizer);
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
    /// <exception cref="InvalidDataException">The numbers of the configuration do not fit together, or one is out of range.</exception>
    /// <exception cref="NotSupportedException">There is no such activation or kind of rotary positions.</exception>
    public static ModelSource New(ModelConfig config, TextTokenizer tokenizer, int seed = 42)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, config.Validated("The configuration"));
        if (config.EosTokenIds.Count == 0 && tokenizer.EosTokenId is { } end)
            config = config with { EosTokenIds = [end], BosTokenId = config.BosTokenId ?? tokenizer.BosTokenId };
        return new FreshSource(config, tokenizer, seed);
    }

    /// <summary>A model in memory, such as the one that a <see cref="PpoSession"/> has trained; a stage copies its weights, or
    /// shares them where it trains adapters alone.</summary>
    /// <param name="model">The caller owns it; must not be disposed before the stage is fitted.</param>
    public static ModelSource FromModel(LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new PolicySource(model);
    }

    /// <summary>A reward model in memory; a stage copies its weights, or shares them where it trains adapters alone.</summary>
    /// <param name="model">The caller owns it; must not be disposed before the stage is fitted.</param>
    public static ModelSource FromModel(TextRewardModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new RewardSource(model);
    }

    /// <summary>A classifier in memory; a stage copies its weights.</summary>
    /// <param name="model">The caller owns it; must not be disposed before the stage is fitted.</param>
    public static ModelSource FromModel(TextClassifier model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new ClassifierSource(model);
    }

    /// <summary>The nearest policy upstream of a stage, or null.</summary>
    internal static ModelSource? Upstream(DataViewSchema schema) =>
        ModelHandle.Nearest<LanguageModel>(schema, ModelHandle.PolicyKind) is { } policy ? new PolicySource(policy) : null;

    /// <summary>A policy of one's own to train. The caller owns it.</summary>
    internal abstract LanguageModel OpenPolicy(Placement place);

    /// <summary>A reward model of one's own. The caller owns it.</summary>
    /// <param name="place">Where its weights go.</param>
    /// <param name="headSeed">Seed of the head that a policy gets; null = a policy is refused.</param>
    internal abstract TextRewardModel OpenReward(Placement place, int? headSeed);

    /// <summary>A policy to train adapters beside. Its base may be another's, and is not changed. The caller owns it.</summary>
    internal virtual LanguageModel OpenBase(Placement place) => OpenPolicy(place);

    /// <summary>A reward model to train adapters beside. Its base may be another's, and is not changed. The caller owns it.</summary>
    /// <inheritdoc cref="OpenReward"/>
    internal virtual TextRewardModel OpenRewardBase(Placement place, int? headSeed) => OpenReward(place, headSeed);

    /// <summary>A classifier of one's own. The caller owns it.</summary>
    /// <param name="place">Where its weights go.</param>
    /// <param name="labels">What it is to tell apart; null = as it is, and a model without a head for labels is refused.</param>
    internal virtual TextClassifier OpenClassifier(Placement place, WantedLabels? labels)
    {
        if (labels is null)
            throw new ArgumentException(
                "The model source holds a language model, which has no labels; give the folder of a sequence classifier, or train one by "
                + "passing TextClassificationOptions.");
        using LanguageModel policy = OpenPolicy(place);
        return labels.Heading(policy.Network, policy.Tokenizer);
    }

    /// <summary>The policy where it is in memory in the right place, without a copy; null otherwise.</summary>
    /// <param name="place">Where its weights must be; null = anywhere.</param>
    internal virtual Borrowed<LanguageModel>? SharedPolicy(Placement? place) => null;

    /// <summary>The policy as what another one is held against; without a copy where it is in memory in the right place.</summary>
    /// <param name="place">Where its weights must be.</param>
    /// <param name="policy">The configuration of the other one.</param>
    /// <param name="moves">Whether it will change, and so must be a copy.</param>
    /// <exception cref="ArgumentException">The two read different token ids.</exception>
    internal Borrowed<LanguageModel> OpenReference(Placement place, ModelConfig policy, bool moves = false)
    {
        Borrowed<LanguageModel> reference = (moves ? null : SharedPolicy(place)) ?? Borrowed<LanguageModel>.Own(OpenPolicy(place));
        int vocabulary = reference.Model.Network.Config.VocabularySize;
        if (vocabulary == policy.VocabularySize)
            return reference;
        reference.Dispose();
        throw new ArgumentException(
            $"The reference has a vocabulary of {vocabulary} tokens, the policy one of {policy.VocabularySize}; both must read the same "
            + "token ids.");
    }

    /// <summary>The reward model where it is in memory, without a copy; null otherwise.</summary>
    internal virtual Borrowed<TextRewardModel>? SharedReward() => null;

    private static TextRewardModel Headed(LanguageModel policy, int? seed) => seed is { } given
        ? new(
            policy.Network.Quantization == WeightQuantization.None
                ? RewardModel.FromPolicy(policy.Network, given, policy.Tokenizer.EosTokenId)
                : RewardModel.Beside(policy.Network, given, policy.Tokenizer.EosTokenId), // only adapters are trained
            policy.Tokenizer)
        : throw new ArgumentException(
            "The model source holds a language model, which scores nothing; give a reward model: a folder of a sequence classifier, "
            + "or what RewardModel has trained.");

    private static Placement PlaceOf(CausalLanguageModel network) => new(network.Device, network.Type, network.Quantization);

    /// <summary>The last transformer of a type: the one given, or in the depth of a chain. Null when there is none.</summary>
    private static T? LastOf<T>(ITransformer transformer)
        where T : class, ITransformer => transformer switch
        {
            T found => found,
            IEnumerable<ITransformer> chain => chain.Reverse().Select(LastOf<T>).FirstOrDefault(found => found is not null),
            _ => null,
        };
}
