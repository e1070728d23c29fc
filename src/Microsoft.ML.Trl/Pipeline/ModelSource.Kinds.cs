namespace Microsoft.ML.Trl;

/// <content>What a source can be.</content>
public abstract partial class ModelSource
{
    private sealed class FolderSource(string path) : ModelSource
    {
        public string Path => path;

        internal override LanguageModel OpenPolicy(Placement place)
        {
            LanguageModel found = OpenBase(place);
            if (found.Network.AdapterNames().Count > 0 && place.Quantization == WeightQuantization.None)
                found.Network.MergeAndUnload();
            return found;
        }

        internal override LanguageModel OpenBase(Placement place) =>
            LanguageModel.Load(path, place.Device, place.Type, place.Quantization);

        internal override TextRewardModel OpenReward(Placement place, int? headSeed)
        {
            if (File.Exists(System.IO.Path.Combine(path, HuggingFaceFolder.ConfigFile)) && IsClassifierFolder(path))
                return TextRewardModel.Load(path, place.Device, place.Type, place.Quantization);
            using LanguageModel policy = OpenPolicy(place);
            return Headed(policy, headSeed);
        }

        internal override TextClassifier OpenClassifier(Placement place, WantedLabels? labels)
        {
            ModelConfig config = HuggingFaceFolder.LoadConfig(path);
            if (!config.Family.IsEncoder && !IsClassifierFolder(path))
                return base.OpenClassifier(place, labels);
            TextClassifier found = TextClassifier.Load(path, place.Device, place.Type, place.Quantization);
            return labels is null ? found : labels.Given(found);
        }
    }

    private sealed class GgufSource(string path, TextTokenizer? tokenizer) : ModelSource
    {
        public string Path => path;

        public TextTokenizer? Tokenizer => tokenizer;

        internal override LanguageModel OpenPolicy(Placement place) =>
            LanguageModel.LoadGguf(path, tokenizer, place.Device, place.Type, place.Quantization);

        internal override TextRewardModel OpenReward(Placement place, int? headSeed)
        {
            using LanguageModel policy = OpenPolicy(place);
            return Headed(policy, headSeed);
        }
    }

    private sealed class FreshSource(ModelConfig config, TextTokenizer tokenizer, int seed) : ModelSource
    {
        public ModelConfig Config => config;

        public TextTokenizer Tokenizer => tokenizer;

        internal override LanguageModel OpenPolicy(Placement place)
        {
            CausalLanguageModel network = CausalLanguageModel.Create(config, seed);
            if (place == PlaceOf(network))
                return new LanguageModel(network, tokenizer);
            using LanguageModel first = new(network, tokenizer);
            return first.Copy(place.Device, place.Type, place.Quantization);
        }

        internal override TextRewardModel OpenReward(Placement place, int? headSeed)
        {
            using LanguageModel policy = OpenPolicy(place);
            return Headed(policy, headSeed);
        }
    }

    private sealed class PolicySource(LanguageModel policy) : ModelSource
    {
        public LanguageModel Policy => policy;

        internal override LanguageModel OpenPolicy(Placement place) => policy.Copy(place.Device, place.Type, place.Quantization);

        internal override TextRewardModel OpenReward(Placement place, int? headSeed)
        {
            using IDisposable use = policy.Use();
            if (place == PlaceOf(policy.Network))
                return Headed(policy, headSeed);
            using LanguageModel moved = policy.Copy(place.Device, place.Type, place.Quantization);
            return Headed(moved, headSeed);
        }

        internal override LanguageModel OpenBase(Placement place) => IsShareable(place) ? policy.Sharing() : OpenPolicy(place);

        internal override TextRewardModel OpenRewardBase(Placement place, int? headSeed)
        {
            using IDisposable use = policy.Use();
            return headSeed is { } seed && IsShareable(place)
                ? new(RewardModel.Beside(policy.Network, seed, policy.Tokenizer.EosTokenId), policy.Tokenizer)
                : OpenReward(place, headSeed);
        }

