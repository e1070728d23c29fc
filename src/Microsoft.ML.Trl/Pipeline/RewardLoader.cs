extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML;

[assembly: Internals.LoadableClass(
    typeof(Microsoft.ML.Trl.RewardTransformer), typeof(Microsoft.ML.Trl.Pipeline.RewardLoader), null,
    typeof(Internals.SignatureLoadModel), "TRL reward", Microsoft.ML.Trl.Pipeline.RewardLoader.LoaderSignature)]

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// A reward model in ML.NET's zip: <c>transformer.json</c> (columns, types), <c>history.jsonl</c>, <c>config.json</c>, the tokenizer's
/// files, <c>model.safetensors</c> (the scoring head included), and a SHA-256 beside each.
/// </summary>
internal static class RewardLoader
{
    public const string LoaderSignature = "TrlReward";
    private const string ModelSignature = "TRL RWRD";
    private const uint Version = 1;

    public static void Save(ModelSaveContext context, RewardTransformer transformer)
    {
        var writer = new ModelWriter(context, ModelSignature, LoaderSignature, Version);
        TextRewardModel model = transformer.Model;
        using IDisposable use = model.Use();
        var (tokenizerFiles, adapters) = StoredModel.Write(writer, model.Network, model.Tokenizer);
        writer.Text(TrainingHistory.FileName, TrainingHistory.ToText(transformer.Reports));
        new SavedTransformer
        {
            PromptColumnName = transformer.PromptColumnName,
            CompletionColumnName = transformer.CompletionColumnName,
            ScoreColumnName = transformer.OutputColumnName,
            BatchSize = transformer.BatchSize,
            WeightType = model.Network.ScoreWeight.dtype.ToString(),
            Quantization = model.Network.Quantization,
            ReadsWholeTexts = transformer.ReadsWholeTexts,
            Conversations = transformer.Conversations,
            Adapters = adapters,
            TokenizerFiles = tokenizerFiles,
        }.WriteTo(writer);
    }

    /// <summary>Called by ML.NET, which finds it by the attribute above.</summary>
    public static RewardTransformer Create(IHostEnvironment env, object context)
    {
        ArgumentNullException.ThrowIfNull(env);
        var reader = new ModelReader(context, ModelSignature, LoaderSignature, Version);
        SavedTransformer saved = SavedTransformer.ReadFrom(
            reader, found => found.ScoreColumnName, nameof(SavedTransformer.ScoreColumnName));
        IReadOnlyList<StepReport> reports = reader.History();
        TextRewardModel model = StoredModel.Read(
            reader, saved, env,
            (parts, device) => saved.On(
                device,
                place => HuggingFaceFolder.BuildReward(parts.Weights, parts.Config, place, saved.Type, saved.Quantization),
                network => network.Copy(device)),
            (parts, network) => new TextRewardModel(network, parts.Tokenizer));
        var output = new RewardOutput(saved.ScoreColumnName!, saved.PromptColumnName, saved.CompletionColumnName, saved.Conversations);
        return new RewardTransformer(env, model, output, reports)
        {
            BatchSize = saved.BatchSize,
            ReadsWholeTexts = saved.ReadsWholeTexts,
        };
    }
}
