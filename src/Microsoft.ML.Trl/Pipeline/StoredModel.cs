using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// What every saved model has: <c>config.json</c>, the tokenizer's files, and <c>model.safetensors</c> with all weights. While it is read,
/// these lie in a temporary folder in Hugging Face's layout.
/// </summary>
internal static class StoredModel
{
    public const string Weights = "model.safetensors";

    /// <summary>Writes them.</summary>
    /// <returns>The names of the tokenizer's files, for <see cref="Read"/>.</returns>
    public static string[] Write(
        ModelWriter writer, ModelConfig config, TextTokenizer tokenizer, IEnumerable<(string Name, Tensor Value)> weights)
    {
        writer.Text(HuggingFaceFolder.ConfigFile, config.ToJson());
        foreach ((string name, string content) in tokenizer.Files())
            writer.Text(name, content);
        writer.Binary(Weights, stream => SafetensorsWriter.Write(stream, weights));
        return [.. tokenizer.Files().Keys];
    }

    /// <summary>Reads them.</summary>
    /// <param name="reader">The saved transformer.</param>
    /// <param name="tokenizerFiles">What <see cref="Write"/> gave.</param>
    /// <param name="env">Says where temporary files go and which device is wanted.</param>
    /// <param name="build">Makes the model of a folder, a tokenizer and a device; the folder is gone afterwards.</param>
    public static T Read<T>(
        ModelReader reader, IReadOnlyList<string> tokenizerFiles, IHostEnvironment env, Func<string, TextTokenizer, Device, T> build)
    {
        ContextSettings settings = ContextSettings.Of(env);
        var host = new ComponentHost(env, "TRL");
        Device device = new DeviceChoice(false, null, null, false).Resolve(settings, text => host.Warn("Load", text)).Device;
        TextTokenizer tokenizer = TextTokenizer.FromFiles(
            tokenizerFiles.ToDictionary(name => name, name => reader.Text(name, BoundedText.Large)));
        DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(settings.TempFolder, "trl_" + Guid.NewGuid().ToString("N")));
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, HuggingFaceFolder.ConfigFile), reader.Text(HuggingFaceFolder.ConfigFile));
            reader.BinaryToFile(Weights, folder.FullName);
            return build(folder.FullName, tokenizer, device);
        }
        catch (InvalidDataException cause) when (cause.Message.Contains(folder.FullName, StringComparison.Ordinal))
        {
            string files = folder.FullName + Path.DirectorySeparatorChar;
            throw new InvalidDataException(
                cause.Message.Replace(files, reader.Label(""), StringComparison.Ordinal)
                    .Replace(folder.FullName, reader.Label(Weights), StringComparison.Ordinal),
                cause);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
