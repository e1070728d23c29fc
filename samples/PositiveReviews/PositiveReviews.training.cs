using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>How the model is made.</summary>
public static partial class PositiveReviews
{
    private const int TriesPerOpening = 4;

    /// <summary>
    /// A writer learns to write reviews, a judge learns which sentence is the positive one, and PPO teaches the writer to please the judge: one
    /// pipeline.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, ReviewData data, Settings settings, IProgress<StepReport> progress)
    {
        TextTokenizer tokenizer = BpeTrainer.Train(data.Reviews, settings.VocabularySize);
        ModelSource writer = ModelSource.New(settings.Model(tokenizer.VocabularySize), tokenizer, seed: 1);
        IDataView reviews = ml.Data.LoadFromEnumerable(data.Reviews.Select(text => new Review { Text = text }));
        IDataView pairs = ml.Data.LoadFromEnumerable(data.TrainPairs);
        IDataView openings = ml.Data.LoadFromEnumerable(data.Openings);

        var pipeline = ml.Trl().Sft(writer, settings.Sft, reviews, progress)
            .Append(ml.Trl().RewardModel(settings.Reward, pairs, progress))
            .Append(ml.Trl().Ppo(settings.Ppo, progress: progress));
        return pipeline.Fit(openings);
    }

    /// <summary>The same goal from pairs: the writer's own completions, ranked by the judge, teach it by DPO.</summary>
    internal static TextGenerationTransformer TrainFromPairs(
        MLContext ml,
        TextGenerationTransformer writer,
        RewardTransformer judge,
        ReviewData data,
        Settings settings,
        IProgress<StepReport> progress)
    {
        IDataView openings = ml.Data.LoadFromEnumerable(data.Openings);
        ModelOutput[][] tries = [.. Enumerable.Range(2, TriesPerOpening).Select(seed =>
        {
            TextGenerationTransformer again = writer.With(writer.Generation with { Seed = seed });
            IDataView scored = new TransformerChain<ITransformer>(again, judge).Transform(openings);
            return ml.Data.CreateEnumerable<ModelOutput>(scored, reuseRowObject: false).ToArray();
        })];
        List<Preference> preferences = [];
        for (int row = 0; row < tries[0].Length; row++)
        {
            ModelOutput[] ranked = [.. tries.Select(outputs => outputs[row]).OrderBy(output => output.Score)];
            (ModelOutput worst, ModelOutput best) = (ranked[0], ranked[^1]);
            if (best.Completion != worst.Completion)
                preferences.Add(new Preference { Prompt = best.Prompt, Chosen = best.Completion, Rejected = worst.Completion });
        }
        return ml.Trl()
            .Dpo(ModelSource.FromTransformer(writer), settings.Dpo, progress: progress)
            .Fit(ml.Data.LoadFromEnumerable(preferences));
    }
}
