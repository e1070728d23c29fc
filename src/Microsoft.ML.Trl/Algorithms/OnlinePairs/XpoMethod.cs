using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>The second answers are the reference's; the loss is that of DPO, and a bonus for making them less likely.</summary>
internal sealed class XpoMethod(XpoOptions options) : IOnlinePairMethod
{
    private readonly Func<Tensor, double, Tensor> _loss = MarginLoss.Of(options.LossType);

    public string Stage => "XPO";

    public bool ReadsSecond => true;

    public Opponent? Opponent(CausalLanguageModel policy, CausalLanguageModel reference, int epoch) => new(reference);

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(OnlinePairPass pass, int epoch)
    {
        using var scope = NewDisposeScope();
        (double beta, double alpha) = (options.BetaAt(epoch), options.AlphaAt(epoch));
        PairLogProbs ours = pass.Sorted(pass.Ours), theirs = pass.Sorted(pass.Theirs);
        Tensor preference = _loss((ours.Chosen - ours.Rejected) - (theirs.Chosen - theirs.Rejected), beta); // [B]
        Tensor explored = pass.Sums(pass.Ours).Second;                                                      // [B]
        Tensor loss = XpoLoss.Compute(preference, explored, alpha).mean();
        Dictionary<string, float> metrics = OnlinePairMetrics.Of(
            loss, ours, theirs, beta, ("loss/dpo", preference.mean()), ("loss/xpo", explored.mean() * alpha));
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, double Value)> Figures(JudgedPairs pairs, int epoch)
    {
        yield return ("beta", options.BetaAt(epoch));
        yield return ("alpha", options.AlphaAt(epoch));
        yield return ("val/model_contain_eos_token", JudgedPairs.Share(pairs.FirstEnded));
        yield return ("val/ref_contain_eos_token", JudgedPairs.Share(pairs.SecondEnded));
        if (pairs.MeanScores is not { } scores)
            yield break;
        yield return ("objective/model_scores", scores.First);
        yield return ("objective/ref_scores", scores.Second);
        yield return ("objective/scores_margin", scores.First - scores.Second);
    }
}
