using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>Other ways to please the judge, each from the same writer.</summary>
public static partial class PositiveReviews
{
    /// <summary>What <c>--method</c> may name.</summary>
    internal static IReadOnlyList<string> Methods { get; } = ["ppo", "grpo", "rloo", "online-dpo", "raft", "dpo", "kto", "best-of-n"];

    /// <summary>Trains one more stage behind writer and judge.</summary>
    /// <param name="ml">Where the stages come from.</param>
    /// <param name="upstream">The writer, then the judge.</param>
    /// <param name="method">One of <see cref="Methods"/>.</param>
    /// <param name="openings">What the writer completes to learn.</param>
    /// <param name="settings">How, and how long.</param>
    /// <param name="progress">Told of every report.</param>
    internal static TextGenerationTransformer TrainBy(
        MLContext ml,
        TransformerChain<RewardTransformer> upstream,
        string method,
        IReadOnlyList<Opening> openings,
        Settings settings,
        IProgress<StepReport> progress)
    {
        TrlCatalog trl = ml.Trl();
        IDataView rows = upstream.Transform(ml.Data.LoadFromEnumerable(openings)); // a stage finds its policy and its reward here
        var writer = (TextGenerationTransformer)upstream.First();
        ModelOutput[][] Ranked() => RankedTries(ml, writer, upstream.LastTransformer, openings, settings.TriesPerOpening);
        return method switch
        {
            "ppo" => trl.Ppo(settings.Ppo, progress: progress).Fit(rows),
            "grpo" => trl.Grpo(settings.Grpo, progress: progress).Fit(rows),
            "rloo" => trl.Rloo(settings.Rloo, progress: progress).Fit(rows),
            "online-dpo" => trl.OnlineDpo(settings.OnlineDpo, progress: progress).Fit(rows),
            "raft" => trl.Raft(settings.Raft, progress: progress).Fit(rows),
            "dpo" => trl.Dpo(settings.DpoFromMany, Table(ml, Pairs(Ranked(), settings.TriesPerOpening / 2)), progress: progress).Fit(rows),
            "kto" => trl.Kto(settings.Kto, Table(ml, Labelled(Ranked())), progress: progress).Fit(rows),
            "best-of-n" => writer.BestOf(settings.BestOf), // nothing is trained: the judge chooses each time
            _ => throw new ArgumentException($"There is no method '{method}'; there are {string.Join(", ", Methods)} and all."),
        };
    }

    /// <summary>The better half of the completions of an opening is wanted, the other is not.</summary>
    private static IEnumerable<LabelledCompletion> Labelled(ModelOutput[][] ranked) =>
        from tries in ranked
        from place in Enumerable.Range(0, tries.Length)
        let output = tries[place]
        select new LabelledCompletion { Prompt = output.Prompt, Completion = output.Completion, Label = place >= tries.Length / 2 };

    private static IDataView Table<T>(MLContext ml, IEnumerable<T> rows)
        where T : class => ml.Data.LoadFromEnumerable(rows.ToList());
}
