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
    /// <param name="writer">The saved transformer.</param>
    /// <param name="model">With its adapters, if any.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="more">Weights that stand beside the model's.</param>
    /// <returns>The names of the tokenizer's files and what there is of adapters, for <see cref="Read"/>.</returns>
    public static (string[] TokenizerFiles, StoredAdapters? Adapters) Write(
        ModelWriter writer, DecoderModel model, TextTokenizer tokenizer, IEnumerable<(string Name, Tensor Value)>? more = null)
    {
        using var scope = NewDisposeScope();
        StoredAdapters? adapters = StoredAdapters.Write(writer, model);
        IEnumerable<(string Name, Tensor Value)> weights = (adapters?.Base(model) ?? model.HeldWeights()).Concat(more ?? []);
        writer.Text(HuggingFaceFolder.ConfigFile, model.Config.ToJson());
        foreach ((string name, string content) in tokenizer.Files())
            writer.Text(name, content);
        writer.Binary(Weights, stream => SafetensorsWriter.Write(stream, weights));
        return ([.. tokenizer.Files().Keys], adapters);
    }

    /// <summary>Reads them.</summary>
    /// <param name="reader">The saved transformer.</param>
    /// <param name="saved">Has what <see cref="Write"/> gave.</param>
    /// <param name="env">Says which device is wanted.</param>
    /// <param name="build">Makes the network of what was stored and a device.</param>
    /// <param name="finish">Makes the model of that network with its adapters; owns it.</param>
    public static TModel Read<TNetwork, TModel>(
        ModelReader reader, SavedTransformer saved, IHostEnvironment env, Func<Parts, Device, TNetwork> build,
        Func<Parts, TNetwork, TModel> finish)
        where TNetwork : DecoderModel
    {
        var host = new ComponentHost(env, "TRL");
        Device device = new DeviceChoice(false, null, null, false).Resolve(ContextSettings.Of(env), text => host.Warn("Load", text)).Device;
        TextTokenizer tokenizer = TextTokenizer.FromFiles(
            saved.TokenizerFiles.ToDictionary(name => name, name => reader.Text(name, BoundedText.Large)));
        saved.CheckChatTemplate(reader, tokenizer);
        ModelConfig config = ModelConfig.Parse(
            reader.Text(HuggingFaceFolder.ConfigFile), reader.Label(HuggingFaceFolder.ConfigFile));
        bool isLanguageModel = typeof(TNetwork) == typeof(CausalLanguageModel);
        IWeightStore stored = reader.Binary(
            Weights, (stream, length) => SafetensorsStream.Read(stream, length, reader.Label(Weights)));
        using IWeightStore weights = saved.Adapters?.Weights(stored, config, isLanguageModel) ?? stored;
        Parts parts = new(config, tokenizer, weights);
        reader.Sensible(SavedTransformer.Entry, () => Require.Known(saved.Quantization));
        using var network = new OwnershipGuard<TNetwork>(build(parts, device));
        saved.Adapters?.AddTo(network.Value, reader);
        return finish(parts, network.Release());
    }

    /// <summary>Reads a sequence classifier.</summary>
    /// <inheritdoc cref="Read"/>
    public static TextClassifier ReadClassifier(ModelReader reader, SavedTransformer saved, IHostEnvironment env) => Read(
        reader, saved, env,
        (parts, device) => saved.On(
            device,
            place => HuggingFaceFolder.BuildClassifier(parts.Weights, parts.Config, place, saved.Type, saved.Quantization),
            network => network.Copy(device)),
        (parts, network) => new TextClassifier(network, parts.Tokenizer));

    /// <summary>What every saved model has.</summary>
    /// <param name="Config">Its shape.</param>
    /// <param name="Tokenizer">Its tokenizer.</param>
    /// <param name="Weights">Gives each tensor once, without a copy; gone after the model was made.</param>
    internal sealed record Parts(ModelConfig Config, TextTokenizer Tokenizer, IWeightStore Weights);
}
