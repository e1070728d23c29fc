using Microsoft.ML;

namespace ControlledSentimentSample;

/// <summary>How the model is used.</summary>
public static partial class ControlledSentiment
{
    /// <summary>Labels of the judge, and what stands in the tags.</summary>
    public const string Positive = "positive", Negative = "negative";

    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>A tag and how a review begins; see <see cref="Tagged"/>.</summary>
        public string Prompt { get; set; } = "";
    }

    /// <summary>What comes out.</summary>
    public sealed class ModelOutput
    {
        /// <summary>How the review goes on.</summary>
        public string Completion { get; set; } = "";
    }

    /// <summary>A text behind a tag: <c>[positive] the acting is</c>.</summary>
    public static string Tagged(string label, string text) => $"[{label}] {text}";

    /// <summary>Loads the one file that training wrote.</summary>
    public static PredictionEngine<ModelInput, ModelOutput> LoadEngine(string path)
    {
        var ml = new MLContext();
        return ml.Model.CreatePredictionEngine<ModelInput, ModelOutput>(ml.Model.Load(path, out _));
    }
}
