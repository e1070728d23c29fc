using Microsoft.ML;

namespace PositiveReviewsSample;

/// <summary>How the model is used.</summary>
public static partial class PositiveReviews
{
    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>How a review begins.</summary>
        public string Prompt { get; set; } = "";
    }

    /// <summary>What comes out.</summary>
    public sealed class ModelOutput
    {
        /// <summary>How the review begins.</summary>
        public string Prompt { get; set; } = "";

        /// <summary>How it goes on.</summary>
        public string Completion { get; set; } = "";

        /// <summary>What the judge thinks of it; above 0 is positive.</summary>
        public float Score { get; set; }

        /// <summary>The score as a probability.</summary>
        internal double Positive => 1 / (1 + Math.Exp(-Score));
    }

    /// <summary>Loads the one file that training wrote.</summary>
    public static PredictionEngine<ModelInput, ModelOutput> LoadEngine(string path)
    {
        var ml = new MLContext();
        return ml.Model.CreatePredictionEngine<ModelInput, ModelOutput>(ml.Model.Load(path, out _));
    }
}
