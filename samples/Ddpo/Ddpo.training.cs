using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace DdpoSample;

/// <summary>How the model is made.</summary>
public static partial class Ddpo
{
    /// <summary>Two stages: the first learns to draw shapes, the second to draw those that the reward likes.</summary>
    internal static TransformerChain<ImageGenerationTransformer> Train(
        MLContext ml, IDataView images, ImageReward reward, Settings settings, IProgress<StepReport> progress)
    {
        var pipeline = ml.Trl().Denoising(settings.Shape, settings.Pretraining, progress: progress)
            .Append(ml.Trl().Ddpo(reward, settings.Ddpo, progress: progress));
        return pipeline.Fit(images);
    }

    /// <summary>The mean of the pixels of each image.</summary>
    internal static ImageReward Brightness { get; } = ImageReward.OfBatch((images, _) => images.mean([1L, 2, 3]));

    /// <summary>How sure a classifier of ML.NET is that a shape is large, whatever was asked for: the logarithm of the odds.</summary>
    internal static ImageReward Classifier(MLContext ml, IDataView images)
    {
        ITransformer scorer = ml.BinaryClassification.Trainers.AveragedPerceptron(featureColumnName: "Image").Fit(images);
        return ImageReward.FromTransformer(ml, scorer, "Score");
    }
}
