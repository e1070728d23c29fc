using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The adapters of a saved model, and where its base is if that is not stored.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record StoredAdapters
{
    /// <summary>Names of the adapters; each has two entries of its own.</summary>
    public required string[] Names { get; init; }

    /// <summary>Those of them that are on.</summary>
    public required string[] Active { get; init; }

    /// <summary>Folder of the base; null = it is stored, too.</summary>
    public string? BaseFolder { get; init; }

    /// <summary>What its files were when the model was saved; see <see cref="Adapters.BaseFolder.Hash"/>.</summary>
    public string? BaseSha256 { get; init; }

    /// <summary>Writes the adapters of a model.</summary>
    /// <returns>Null where it has none.</returns>
    /// <exception cref="InvalidOperationException">
    /// The base is to be stored by where it is, but did not come from a folder, or is another one by now.
    /// </exception>
    public static StoredAdapters? Write(ModelWriter writer, DecoderModel model)
    {
        if (ModelAdapters.Of(model) is not { } adapters)
            return null;
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        for (int number = 0; number < adapters.All.Count; number++)
        {
            LoraAdapter adapter = adapters.All[number];
            writer.Text(ConfigEntry(number), AdapterConfig.Write(adapter, model, model.Folder));
            writer.Binary(WeightsEntry(number), stream => SafetensorsWriter.Write(stream, adapter.Tensors()));
        }
        bool savesBase = adapters.All.All(adapter => adapter.Options.SaveBase);
        if (!savesBase && model.Folder is null)
            throw new InvalidOperationException(
                "SaveBase is false, but the base of the adapters did not come from a folder, where it could be found again; set it to "
                + "true.");
        return new StoredAdapters
        {
            Names = [.. adapters.All.Select(adapter => adapter.Name)],
            Active = [.. adapters.All.Where(adapter => adapter.IsOn).Select(adapter => adapter.Name)],
            BaseFolder = savesBase ? null : model.Folder,
            BaseSha256 = savesBase ? null : Microsoft.ML.Trl.Adapters.BaseFolder.Hash(model.Folder!),
        };
    }

    /// <summary>What <c>model.safetensors</c> holds: the base, or what its folder lacks of it.</summary>
    public IEnumerable<(string Name, Tensor Value)> Base(DecoderModel model) => BaseFolder is null
        ? model.HeldWeights()
        : Microsoft.ML.Trl.Adapters.BaseFolder.Lacking(model, BaseFolder);

    /// <summary>Gives a model its adapters.</summary>
    /// <exception cref="InvalidDataException">An entry is damaged, or does not fit the model.</exception>
    public void AddTo(DecoderModel model, ModelReader reader)
    {
        model.Folder = BaseFolder;
        if (Names.Any(string.IsNullOrEmpty) || Names.Distinct().Count() != Names.Length)
            throw reader.Senseless(
                SavedTransformer.Entry, $"adapters are called [{string.Join(", ", Names)}]; each must have a name of its own.");
        for (int number = 0; number < Names.Length; number++)
        {
            string entry = WeightsEntry(number);
            LoraOptions options = AdapterConfig.Read(reader.Text(ConfigEntry(number)), reader.Label(ConfigEntry(number)));
            using IWeightStore store =
                reader.Binary(entry, (stream, length) => SafetensorsStream.Read(stream, length, reader.Label(entry)));
            ModelAdapters.For(model).Add(LoraMaking.Stored(model, options with { SaveBase = BaseFolder is null }, Names[number], store));
        }
        model.SetAdapters([.. Names.Where(Active.Contains)]);
    }

    /// <summary>The weights of the base, wherever they are.</summary>
    /// <param name="stored">What the saved model holds; owned from here on.</param>
    /// <param name="config">Of the model.</param>
    /// <param name="isLanguageModel">Whether the model has a vocabulary projection.</param>
    /// <exception cref="InvalidDataException">The folder of the base is not there, or was changed.</exception>
    public IWeightStore Weights(IWeightStore stored, ModelConfig config, bool isLanguageModel)
    {
        if (BaseFolder is null)
            return stored;
        if (!Directory.Exists(BaseFolder))
            throw new InvalidDataException(
                $"The model was saved without its base, which was in '{BaseFolder}'; there is no such folder. Put the base there again, or "
                + "save the model with SaveBase.");
        if (Microsoft.ML.Trl.Adapters.BaseFolder.Hash(BaseFolder) is var found && found != BaseSha256)
            throw new InvalidDataException(
                $"The model was saved without its base, and '{BaseFolder}' holds another one by now: its SHA-256 is {found}, but "
                + $"{BaseSha256} was saved. Put the base there again, or save the model with SaveBase.");
        string head = config.Family.HeadName + ".";
        return new JoinedStore(
            stored, WeightFolder.Open(BaseFolder), name => !isLanguageModel && name.StartsWith(head, StringComparison.Ordinal));
    }

    private static string ConfigEntry(int number) => number == 0 ? AdapterFolder.ConfigFile : $"adapter_{number + 1}_config.json";

    private static string WeightsEntry(int number) => number == 0 ? AdapterFolder.WeightsFile : $"adapter_{number + 1}_model.safetensors";
}
