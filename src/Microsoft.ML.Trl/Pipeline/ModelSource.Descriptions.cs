namespace Microsoft.ML.Trl;

/// <content>What is known of a source without reading weights.</content>
public abstract partial class ModelSource
{
    /// <summary>Configuration and tokenizer alone: of a folder, its small files are read; of a GGUF file, its header.</summary>
    /// <exception cref="ArgumentException">A transformer holds no model.</exception>
    /// <exception cref="IOException">A folder or file is not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">The family or tokenizer is not supported.</exception>
    internal ModelDescription Describe() => this switch
    {
        FolderSource folder => OfFolder(folder.Path),
        GgufSource gguf => OfGguf(gguf.Path, gguf.Tokenizer),
        FreshSource fresh => new ModelDescription(fresh.Config, () => fresh.Tokenizer, IsDrawn: true),
        PolicySource policy => new ModelDescription(
            policy.Policy.Network.Config, () => policy.Policy.Tokenizer, PlaceOf(policy.Policy.Network)),
        RewardSource reward => new ModelDescription(
            reward.Reward.Network.Config, () => reward.Reward.Tokenizer,
            new Placement(
                reward.Reward.Network.Device, reward.Reward.Network.ScoreWeight.dtype, reward.Reward.Network.Quantization), IsHeaded: true),
        ClassifierSource classifier => new ModelDescription(
            classifier.Classifier.Network.Config, () => classifier.Classifier.Tokenizer, IsHeaded: true),
        TransformerSource transformer => transformer.Held.Describe(),
        _ => throw new NotSupportedException($"A {GetType().Name} cannot be planned with."),
    };

    private static ModelDescription OfFolder(string path)
    {
        bool isAdapter = Directory.Exists(path) && AdapterFolder.IsOne(path)
            && !File.Exists(System.IO.Path.Combine(path, HuggingFaceFolder.ConfigFile));
        string folder = isAdapter ? AdapterFolder.BaseOf(path) : path;
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        bool isHeaded = config.Family.IsEncoder || IsClassifierFolder(folder);
        return new ModelDescription(config, () => TextTokenizer.Load(folder), IsHeaded: isHeaded);
    }

    private static ModelDescription OfGguf(string path, TextTokenizer? tokenizer)
    {
        using GgufFile file = GgufFile.Open(path);
        TextTokenizer Own()
        {
            using GgufFile again = GgufFile.Open(path);
            return GgufTokenizer.Read(again.Metadata);
        }
        return new ModelDescription(GgufModel.Config(file).Config, () => tokenizer ?? Own());
    }

    private static bool IsClassifierFolder(string path) =>
        BoundedText.ReadFile(System.IO.Path.Combine(path, HuggingFaceFolder.ConfigFile), BoundedText.Small)
            .Contains("ForSequenceClassification", StringComparison.Ordinal);
}
