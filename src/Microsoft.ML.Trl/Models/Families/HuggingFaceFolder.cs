using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Models in the folder layout of Hugging Face: <c>config.json</c>, <c>model.safetensors</c> (or shards, or <c>pytorch_model.bin</c>, which
/// is read where there are no safetensors), <c>generation_config.json</c>.
/// </summary>
public static class HuggingFaceFolder
{
    /// <summary>Name of the file with a model's shape.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>Name of the file with a policy's value head.</summary>
    internal const string ValueHeadFile = "v_head.safetensors";

    /// <summary>Loads a causal language model.</summary>
    /// <param name="folder">What <c>save_pretrained</c> or <see cref="Save(string, CausalLanguageModel)"/> wrote.</param>
    /// <param name="device">Where the weights go; null is the CPU.</param>
    /// <param name="dtype">Their type in memory; null is float32, whatever the file holds.</param>
    /// <returns>A model in evaluation mode. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The folder has no name, the device is not there, or weights cannot have the type.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, or weights and configuration do not fit; the message names the tensors.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// A PyTorch file holds more than tensors or is older than PyTorch 1.6, or the family is not supported.
    /// </exception>
    public static CausalLanguageModel LoadModel(string folder, Device? device = null, ScalarType? dtype = null) =>
        LoadModel(folder, device, dtype, WeightQuantization.None);

    /// <summary>Loads a causal language model and quantizes it matrix by matrix.</summary>
    internal static CausalLanguageModel LoadModel(string folder, Device? device, ScalarType? dtype, WeightQuantization quantization)
    {
        RequireTensor.Place(device, dtype);
        QuantizedWeights.Check(device, quantization);
        return FromFolder(folder, (store, config) => BuildModel(
            store, HasOwnHead(store, config) ? config with { TieWordEmbeddings = false } : config, device, dtype, quantization));
    }

    /// <summary>Loads a reward model: sequence classification with one label.</summary>
    /// <inheritdoc cref="LoadModel(string, Device?, ScalarType?)"/>
    public static RewardModel LoadRewardModel(string folder, Device? device = null, ScalarType? dtype = null) =>
        LoadRewardModel(folder, device, dtype, WeightQuantization.None);

    /// <summary>Loads a reward model and quantizes it matrix by matrix; its head stays as it is.</summary>
    internal static RewardModel LoadRewardModel(string folder, Device? device, ScalarType? dtype, WeightQuantization quantization)
    {
        RequireTensor.Place(device, dtype);
        QuantizedWeights.Check(device, quantization);
        return FromFolder(folder, (store, config) => BuildReward(store, config, device, dtype, quantization));
    }

    /// <summary>Loads a sequence classifier with the labels that its configuration names.</summary>
    /// <inheritdoc cref="LoadModel(string, Device?, ScalarType?)"/>
    public static SequenceClassifier LoadClassifier(string folder, Device? device = null, ScalarType? dtype = null) =>
        LoadClassifier(folder, device, dtype, WeightQuantization.None);

    /// <summary>Loads a classifier and quantizes it matrix by matrix; its head stays as it is.</summary>
    internal static SequenceClassifier LoadClassifier(string folder, Device? device, ScalarType? dtype, WeightQuantization quantization)
    {
        RequireTensor.Place(device, dtype);
        QuantizedWeights.Check(device, quantization);
        return FromFolder(folder, (store, config) => BuildClassifier(store, config, device, dtype, quantization));
    }

    /// <summary>Loads the value head that lies beside a policy.</summary>
    /// <param name="folder">Holds <c>v_head.safetensors</c>, or weights with <c>v_head.</c> tensors among them.</param>
    /// <param name="hiddenSize">H of the policy.</param>
    /// <returns>A head on the CPU in float32. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The folder has no name, or the size is below 1.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It holds no weights.</exception>
    /// <exception cref="NotSupportedException">The weights are pickled.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or does not fit.</exception>
    public static ValueHead LoadValueHead(string folder, int hiddenSize)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(hiddenSize, 1);
        string path = Path.Combine(folder, ValueHeadFile);
        using IWeightStore store = File.Exists(path) ? SafetensorsFile.Open(path) : WeightFolder.Open(folder);
        return BuildValueHead(store, hiddenSize);
    }

    /// <summary>
    /// Reads the shape of the model in a folder, with the end tokens of its <c>generation_config.json</c> where that names some.
    /// </summary>
    /// <param name="folder">Holds <c>config.json</c>.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It has no <c>config.json</c>.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or its numbers do not fit together.</exception>
    /// <exception cref="NotSupportedException">The family, the activation or the position scheme is not supported.</exception>
    public static ModelConfig LoadConfig(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                $"There is no folder '{folder}'; give the path of a Hugging Face model folder on this machine.");
        string path = Path.Combine(folder, ConfigFile);
        if (!File.Exists(path) && AdapterFolder.IsOne(folder))
            throw new FileNotFoundException(
                $"'{folder}' holds a PEFT adapter and no {ConfigFile}; load its base, and call LoadAdapter on the network. "
                + "LanguageModel.Load does both.", path);
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"'{folder}' has no {ConfigFile}; give a folder that save_pretrained wrote, or one saved by this library.", path);
        return GenerationConfig.Complete(ModelConfig.Parse(BoundedText.ReadFile(path, BoundedText.Small), path), folder);
    }

    /// <summary>
    /// Saves a causal language model so that transformers can load it. What the folder held under the same names is replaced.
    /// </summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">Only read; a tied projection is written once, as the embedding.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public static void Save(string folder, CausalLanguageModel model)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(folder, WeightFolder.SingleFile), model.Weights());
        WriteConfig(folder, model.Config, model.Config.Family.CausalArchitecture!, model.Type);
        File.WriteAllText(Path.Combine(folder, GenerationConfig.FileName), GenerationConfig.Write(model.Config));
    }

    /// <summary>Saves a reward model so that transformers can load it. What the folder held under the same names is replaced.</summary>
    /// <remarks>
    /// The configuration is written as it is. Where it has no pad token, transformers scores the last token, and one text at a time only;
    /// <see cref="TextRewardModel.Save"/>, which has the tokenizer at hand, writes a pad token then.
    /// </remarks>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">Only read.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public static void Save(string folder, RewardModel model)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        Save(folder, model, model.Config);
    }

    /// <summary>Saves a reward model under another configuration: new rows of the embedding are zeros.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">Only read.</param>
    /// <param name="config">That of the model, but for the pad token and a vocabulary that may be larger.</param>
    internal static void Save(string folder, RewardModel model, ModelConfig config)
    {
        Directory.CreateDirectory(folder);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor embedding = model.Body.TokenEmbedding;
        long rows = config.VocabularySize - embedding.shape[0];
        string rowsOfTokens = model.named_modules().First(part => ReferenceEquals(part.module, model.Body.Tokens)).name + ".weight";
        Tensor grown = rows == 0 ? embedding : cat([embedding, embedding.new_zeros(rows, embedding.shape[1])]);
        SafetensorsWriter.Write(
            Path.Combine(folder, WeightFolder.SingleFile),
            model.Weights().Select(weight => weight.Name == rowsOfTokens ? (weight.Name, grown) : weight));
        WriteConfig(folder, config with { Labels = ["LABEL_0"] }, config.Family.ClassifierArchitecture, embedding.dtype);
    }

    /// <summary>Saves a classifier so that transformers can load it. What the folder held under the same names is replaced.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">Only read.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public static void Save(string folder, SequenceClassifier model)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(folder, WeightFolder.SingleFile), model.Weights());
        WriteConfig(folder, model.Config, model.Config.Family.ClassifierArchitecture, model.Type);
    }

    /// <summary>Saves a value head beside its policy, as <c>v_head.safetensors</c> with TRL's names.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="head">Only read.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public static void Save(string folder, ValueHead head)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(head);
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, ValueHeadFile), head.Weights());
    }

    /// <summary>A causal language model of any store; see <see cref="LoadModel(string, Device?, ScalarType?)"/>.</summary>
    internal static CausalLanguageModel BuildModel(
        IWeightStore store, ModelConfig config, Device? device, ScalarType? dtype,
        WeightQuantization quantization = WeightQuantization.None)
    {
        StoredWeights weights = new(store, config.Family.DecoderName, device ?? CPU, dtype ?? ScalarType.Float32);
        weights.CheckLayers(config);
        CausalLanguageModel model = new(config, QuantizedWeights.Of(weights, quantization));
        return Checked(model, () => weights.Check(
            name => name.StartsWith("v_head.", StringComparison.Ordinal)
                || (config.TieWordEmbeddings && name == config.Family.HeadName + ".weight")
                || config.Family.IgnoredWeights.Any(end => name.EndsWith(end, StringComparison.Ordinal)),
            "Is it a causal language model of this size? A classifier is loaded as a reward model."));
    }

    /// <summary>A reward model of any store; see <see cref="LoadRewardModel(string, Device?, ScalarType?)"/>.</summary>
    internal static RewardModel BuildReward(
        IWeightStore store, ModelConfig config, Device? device, ScalarType? dtype,
        WeightQuantization quantization = WeightQuantization.None)
    {
        StoredWeights weights = new(store, config.Family.DecoderName, device ?? CPU, dtype ?? ScalarType.Float32);
        weights.CheckLayers(config);
        RewardModel model = new(config, QuantizedWeights.Of(weights, quantization));
        return Checked(model, () => weights.Check(
            _ => false,
            "Is it a classifier with one label? A causal language model becomes a reward model by RewardModel.FromPolicy and training."));
    }

    /// <summary>The value head that lies among other weights; see <see cref="LoadValueHead"/>.</summary>
    internal static ValueHead BuildValueHead(IWeightStore store, int hiddenSize)
    {
        using var scope = NewDisposeScope();
        StoredWeights weights = new(store, "v_head", CPU, ScalarType.Float32);
        ValueHead head = new(hiddenSize, weights);
        weights.Check(name => !name.StartsWith("v_head.", StringComparison.Ordinal), "Was the head made for this model?");
        return head;
    }

    internal static SequenceClassifier BuildClassifier(
        IWeightStore store, ModelConfig config, Device? device, ScalarType? dtype,
        WeightQuantization quantization = WeightQuantization.None)
    {
        StoredWeights weights = new(store, config.Family.DecoderName, device ?? CPU, dtype ?? ScalarType.Float32);
        weights.CheckLayers(config);
        SequenceClassifier model = new(config, QuantizedWeights.Of(weights, quantization));
        return Checked(model, () => weights.Check(
            name => name.EndsWith(".position_ids", StringComparison.Ordinal),
            "Is it a sequence classifier? A language model becomes one by training with TextClassification."));
    }

    /// <summary>A model of what a folder holds, which remembers the folder.</summary>
    private static T FromFolder<T>(string folder, Func<WeightFolder, ModelConfig, T> build)
        where T : DecoderModel
    {
        ModelConfig config = LoadConfig(folder);
        using WeightFolder store = WeightFolder.Open(folder);
        T model = build(store, config);
        model.Folder = Path.GetFullPath(folder);
        return model;
    }

    /// <summary>
    /// Whether a projection is stored beside a shared embedding that is another: transformers 5 calls every T5 model tied, and goes by
    /// that.
    /// </summary>
    private static bool HasOwnHead(WeightFolder store, ModelConfig config)
    {
        string head = config.Family.HeadName + ".weight", embedding = config.Family.SharedEmbeddingName + ".weight";
        if (!config.TieWordEmbeddings || config.Family.SharedEmbeddingName is null
            || store.Find(head) is not { } stored || store.Find(embedding) is not { } shared)
            return false;
        if (!stored.Shape.SequenceEqual(shared.Shape))
            return true; // which of the two is wrong, the check of all weights tells
        using var scope = NewDisposeScope();
        return store.Take(head, ScalarType.Float32).ne(store.Take(embedding, ScalarType.Float32)).any().item<bool>();
    }

    private static T Checked<T>(T model, Action check)
        where T : nn.Module
    {
        using OwnershipGuard<T> built = new(model);
        check();
        model.eval();
        return built.Release();
    }

    private static void WriteConfig(string folder, ModelConfig config, string architecture, ScalarType type)
    {
        string typeKey = config.Source?.Contains("\"dtype\"", StringComparison.Ordinal) == true ? "dtype" : "torch_dtype";
        string typeName = type.ToString().ToLowerInvariant(); // float32, bfloat16, float16 or float64
        Dictionary<string, JsonNode> extra = new() { ["architectures"] = new JsonArray(architecture), [typeKey] = typeName };
        File.WriteAllText(Path.Combine(folder, ConfigFile), ModelConfigJson.Write(config, extra));
    }
}
