using System.Text.Json;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>
/// The weights of a Hugging Face folder: one file, or shards with an index; safetensors where there are any, else PyTorch's.
/// </summary>
internal sealed class WeightFolder : IWeightStore
{
    /// <summary>The file that this library writes.</summary>
    public const string SingleFile = "model.safetensors";

    private static readonly Layout[] Layouts =
    [
        new(SingleFile, SingleFile + ".index.json", ".safetensors", SafetensorsFile.Open),
        new("pytorch_model.bin", "pytorch_model.bin.index.json", ".bin", TorchFile.Open),
    ];

    private static readonly string[] OtherPickles = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl"];

    private readonly List<IWeightStore> _files = [];
    private readonly Dictionary<string, IWeightStore> _byName = new(StringComparer.Ordinal);

    private WeightFolder(string folder) => Source = folder;

    public string Source { get; }

    public IEnumerable<string> Names => _byName.Keys;

    /// <exception cref="FileNotFoundException">There are no weights, or a shard is missing.</exception>
    /// <exception cref="NotSupportedException">The weights are in a pickle that holds more than tensors, or in the old format.</exception>
    /// <exception cref="InvalidDataException">A file or the index is damaged.</exception>
    public static WeightFolder Open(string folder)
    {
        Layout layout = Array.Find(Layouts, layout => layout.IsIn(folder)) ?? throw Nothing(folder);
        using OwnershipGuard<WeightFolder> opened = new(new WeightFolder(folder));
        if (File.Exists(Path.Combine(folder, layout.SingleFile)))
            opened.Value.AddAll(layout);
        else
            opened.Value.AddShards(layout);
        return opened.Release();
    }

    public TensorEntry? Find(string name) => _byName.TryGetValue(name, out IWeightStore? file) ? file.Find(name) : null;

    public Tensor Take(string name, ScalarType type) => _byName[name].Take(name, type);

    public IEnumerable<(long From, Tensor Rows)> TakeRows(string name, long atOnce) => _byName[name].TakeRows(name, atOnce);

    public void Dispose()
    {
        foreach (IWeightStore file in _files)
            file.Dispose();
    }

    private static FileNotFoundException Nothing(string folder)
    {
        string? pickle = OtherPickles.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Min(StringComparer.Ordinal);
        string names = string.Join(", ", Layouts.SelectMany(layout => new[] { layout.SingleFile, layout.IndexFile }));
        string found = pickle is null ? "" : $" There is '{Path.GetFileName(pickle)}'; if it holds the model's state_dict, rename it.";
        return new FileNotFoundException(
            $"'{folder}' has none of {names}; give a folder that save_pretrained wrote, or one saved by this library.{found}");
    }

    private IWeightStore OpenFile(Layout layout, string name)
    {
        IWeightStore file = layout.Open(Path.Combine(Source, name));
        _files.Add(file);
        return file;
    }

    private void AddAll(Layout layout)
    {
        IWeightStore file = OpenFile(layout, layout.SingleFile);
        foreach (string name in file.Names)
            _byName.Add(name, file);
    }

    private void AddShards(Layout layout)
    {
        string indexPath = Path.Combine(Source, layout.IndexFile);
        foreach (IGrouping<string, (string Tensor, string File)> shard in ReadMap(indexPath, layout).GroupBy(pair => pair.File))
        {
            if (!File.Exists(Path.Combine(Source, shard.Key)))
                throw new FileNotFoundException(
                    $"'{indexPath}' places {shard.Count()} tensors in '{shard.Key}', but that file is not in the folder; "
                    + "download it or save the model again.", shard.Key);
            IWeightStore file = OpenFile(layout, shard.Key);
            foreach ((string tensor, _) in shard)
            {
                if (file.Find(tensor) is null)
                    throw Broken(indexPath, $"it places tensor '{tensor}' in '{shard.Key}', which does not hold it");
                _byName.Add(tensor, file);
            }
            foreach (string tensor in file.Names.Except(shard.Select(pair => pair.Tensor)))
                throw Broken(indexPath, $"shard '{shard.Key}' holds tensor '{tensor}', which the index does not place there");
        }
    }

    private static List<(string Tensor, string File)> ReadMap(string indexPath, Layout layout)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                BoundedText.ReadFile(indexPath, BoundedText.Large), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map)
                || map.ValueKind != JsonValueKind.Object)
                throw Broken(indexPath, "it has no object 'weight_map'");
            return [.. map.EnumerateObject().Select(pair => (pair.Name, ShardName(pair, indexPath, layout)))];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter: a text in it is no Unicode
        {
            throw Broken(indexPath, $"it is not JSON ({error.Message})");
        }
    }

    private static string ShardName(JsonProperty pair, string indexPath, Layout layout)
    {
        string? name = pair.Value.ValueKind == JsonValueKind.String ? pair.Value.GetString() : null;
        if (string.IsNullOrEmpty(name) || name.AsSpan().IndexOfAny('/', '\\', ':') >= 0 || name is "." or "..")
            throw Broken(
                indexPath,
                $"tensor '{pair.Name}' is placed in {pair.Value.GetRawText()}; only the name of a file in the same folder is allowed");
        if (!name.EndsWith(layout.Extension, StringComparison.Ordinal))
            throw Broken(indexPath, $"tensor '{pair.Name}' is placed in '{name}', which is not a {layout.Extension} file");
        return name;
    }

    private sealed record Layout(string SingleFile, string IndexFile, string Extension, Func<string, IWeightStore> Open)
    {
        public bool IsIn(string folder) =>
            File.Exists(Path.Combine(folder, SingleFile)) || File.Exists(Path.Combine(folder, IndexFile));
    }
}
