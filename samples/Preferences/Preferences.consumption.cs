using Microsoft.ML;

namespace PreferencesSample;

/// <summary>How the model is used.</summary>
public static partial class Preferences
{
    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>What is asked.</summary>
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

    /// <summary>Loads the one file that training wrote and answers.</summary>
    public static ModelOutput Predict(string path, string prompt)
    {
        var ml = new MLContext();
        ITransformer model = ml.Model.Load(path, out _);
        using var engine = ml.Model.CreatePredictionEngine<ModelInput, ModelOutput>(model);
        return engine.Predict(new ModelInput { Prompt = prompt });
    }
}
