using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// What every saved model has: <c>config.json</c>, the tokenizer's files, and <c>model.safetensors</c> with all weights. These are read in
/// one pass, so that neither memory nor disk ever holds them twice.
/// </summary>
internal static class StoredModel
{
    public const string Weights = "model.safetensors";

    /// <summary>Writes them.</summary>
    /// <returns>The names of the tokenizer's files, for <see cref="Read"/>.</returns>
    public static string[] Write(
        ModelWriter writer, ModelConfig config, TextTokenizer tokenizer, IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var scope = NewDisposeScope(); // of quantized weights, which are written widened
        writer.Text(HuggingFaceFolder.ConfigFile, config.ToJson());
        foreach ((string name, string content) in tokenizer.Files())
            writer.Text(name, content);
        writer.Binary(Weights, stream => SafetensorsWriter.Write(stream, weights));
        return [.. tokenizer.Files().Keys];
    }

    /// <summary>Reads them.</summary>
    /// <param name="reader">The saved transformer.</param>
    /// <param name="saved">Its facts.</param>
    /// <param name="env">Says which device is wanted.</param>
    /// <param name="build">Makes the model of what was stored and a device.</param>
    public static T Read<T>(ModelReader reader, SavedTransformer saved, IHostEnvironment env, Func<Parts, Device, T> build)
    {
        var host = new ComponentHost(env, "TRL");
        Device device = new DeviceChoice(false, null, null, false).Resolve(ContextSettings.Of(env), text => host.Warn("Load", text)).Device;
        TextTokenizer tokenizer = TextTokenizer.FromFiles(
            saved.TokenizerFiles.ToDictionary(name => name, name => reader.Text(name, BoundedText.Large)));
        saved.CheckChatTemplate(reader, tokenizer);
        ModelConfig config = ModelConfig.Parse(
            reader.Text(HuggingFaceFolder.ConfigFile), reader.Label(HuggingFaceFolder.ConfigFile));
        using IWeightStore weights = reader.Binary(
            Weights, (stream, length) => SafetensorsStream.Read(stream, length, reader.Label(Weights)));
        return build(new Parts(config, tokenizer, weights), device);
    }

    /// <summary>What every saved model has.</summary>
    /// <param name="Config">Its shape.</param>
    /// <param name="Tokenizer">Its tokenizer.</param>
    /// <param name="Weights">Gives each tensor once, without a copy; gone after the model was made.</param>
    internal sealed record Parts(ModelConfig Config, TextTokenizer Tokenizer, IWeightStore Weights);
}
