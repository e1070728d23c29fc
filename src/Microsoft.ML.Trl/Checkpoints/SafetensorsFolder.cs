using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The weights of a Hugging Face folder: one file, or shards with an index.</summary>
internal sealed class SafetensorsFolder : IWeightStore
{
    public const string SingleFile = "model.safetensors";
    public const string IndexFile = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _byName = new(StringComparer.Ordinal);

    private SafetensorsFolder(string folder) => Source = folder;

    public string Source { get; }

    public IEnumerable<string> Names => _byName.Keys;

    /// <exception cref="FileNotFoundException">There are no weights, or a shard is missing.</exception>
    /// <exception cref="NotSupportedException">The weights are pickled.</exception>
    /// <exception cref="InvalidDataException">A file or the index is damaged.</exception>
    public static SafetensorsFolder Open(string folder)
    {
        SafetensorsFolder opened = new(folder);
        try
        {
            if (File.Exists(Path.Combine(folder, SingleFile)))
                opened.AddAll(SingleFile);
            else if (File.Exists(Path.Combine(folder, IndexFile)))
                opened.AddShards();
            else
                PickleRefusal.ThrowIfPickled(folder);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public TensorEntry? Find(string name) => _byName.TryGetValue(name, out SafetensorsFile? file) ? file.Entries[name] : null;

    public Tensor Take(string name) => _byName[name].Read(name);

    public void Dispose()
    {
        foreach (SafetensorsFile file in _files)
            file.Dispose();
    }

    private SafetensorsFile OpenFile(string name)
    {
        SafetensorsFile file = SafetensorsFile.Open(Path.Combine(Source, name));
        _files.Add(file);
        return file;
    }

    private void AddAll(string fileName)
    {
        SafetensorsFile file = OpenFile(fileName);
        foreach (string name in file.Entries.Keys)
            _byName.Add(name, file);
    }

    private void AddShards()
    {
        string indexPath = Path.Combine(Source, IndexFile);
        foreach (IGrouping<string, (string Tensor, string File)> shard in ReadMap(indexPath).GroupBy(pair => pair.File))
        {
            if (!File.Exists(Path.Combine(Source, shard.Key)))
                throw new FileNotFoundException(
                    $"'{indexPath}' places {shard.Count()} tensors in '{shard.Key}', but that file is not in the folder; "
                    + "download it or save the model again.", shard.Key);
            SafetensorsFile file = OpenFile(shard.Key);
            foreach ((string tensor, _) in shard)
            {
                if (!file.Entries.ContainsKey(tensor))
                    throw SafetensorsHeader.Broken(indexPath, $"it places tensor '{tensor}' in '{shard.Key}', which does not hold it");
                _byName.Add(tensor, file);
            }
            foreach (string tensor in file.Entries.Keys.Except(shard.Select(pair => pair.Tensor)))
                throw SafetensorsHeader.Broken(
                    indexPath, $"shard '{shard.Key}' holds tensor '{tensor}', which the index does not place there");
        }
    }

    private static List<(string Tensor, string File)> ReadMap(string indexPath)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                BoundedText.ReadFile(indexPath, BoundedText.Large), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map)
                || map.ValueKind != JsonValueKind.Object)
                throw SafetensorsHeader.Broken(indexPath, "it has no object 'weight_map'");
            return [.. map.EnumerateObject().Select(pair => (pair.Name, ShardName(pair, indexPath)))];
        }
        catch (JsonException error)
        {
            throw SafetensorsHeader.Broken(indexPath, $"it is not JSON ({error.Message})");
        }
    }

    private static string ShardName(JsonProperty pair, string indexPath)
    {
        string? name = pair.Value.ValueKind == JsonValueKind.String ? pair.Value.GetString() : null;
        if (string.IsNullOrEmpty(name) || name.AsSpan().IndexOfAny('/', '\\', ':') >= 0 || name is "." or "..")
            throw SafetensorsHeader.Broken(
                indexPath,
                $"tensor '{pair.Name}' is placed in {pair.Value.GetRawText()}; only the name of a file in the same folder is allowed");
        if (!name.EndsWith(".safetensors", StringComparison.Ordinal))
            throw SafetensorsHeader.Broken(indexPath, $"tensor '{pair.Name}' is placed in '{name}', which is not a .safetensors file");
        return name;
    }
}
