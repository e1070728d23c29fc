using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>An adapter in the folder layout of PEFT: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
internal static class AdapterFolder
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";

    /// <summary>Whether a folder holds an adapter.</summary>
    public static bool IsOne(string folder) => File.Exists(Path.Combine(folder, ConfigFile));

    /// <summary>
    /// The folder of the base of the adapter in a folder: as the adapter says, or beside it where that is a relative path.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">It says none, or it is not there.</exception>
    /// <exception cref="InvalidDataException">The configuration is damaged.</exception>
    public static string BaseOf(string folder)
    {
        string path = Path.Combine(folder, ConfigFile);
        string? said = JsonFields.Parse(BoundedText.ReadFile(path, BoundedText.Small), path).Text("base_model_name_or_path");
        string[] places = string.IsNullOrEmpty(said) ? [] : [said, Path.GetFullPath(Path.Combine(folder, said))];
        return Array.Find(places, Directory.Exists) ?? throw new DirectoryNotFoundException(
            $"'{folder}' holds an adapter, and its base is called '{said}' (base_model_name_or_path), which is no folder on this machine; "
            + "load the base and call LoadAdapter on its network.");
    }

    /// <summary>Writes an adapter.</summary>
    public static void Save(string folder, DecoderModel model, LoraAdapter adapter, string? baseModel)
    {
        Directory.CreateDirectory(folder);
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), adapter.Tensors());
        File.WriteAllText(Path.Combine(folder, ConfigFile), AdapterConfig.Write(adapter, model, baseModel));
    }

    /// <summary>Reads the adapter of a folder, made for a model, but not beside it yet.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the adapter does not fit the model.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind.</exception>
    public static LoraAdapter Load(string folder, DecoderModel model, string name)
    {
        LoraOptions options = Options(folder);
        string path = Path.Combine(folder, WeightsFile);
        if (!File.Exists(path))
            throw File.Exists(Path.Combine(folder, "adapter_model.bin"))
                ? new NotSupportedException(
                    $"'{folder}' holds its adapter in adapter_model.bin, which is not read; save it with PEFT as safetensors.")
                : new FileNotFoundException($"'{folder}' has no {WeightsFile}; save the adapter again.", path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return LoraMaking.Stored(model, options, name, file);
    }

    private static LoraOptions Options(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}'; give the path of a PEFT adapter on this machine.");
        string path = Path.Combine(folder, ConfigFile);
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{folder}' has no {ConfigFile}; give a folder that PEFT or this library has saved.", path);
        return AdapterConfig.Read(BoundedText.ReadFile(path, BoundedText.Small), path);
    }
}
