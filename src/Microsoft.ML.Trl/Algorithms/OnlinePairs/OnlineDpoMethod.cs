using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>Both answers are the policy's; the loss is that of DPO.</summary>
internal sealed class OnlineDpoMethod(OnlineDpoOptions options) : IOnlinePairMethod
{
    private readonly Func<Tensor, double, Tensor> _loss = MarginLoss.Of(options.LossType);

    public string Stage => "Online DPO";

    public bool ReadsSecond => true;

    public Opponent? Opponent(CausalLanguageModel policy, CausalLanguageModel reference, int epoch) => null;

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(OnlinePairPass pass, int epoch)
    {
        using var scope = NewDisposeScope();
        double beta = options.BetaAt(epoch);
        PairLogProbs ours = pass.Sorted(pass.Ours), theirs = pass.Sorted(pass.Theirs);
        Tensor margin = (ours.Chosen - ours.Rejected) - (theirs.Chosen - theirs.Rejected); // [B]
        Tensor loss = _loss(margin, beta).mean();
        Dictionary<string, float> metrics = OnlinePairMetrics.Of(loss, ours, theirs, beta);
        if (pass.MeanScore is { } score)
            metrics["objective/rlhf_reward"] = (float)score + metrics["objective/non_score_reward"];
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, double Value)> Figures(JudgedPairs pairs, int epoch)
    {
        yield return ("beta", options.BetaAt(epoch));
        yield return ("val/contain_eos_token", JudgedPairs.Share([.. pairs.FirstEnded, .. pairs.SecondEnded]));
        if (pairs.Verdicts.Scores is not { } scores)
            yield break;
        if (scores.Average(pair => (pair.First + pair.Second) / 2) is { } mean)
            yield return ("objective/scores", mean);
        if (scores.Average(pair => pair is ({ } first, { } second) ? Math.Abs(first - second) : (double?)null) is { } margin)
            yield return ("objective/scores_margin", margin);
    }
}
