extern alias facade;

using System.Text.Json;
using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML;

[assembly: Internals.LoadableClass(
    typeof(Microsoft.ML.Trl.TextGenerationTransformer), typeof(Microsoft.ML.Trl.Pipeline.TextGenerationLoader), null,
    typeof(Internals.SignatureLoadModel), "TRL text generation", Microsoft.ML.Trl.Pipeline.TextGenerationLoader.LoaderSignature)]

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// A text generator in ML.NET's zip: <c>transformer.json</c> (columns, types), <c>generation.json</c>, <c>history.jsonl</c>,
/// <c>config.json</c>, the tokenizer's files, <c>model.safetensors</c> (the critic of PPO included), and a SHA-256 beside each.
/// </summary>
internal static class TextGenerationLoader
{
    public const string LoaderSignature = "TrlTextGeneration";
    private const string ModelSignature = "TRL TEXT";
    private const uint Version = 1;
    private const string GenerationEntry = "generation.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static void Save(ModelSaveContext context, TextGenerationTransformer transformer)
    {
        var writer = new ModelWriter(context, ModelSignature, LoaderSignature, Version);
        LanguageModel model = transformer.Model;
        using IDisposable use = model.Use();
        var (tokenizerFiles, adapters) = StoredModel.Write(writer, model.Network, model.Tokenizer, model.ValueHead?.Weights());
        writer.Text(GenerationEntry, JsonSerializer.Serialize(transformer.Generation, Json));
        writer.Text(TrainingHistory.FileName, TrainingHistory.ToText(transformer.Reports));
        new SavedTransformer
        {
            PromptColumnName = transformer.PromptColumnName,
            CompletionColumnName = transformer.OutputColumnName,
            ScoreColumnName = transformer.ScoreColumnName,
            BatchSize = transformer.BatchSize,
            SampleSize = transformer.SampleSize == 1 ? null : transformer.SampleSize,
            WeightType = model.Network.Type.ToString(),
            Quantization = model.Network.Quantization,
            Conversations = transformer.Conversations,
            Adapters = adapters,
            HasValueHead = model.ValueHead is not null,
            TokenizerFiles = tokenizerFiles,
        }.WriteTo(writer);
    }

    /// <summary>Called by ML.NET, which finds it by the attribute above.</summary>
    public static TextGenerationTransformer Create(IHostEnvironment env, object context)
    {
        ArgumentNullException.ThrowIfNull(env);
        var reader = new ModelReader(context, ModelSignature, LoaderSignature, Version);
        SavedTransformer saved = SavedTransformer.ReadFrom(
            reader, found => found.PromptColumnName, nameof(SavedTransformer.PromptColumnName));
        GenerationOptions generation = SavedTransformer.Parse<GenerationOptions>(reader, GenerationEntry);
        reader.Sensible(GenerationEntry, () => TextGenerationTransformer.CheckSamples(
            saved.SampleSize ?? 1, generation.ValidatedForOne("a column of completions"), nameof(SavedTransformer.SampleSize)));
        IReadOnlyList<StepReport> reports = reader.History();
        ValueHead? head = null;
        LanguageModel model = StoredModel.Read(
            reader, saved, env,
            (parts, device) =>
            {
                reader.Sensible(GenerationEntry, () => generation.CheckTokens(parts.Config.VocabularySize));
                head = saved.HasValueHead ? HuggingFaceFolder.BuildValueHead(parts.Weights, parts.Config.OutputSize) : null;
                return saved.On(
                    device,
                    place => HuggingFaceFolder.BuildModel(parts.Weights, parts.Config, place, saved.Type, saved.Quantization),
                    network => network.Copy(device));
            },
            (parts, network) => new LanguageModel(network, parts.Tokenizer, generation, head));
        return new TextGenerationTransformer(
            env, model, saved.CompletionColumnName, saved.ScoreColumnName, saved.PromptColumnName!, reports,
            conversations: saved.Conversations)
        {
            BatchSize = saved.BatchSize,
            SampleSize = saved.SampleSize ?? 1,
        };
    }
}
