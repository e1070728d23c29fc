using Microsoft.ML;
using Microsoft.ML.Trl;
using PositiveReviewsSample;

namespace ControlledSentimentSample;

/// <summary>How the model is made.</summary>
public static partial class ControlledSentiment
{
    /// <summary>
    /// A writer of reviews. Every review that it reads stands behind one of the tags, whatever it says: the writer learns that there are
    /// tags, and nothing of what they mean.
    /// </summary>
    internal static TextGenerationTransformer TrainWriter(
        MLContext ml, ReviewData data, Settings settings, IProgress<StepReport> progress)
    {
        string[] labels = [Positive, Negative];
        Review[] reviews = [.. data.Reviews.Select((text, row) => new Review { Text = Tagged(labels[row % 2], text) })];
        TextTokenizer tokenizer = BpeTrainer.Train(reviews.Select(review => review.Text), settings.VocabularySize);
        ModelSource fresh = ModelSource.New(settings.Model(tokenizer.VocabularySize), tokenizer, seed: 1);
        return ml.Trl().Sft(fresh, settings.Sft, progress: progress).Fit(ml.Data.LoadFromEnumerable(reviews));
    }

    /// <summary>A judge that tells positive sentences from negative ones. It begins with what the writer knows of words.</summary>
    internal static TextClassificationTransformer TrainJudge(
        MLContext ml, TextGenerationTransformer writer, ReviewData data, Settings settings, IProgress<StepReport> progress)
    {
        IDataView sentences = ml.Data.LoadFromEnumerable(LabelledText.Of(data.TrainPairs));
        return ml.Trl()
            .TextClassification(ModelSource.FromTransformer(writer), settings.Judge, progress: progress)
            .Fit(sentences);
    }

    /// <summary>PPO: completions are rewarded that the judge finds to be what the tag says.</summary>
    internal static TextGenerationTransformer Steer(
        MLContext ml,
        TextGenerationTransformer writer,
        TextClassificationTransformer judge,
        IEnumerable<Request> requests,
        Settings settings,
        IProgress<StepReport> progress)
    {
        // How much likelier the judge finds the wanted label than the other one, as a logit.
        RewardFunction obedience = Judged(judge, (request, judged) =>
        {
            double logit = judged.Scores[LabelOf(judge, Positive)] - judged.Scores[LabelOf(judge, Negative)];
            return request.Wanted == Positive ? logit : -logit;
        });
        return ml.Trl()
            .Ppo(ModelSource.FromTransformer(writer), obedience, settings.Ppo, progress: progress)
            .Fit(ml.Data.LoadFromEnumerable(requests));
    }

    /// <summary>The judge's probability that a review is positive, whatever was asked for.</summary>
    internal static RewardFunction PositiveProbability(TextClassificationTransformer judge) =>
        Judged(judge, (_, judged) => judged.Probabilities[LabelOf(judge, Positive)]);

    // The judge reads opening and completion, without the tag: the tag would give the answer away.
    private static RewardFunction Judged(TextClassificationTransformer judge, Func<Request, LabelPrediction, double> score) =>
        RewardFunction.OfBatch<Request>((requests, answers) =>
        {
            string[] reviews = [.. requests.Zip(answers, (request, answer) => request.Opening + answer.Completion)];
            return [.. requests.Zip(judge.Model.Classify(reviews), score)];
        });

    private static int LabelOf(TextClassificationTransformer judge, string label) => judge.Labels.ToList().IndexOf(label);
}
