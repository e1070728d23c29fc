using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>Methods side by side: the same writer, judge, openings, and number of completions that the judge may see.</summary>
internal sealed class Comparison(
    MLContext ml, TransformerChain<RewardTransformer> upstream, ReviewData data, Settings settings, IProgress<StepReport> progress)
{
    private readonly TextGenerationTransformer _writer = (TextGenerationTransformer)upstream.First();
    private readonly IDataView _held = ml.Data.LoadFromEnumerable(data.HeldOpenings);

    /// <summary>The writer as it is.</summary>
    public PolicyFigures Start() => Measure("sft", _writer, judged: 0, trainSeconds: 0);

    /// <summary>Trains by one method, and measures what came of it.</summary>
    public PolicyFigures Run(string method)
    {
        int judged = method == "best-of-n" ? 0 : data.Openings.Count * settings.TriesPerOpening;
        var watch = Stopwatch.StartNew();
        using TextGenerationTransformer policy = PositiveReviews.TrainBy(
            ml, upstream, method, data.Openings, settings.Judging(judged), progress);
        return Measure(method, policy, judged, watch.Elapsed.TotalSeconds);
    }

    private PolicyFigures Measure(string method, TextGenerationTransformer policy, int judged, double trainSeconds)
    {
        GenerationOptions[] draws =
            [.. Enumerable.Range(1, settings.DrawsPerOpening).Select(seed => policy.Generation with { Seed = seed })];
        var watch = Stopwatch.StartNew();
        PositiveReviews.ModelOutput[] outputs = [.. draws.SelectMany(draw => Complete(policy.With(draw)))];
        double answerSeconds = watch.Elapsed.TotalSeconds;
        double kl = policy.SampleSize > 1
            ? BestOfNSampler.KlBound(policy.SampleSize)
            : draws.Average(draw => ml.Trl().EvaluateGeneration(
                policy, _held, reference: ModelSource.FromTransformer(_writer), generation: draw).Kl);
        return new PolicyFigures(
            method, outputs.Average(output => output.Positive), outputs.Average(output => output.Score), kl, Report.Distinct(outputs),
            judged, trainSeconds, answerSeconds, Path(policy.Reports));
    }

    private PositiveReviews.ModelOutput[] Complete(TextGenerationTransformer policy)
    {
        IDataView scored = new TransformerChain<ITransformer>(_writer, upstream.LastTransformer, policy).Transform(_held);
        return [.. ml.Data.CreateEnumerable<PositiveReviews.ModelOutput>(scored, reuseRowObject: false)];
    }

    // PPO and online DPO report KL per completion, GRPO and RLOO per token.
    private static (double Kl, double Score)[] Path(IReadOnlyList<StepReport> reports) =>
    [
        .. reports.Select(report => report.Stage switch
        {
            "PPO" => (report["objective/kl"], report["ppo/mean_scores"]),
            "Online DPO" => (report["objective/kl"], report["objective/scores"]),
            "GRPO" or "RLOO" => (report["kl"] * report["completions/mean_length"], report["reward"]),
            _ => (double.NaN, double.NaN),
        }).Where(point => double.IsFinite(point.Item1) && double.IsFinite(point.Item2)),
    ];
}
