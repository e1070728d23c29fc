using Microsoft.ML;
using Microsoft.ML.Trl;
using TorchSharp;

namespace DdpoSample;

/// <summary>How the model is used.</summary>
public static partial class Ddpo
{
    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>What is to be drawn.</summary>
        public string Prompt { get; set; } = "";
    }

    /// <summary>What comes out.</summary>
    public sealed class ModelOutput
    {
        /// <summary>Rows of grey pixels in [0, 1].</summary>
        public float[] GeneratedImage { get; set; } = [];
    }

    /// <summary>One picture, by a saved model.</summary>
    internal static float[] Predict(MLContext ml, string zip, string prompt)
    {
        using var engine = ml.Model.CreatePredictionEngine<ModelInput, ModelOutput>(ml.Model.Load(zip, out _));
        return engine.Predict(new ModelInput { Prompt = prompt }).GeneratedImage;
    }

    /// <summary>Several pictures of each prompt, and their rewards.</summary>
    internal static (float[][] Images, double[] Rewards) Draw(
        ImageGenerationTransformer model, IReadOnlyList<string> prompts, ImageReward reward)
    {
        using torch.Tensor images = model.Model.Generate(prompts, model.Generation with { Seed = 7 });
        float[] pixels = images.data<float>().ToArray();
        return ([.. pixels.Chunk(pixels.Length / prompts.Count)], [.. reward.Score(images, prompts)]);
    }
}
