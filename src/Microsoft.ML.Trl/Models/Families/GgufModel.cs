using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Networks in GGUF files, as llama.cpp stores them.</summary>
internal static class GgufModel
{
    private const uint QuantizationVersion = 2;

    /// <summary>Builds the network of a file.</summary>
    /// <param name="file">Stays the caller's.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <param name="quantization">How matrices are held in memory.</param>
    /// <returns>A model in evaluation mode. The caller owns it.</returns>
    /// <exception cref="InvalidDataException">Values or tensors are missing or do not fit; the message names them.</exception>
    /// <exception cref="NotSupportedException">A family, type or position scheme this library does not have.</exception>
    public static CausalLanguageModel Load(
        GgufFile file, Device? device, ScalarType? type, WeightQuantization quantization = WeightQuantization.None)
    {
        QuantizedWeights.Check(device, quantization);
        (ModelConfig config, GgufArchitecture architecture) = Config(file);
        return HuggingFaceFolder.BuildModel(new Renamed(file, architecture, config), config, device, type, quantization);
    }

    /// <summary>What the network of a file looks like.</summary>
    public static (ModelConfig Config, GgufArchitecture Architecture) Config(GgufFile file)
    {
        string name = file.Metadata.Text(GgufConfig.ArchitectureKey) ?? throw new InvalidDataException(
            $"'{file.Source}' has no {GgufConfig.ArchitectureKey} in its metadata; is it a model? Convert or download it again.");
        GgufArchitecture architecture = GgufArchitecture.Named(name, file.Source);
        return (GgufConfig.Read(file, architecture), architecture);
    }

    /// <summary>Writes a network.</summary>
    /// <param name="path">Where to; the folder must exist.</param>
    /// <param name="model">Only read.</param>
    /// <param name="type">How matrices are stored.</param>
    /// <param name="more">Metadata of the tokenizer.</param>
    /// <exception cref="NotSupportedException">llama.cpp has no such model; the message says why.</exception>
    public static void Save(string path, CausalLanguageModel model, GgufType type, IEnumerable<KeyValuePair<string, object>> more)
    {
        GgufArchitecture architecture = GgufArchitecture.Of(model.Config);
        List<KeyValuePair<string, object>> metadata = GgufConfig.Write(model.Config, architecture);
        metadata.Add(new("general.file_type", type == GgufType.Q8_0 ? 7u : 1u));
        metadata.Add(new("general.quantization_version", QuantizationVersion));
        metadata.AddRange(more);
        using var scope = NewDisposeScope();
        List<GgufTensor> tensors =
        [
            .. model.Weights().Select(weight => new GgufTensor(
                architecture.Theirs(weight.Name), weight.Value, StoredAs(weight.Value, type),
                architecture.Writing(weight.Name, model.Config))),
        ];
        if (GgufConfig.RopeFactors(model.Config) is { } factors)
            tensors.Add(new GgufTensor(GgufArchitecture.RopeFactors, tensor(factors), GgmlType.F32));
        GgufWriter.Write(path, metadata, tensors);
    }

    private static GgmlType StoredAs(Tensor value, GgufType type) =>
        value.dim() < 2 ? GgmlType.F32
        : type == GgufType.Q8_0 && value.shape[^1] % GgmlType.Q8_0.BlockSize == 0 ? GgmlType.Q8_0
        : GgmlType.F16;

    /// <summary>The tensors of a file under the names, and with the values, that Hugging Face's checkpoints have.</summary>
    private sealed class Renamed : IWeightStore
    {
        private readonly GgufFile _file;
        private readonly GgufArchitecture _architecture;
        private readonly ModelConfig _config;
        private readonly Dictionary<string, string> _theirs;

        public Renamed(GgufFile file, GgufArchitecture architecture, ModelConfig config)
        {
            (_file, _architecture, _config) = (file, architecture, config);
            IEnumerable<string> names = file.Names.Where(name => name != GgufArchitecture.RopeFactors);
            _theirs = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (string name in names)
                if (!_theirs.TryAdd(architecture.Ours(name), name))
                    throw FileBytes.Broken(file.Source, $"it has the tensors '{name}' and '{architecture.Ours(name)}', which are the same");
        }

        public string Source => _file.Source;

        public IEnumerable<string> Names => _theirs.Keys;

        public TensorEntry? Find(string name) =>
            _theirs.TryGetValue(name, out string? theirs) ? _file.Find(theirs)! with { Name = name } : null;

        public Tensor Take(string name, ScalarType type)
        {
            if (_architecture.Reading(name, _config) is not { } change)
                return _file.Take(_theirs[name], type);
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            return change(_file.Take(_theirs[name], ScalarType.Float32)).to_type(type).MoveToOuterDisposeScope();
        }

        public void Dispose() { } // the file is the caller's
    }
}
