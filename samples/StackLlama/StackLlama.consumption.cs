using Microsoft.ML;
using Microsoft.ML.Trl;

namespace StackLlamaSample;

/// <summary>How the model is used.</summary>
public static partial class StackLlama
{
    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>The question, as it was trained.</summary>
        public string Prompt { get; set; } = "";
    }

    /// <summary>What comes out.</summary>
    public sealed class ModelOutput
    {
        /// <summary>The answer.</summary>
        public string Completion { get; set; } = "";

        /// <summary>What the reward model thinks of it.</summary>
        public float Score { get; set; }
    }

    /// <summary>Answers of a policy to all questions, with the scores of the judge.</summary>
    internal static ModelOutput[] Answer(MLContext ml, TextGenerationTransformer policy, RewardTransformer judge, IDataView rows)
    {
        IDataView scored = judge.Transform(policy.Transform(rows));
        return [.. ml.Data.CreateEnumerable<ModelOutput>(scored, reuseRowObject: false)];
    }

    /// <summary>The merged folder as a transformer: it loads like any model of the hub.</summary>
    internal static TextGenerationTransformer LoadMerged(MLContext ml, string folder, GenerationOptions generation, IDataView rows) =>
        ml.Trl().TextGeneration(ModelSource.Folder(folder), generation).Fit(rows);
}
