extern alias facade;

using System.Text.Json.Serialization;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;
using Internals = facade::Microsoft.ML;

[assembly: Internals.LoadableClass(
    typeof(Microsoft.ML.Trl.ImageGenerationTransformer), typeof(Microsoft.ML.Trl.Pipeline.ImageGenerationLoader), null,
    typeof(Internals.SignatureLoadModel), "TRL image generation", Microsoft.ML.Trl.Pipeline.ImageGenerationLoader.LoaderSignature)]

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// A diffusion model in ML.NET's zip: <c>transformer.json</c> (columns, how images are drawn), <c>history.jsonl</c>, <c>config.json</c>,
/// <c>model.safetensors</c>, and a SHA-256 beside each.
/// </summary>
internal static class ImageGenerationLoader
{
    public const string LoaderSignature = "TrlImageGeneration";
    private const string ModelSignature = "TRL IMAG";
    private const uint Version = 1;

    public static void Save(ModelSaveContext context, ImageGenerationTransformer transformer)
    {
        var writer = new ModelWriter(context, ModelSignature, LoaderSignature, Version);
        DiffusionModel model = transformer.Model;
        using IDisposable use = model.Use();
        writer.Text(DiffusionModel.ConfigFile, model.ConfigText());
        writer.Binary(StoredModel.Weights, stream => SafetensorsWriter.Write(stream, model.Weights()));
        writer.Text(TrainingHistory.FileName, TrainingHistory.ToText(transformer.Reports));
        var saved = new Saved
        {
            PromptColumnName = transformer.PromptColumnName,
            OutputColumnName = transformer.OutputColumnName,
            Generation = transformer.Generation,
            BatchSize = transformer.BatchSize,
        };
        writer.Text(SavedTransformer.Entry, SavedTransformer.ToText(saved));
    }

    /// <summary>Called by ML.NET, which finds it by the attribute above.</summary>
    public static ImageGenerationTransformer Create(IHostEnvironment env, object context)
    {
        ArgumentNullException.ThrowIfNull(env);
        var reader = new ModelReader(context, ModelSignature, LoaderSignature, Version);
        Saved saved = SavedTransformer.Parse<Saved>(reader, SavedTransformer.Entry);
        var columns = new ImageColumns(saved.PromptColumnName, saved.OutputColumnName);
        reader.Sensible(SavedTransformer.Entry, () =>
        {
            columns.Check();
            saved.Generation.Validated();
            Require.AtLeast(saved.BatchSize, 1);
        });
        IReadOnlyList<StepReport> reports = reader.History();
        var host = new ComponentHost(env, "TRL");
        Device device = new DeviceChoice(false, null, null, false).Resolve(ContextSettings.Of(env), text => host.Warn("Load", text)).Device;
        DenoiserConfig config = DiffusionModel.Parse(
            reader.Text(DiffusionModel.ConfigFile), reader.Label(DiffusionModel.ConfigFile));
        reader.Sensible(SavedTransformer.Entry, () => DdimScheduler.CheckSteps(
            saved.Generation.NumInferenceSteps, config.Schedule.NumTrainTimesteps, nameof(saved.Generation.NumInferenceSteps)));
        using IWeightStore weights = reader.Binary(
            StoredModel.Weights, (stream, length) => SafetensorsStream.Read(stream, length, reader.Label(StoredModel.Weights)));
        DiffusionModel model = DiffusionModel.Build(config, weights, device);
        return new ImageGenerationTransformer(env, model, columns, saved.Generation, reports) { BatchSize = saved.BatchSize };
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record Saved
    {
        public required string PromptColumnName { get; init; }
        public required string OutputColumnName { get; init; }
        public required ImageGenerationOptions Generation { get; init; }
        public required int BatchSize { get; init; }
    }
}