        private bool IsShareable(Placement place) => place == PlaceOf(policy.Network);

        internal override Borrowed<LanguageModel>? SharedPolicy(Placement? place)
        {
            IDisposable use = policy.Use();
            if (place is null || place == PlaceOf(policy.Network))
                return new Borrowed<LanguageModel>(policy, use);
            use.Dispose();
            return null;
        }
    }

    private sealed class RewardSource(TextRewardModel reward) : ModelSource
    {
        public TextRewardModel Reward => reward;

        internal override LanguageModel OpenPolicy(Placement place) => throw new ArgumentException(
            "The model source holds a reward model, which writes nothing; give a language model to a stage that generates.");

        internal override TextRewardModel OpenReward(Placement place, int? headSeed) =>
            reward.Copy(place.Device, place.Type, place.Quantization);

        internal override TextRewardModel OpenRewardBase(Placement place, int? headSeed) =>
            place == new Placement(reward.Network.Device, reward.Network.ScoreWeight.dtype, reward.Network.Quantization)
                ? reward.Sharing()
                : OpenReward(place, headSeed);

        internal override Borrowed<TextRewardModel>? SharedReward() => new(reward, reward.Use());
    }

    private sealed class ClassifierSource(TextClassifier classifier) : ModelSource
    {
        public TextClassifier Classifier => classifier;

        internal override LanguageModel OpenPolicy(Placement place) => throw new ArgumentException(
            "The model source holds a classifier, which writes nothing; give a language model to a stage that generates.");

        internal override TextRewardModel OpenReward(Placement place, int? headSeed) => throw new ArgumentException(
            "The model source holds a classifier; as a reward use its transformer: "
            + "RewardFunction.FromTransformer(classifier, \"Score\", slot).");

        internal override TextClassifier OpenClassifier(Placement place, WantedLabels? labels)
        {
            TextClassifier copy = classifier.Copy(place.Device, place.Type, place.Quantization);
            return labels is null ? copy : labels.Given(copy);
        }
    }

    private sealed class TransformerSource(ITransformer transformer) : ModelSource
    {
        /// <summary>The model in it, whatever its kind.</summary>
        public ModelSource Held => LastOf<TextClassificationTransformer>(transformer) is { } found
            ? new ClassifierSource(found.Model)
            : (ModelSource?)Reward() ?? Policy();

        internal override LanguageModel OpenPolicy(Placement place) => Policy().OpenPolicy(place);

        internal override TextRewardModel OpenReward(Placement place, int? headSeed) => Reward() is { } reward
            ? reward.OpenReward(place, headSeed)
            : Policy().OpenReward(place, headSeed);

        internal override LanguageModel OpenBase(Placement place) => Policy().OpenBase(place);

        internal override TextRewardModel OpenRewardBase(Placement place, int? headSeed) => Reward() is { } reward
            ? reward.OpenRewardBase(place, headSeed)
            : Policy().OpenRewardBase(place, headSeed);

        internal override TextClassifier OpenClassifier(Placement place, WantedLabels? labels) =>
            LastOf<TextClassificationTransformer>(transformer) is { } found
                ? new ClassifierSource(found.Model).OpenClassifier(place, labels)
                : base.OpenClassifier(place, labels);

        internal override Borrowed<LanguageModel>? SharedPolicy(Placement? place) => Policy().SharedPolicy(place);

        internal override Borrowed<TextRewardModel>? SharedReward() => Reward()?.SharedReward();

        private RewardSource? Reward() => LastOf<RewardTransformer>(transformer) is { } found ? new RewardSource(found.Model) : null;

        private PolicySource Policy() => LastOf<TextGenerationTransformer>(transformer) is { } found
            ? new PolicySource(found.Model)
            : throw new ArgumentException(
                $"The transformer given as model source ({transformer.GetType().Name}) holds no language model; "
                + "give one that Sft, Dpo or Ppo returned, or a chain with one in it.",
                nameof(transformer));
    }
}
