using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trl;

namespace DetoxSample;

/// <summary>How the model is made.</summary>
public static partial class Detox
{
    /// <summary>
    /// The judge is ML.NET's own text classifier: it is trained in a second, says calibrated probabilities, and knows nothing of the
    /// writer. Whatever makes a column of numbers can be a reward.
    /// </summary>
    internal static ITransformer TrainJudge(MLContext ml, DetoxData data)
    {
        var trainer = new SdcaLogisticRegressionBinaryTrainer.Options
        {
            LabelColumnName = nameof(DetoxSample.Reply.IsRude),
            NumberOfThreads = 1, // with several, every run gives other weights
            MaximumNumberOfIterations = 20,
            L2Regularization = 1e-5f, // the automatic value is far too strong for some ten thousand sentences
        };
        return ml.Transforms.Text.FeaturizeText("Features", nameof(DetoxSample.Reply.Completion))
            .AppendCacheCheckpoint(ml)
            .Append(ml.BinaryClassification.Trainers.SdcaLogisticRegression(trainer))
            .Fit(ml.Data.LoadFromEnumerable(data.Replies));
    }

    /// <summary>
    /// SFT learns the texts, rude ones too. GRPO then answers every remark several times, and trains an adapter so that the answers become
    /// likelier that the judge finds less rude than the others.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, ITransformer judge, DetoxData data, Settings settings, IProgress<StepReport> progress)
    {
        TextTokenizer tokenizer = BpeTrainer.Train(data.Texts.Select(row => row.Text), settings.VocabularySize);
        ModelSource fresh = ModelSource.New(settings.Model(tokenizer.VocabularySize), tokenizer, seed: 1);
        IDataView texts = ml.Data.LoadFromEnumerable(data.Texts);
        RewardFunction rudeness = RewardFunction.FromTransformer(judge, "Score").Named("rudeness"); // a logit; its weight is -1

        var pipeline = ml.Trl().Sft(fresh, settings.Sft, texts, progress)
            .Append(ml.Trl().Grpo(rudeness, settings.Grpo, progress: progress));
        return pipeline.Fit(ml.Data.LoadFromEnumerable(data.Remarks));
    }
}
