extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML;

[assembly: Internals.LoadableClass(
    typeof(Microsoft.ML.Trl.StepRewardTransformer), typeof(Microsoft.ML.Trl.Pipeline.StepRewardLoader), null,
    typeof(Internals.SignatureLoadModel), "TRL step reward", Microsoft.ML.Trl.Pipeline.StepRewardLoader.LoaderSignature)]

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// A process reward model in ML.NET's zip: <c>transformer.json</c> (columns, separator, types), <c>history.jsonl</c>, <c>config.json</c>,
/// the tokenizer's files, <c>model.safetensors</c>, and a SHA-256 beside each.
/// </summary>
internal static class StepRewardLoader
{
    public const string LoaderSignature = "TrlStepReward";
    private const string ModelSignature = "TRL STEP";
    private const uint Version = 1;

    public static void Save(ModelSaveContext context, StepRewardTransformer transformer)
    {
        var writer = new ModelWriter(context, ModelSignature, LoaderSignature, Version);
        TextClassifier model = transformer.Model;
        using IDisposable use = model.Use();
        var (tokenizerFiles, adapters) = StoredModel.Write(writer, model.Network, model.Tokenizer);
        writer.Text(TrainingHistory.FileName, TrainingHistory.ToText(transformer.Reports));
        new SavedTransformer
        {
            PromptColumnName = transformer.PromptColumnName,
            CompletionColumnName = transformer.CompletionColumnName,
            ScoreColumnName = transformer.OutputColumnName,
            StepSeparator = transformer.StepSeparator,
            BatchSize = transformer.BatchSize,
            WeightType = model.Network.Type.ToString(),
            Quantization = model.Network.Quantization,
            Adapters = adapters,
            TokenizerFiles = tokenizerFiles,
        }.WriteTo(writer);
    }

    /// <summary>Called by ML.NET, which finds it by the attribute above.</summary>
    public static StepRewardTransformer Create(IHostEnvironment env, object context)
    {
        ArgumentNullException.ThrowIfNull(env);
        var reader = new ModelReader(context, ModelSignature, LoaderSignature, Version);
        SavedTransformer saved = SavedTransformer.ReadFrom(
            reader, found => found.ScoreColumnName, nameof(SavedTransformer.ScoreColumnName));
        if (saved.PromptColumnName is null || string.IsNullOrEmpty(saved.StepSeparator))
            throw reader.Senseless(SavedTransformer.Entry, "PromptColumnName or StepSeparator is missing.");
        IReadOnlyList<StepReport> reports = reader.History();
        TextClassifier model = StoredModel.ReadClassifier(reader, saved, env);
        var output = new StepRewardOutput(
            saved.PromptColumnName, saved.CompletionColumnName, saved.ScoreColumnName!, saved.StepSeparator);
        return new StepRewardTransformer(env, model, output, reports) { BatchSize = saved.BatchSize };
    }
}
