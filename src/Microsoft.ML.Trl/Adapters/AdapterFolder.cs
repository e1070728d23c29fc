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
