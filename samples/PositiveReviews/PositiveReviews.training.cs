using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>How the model is made.</summary>
public static partial class PositiveReviews
{
    private const int TriesPerOpening = 4;

    /// <summary>
    /// One pipeline: a writer learns to write reviews, a judge learns which sentence is the positive one, and PPO teaches
    /// the writer to please the judge.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, ReviewData data, Settings settings, IProgress<StepReport> progress)
    {
        var pipeline = WriterAndJudge(ml, data, settings, progress).Append(ml.Trl().Ppo(settings.Ppo, progress: progress));
        return pipeline.Fit(ml.Data.LoadFromEnumerable(data.Openings));
    }

    /// <summary>The first two stages.</summary>
    internal static EstimatorChain<RewardTransformer> WriterAndJudge(
        MLContext ml, ReviewData data, Settings settings, IProgress<StepReport> progress)
    {
        TextTokenizer tokenizer = BpeTrainer.Train(data.Reviews, settings.VocabularySize);
        ModelSource writer = ModelSource.New(settings.Model(tokenizer.VocabularySize), tokenizer, seed: 1);
        IDataView reviews = ml.Data.LoadFromEnumerable(data.Reviews.Select(text => new Review { Text = text }));
        IDataView pairs = ml.Data.LoadFromEnumerable(data.TrainPairs);
        return ml.Trl().Sft(writer, settings.Sft, reviews, progress)
            .Append(ml.Trl().RewardModel(settings.Reward, pairs, progress));
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
        ModelOutput[][] ranked = RankedTries(ml, writer, judge, data.Openings, TriesPerOpening);
        return ml.Trl()
            .Dpo(ModelSource.FromTransformer(writer), settings.Dpo, progress: progress)
            .Fit(ml.Data.LoadFromEnumerable(Pairs(ranked, perOpening: 1)));
    }

    /// <summary>Several completions of each opening, the worst of them first.</summary>
    internal static ModelOutput[][] RankedTries(
        MLContext ml, TextGenerationTransformer writer, RewardTransformer judge, IReadOnlyList<Opening> openings, int count)
    {
        IDataView view = ml.Data.LoadFromEnumerable(openings);
        ModelOutput[][] tries = [.. Enumerable.Range(2, count).Select(seed =>
        {
            TextGenerationTransformer again = writer.With(writer.Generation with { Seed = seed });
            IDataView scored = new TransformerChain<ITransformer>(again, judge).Transform(view);
            return ml.Data.CreateEnumerable<ModelOutput>(scored, reuseRowObject: false).ToArray();
        })];
        return [.. Enumerable.Range(0, openings.Count)
            .Select(row => tries.Select(outputs => outputs[row]).OrderBy(output => output.Score).ToArray())];
    }

    /// <summary>The best completion of an opening with its worst, the second best with the second worst, and so on.</summary>
    internal static List<Preference> Pairs(ModelOutput[][] ranked, int perOpening) =>
    [
        .. from tries in ranked
           from place in Enumerable.Range(0, perOpening)
           let worse = tries[place]
           let better = tries[^(place + 1)]
           where better.Completion != worse.Completion
           select new Preference { Prompt = better.Prompt, Chosen = better.Completion, Rejected = worse.Completion },
    ];
}
