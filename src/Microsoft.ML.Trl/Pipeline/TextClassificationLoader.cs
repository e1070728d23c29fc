extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML;

[assembly: Internals.LoadableClass(
    typeof(Microsoft.ML.Trl.TextClassificationTransformer), typeof(Microsoft.ML.Trl.Pipeline.TextClassificationLoader), null,
    typeof(Internals.SignatureLoadModel), "TRL text classification", Microsoft.ML.Trl.Pipeline.TextClassificationLoader.LoaderSignature)]

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// A classifier in ML.NET's zip: <c>transformer.json</c> (columns, types), <c>history.jsonl</c>, <c>config.json</c> (labels included), the
/// tokenizer's files, <c>model.safetensors</c>, and a SHA-256 beside each.
/// </summary>
internal static class TextClassificationLoader
{
    public const string LoaderSignature = "TrlTextClassification";
    private const string ModelSignature = "TRL CLSF";
    private const uint Version = 1;

    public static void Save(ModelSaveContext context, TextClassificationTransformer transformer)
    {
        var writer = new ModelWriter(context, ModelSignature, LoaderSignature, Version);
        TextClassifier model = transformer.Model;
        using IDisposable use = model.Use();
        var (tokenizerFiles, adapters) = StoredModel.Write(writer, model.Network, model.Tokenizer);
        writer.Text(TrainingHistory.FileName, TrainingHistory.ToText(transformer.Reports));
        new SavedTransformer
        {
            PromptColumnName = null,
            CompletionColumnName = transformer.TextColumnName,
            ScoreColumnName = transformer.ScoreColumnName,
            PredictedLabelColumnName = transformer.PredictedLabelColumnName,
            ProbabilityColumnName = transformer.ProbabilityColumnName,
            BatchSize = transformer.BatchSize,
            WeightType = model.Network.Type.ToString(),
            Quantization = model.Network.Quantization,
            Adapters = adapters,
            TokenizerFiles = tokenizerFiles,
        }.WriteTo(writer);
    }

    /// <summary>Called by ML.NET, which finds it by the attribute above.</summary>
    public static TextClassificationTransformer Create(IHostEnvironment env, object context)
    {
        ArgumentNullException.ThrowIfNull(env);
        var reader = new ModelReader(context, ModelSignature, LoaderSignature, Version);
        SavedTransformer saved = SavedTransformer.ReadFrom(
            reader, found => found.ScoreColumnName, nameof(SavedTransformer.ScoreColumnName));
        if (saved.PredictedLabelColumnName is null || saved.ProbabilityColumnName is null)
            throw reader.Senseless(SavedTransformer.Entry, "PredictedLabelColumnName or ProbabilityColumnName is missing.");
        IReadOnlyList<StepReport> reports = reader.History();
        TextClassifier model = StoredModel.ReadClassifier(reader, saved, env);
        var output = new ClassifierOutput(
            saved.CompletionColumnName, saved.PredictedLabelColumnName, saved.ScoreColumnName!, saved.ProbabilityColumnName);
        return new TextClassificationTransformer(env, model, output, reports) { BatchSize = saved.BatchSize };
    }
}
