using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>The second answers are drawn from a mixture of policy and reference; the policy learns from its own alone.</summary>
internal sealed class NashMdMethod(NashMdOptions options) : IOnlinePairMethod
{
    public string Stage => "Nash-MD";

    public bool ReadsSecond => false;

    public Opponent? Opponent(CausalLanguageModel policy, CausalLanguageModel reference, int epoch) =>
        new(policy, new GeometricMixture(reference, options.MixtureCoefAt(epoch)));

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(OnlinePairPass pass, int epoch)
    {
        using var scope = NewDisposeScope();
        Tensor ratio = pass.Ours.detach() - pass.Theirs;                                       // [N]
        Tensor ours = pass.Answers.Sum(pass.Ours), theirs = pass.Answers.Sum(pass.Theirs);     // [B] each
        Tensor weighted = pass.Answers.Sum(pass.Ours * ratio), kl = pass.Answers.Sum(ratio);   // [B] each
        Tensor loss = NashMdLoss.Compute(ours, weighted, pass.FirstWins, options.BetaAt(epoch)).mean();
        Dictionary<string, float> metrics = OnlinePairMetrics.Numbers(
            ("loss", loss),
            ("loss/kl", kl.mean()),
            ("loss/score", ((pass.FirstWins - 0.5) * ours).mean()),
            ("logps/chosen", ours.mean()),
            ("logps/rejected", theirs.mean()),
            ("objective/entropy", -ours.mean()),
            ("rewards/margins", kl.mean()),
            ("rewards/accuracies", kl.gt(0).to_type(ScalarType.Float32).mean()),
            ("rewards/probabilities", pass.FirstWins.mean()));
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, double Value)> Figures(JudgedPairs pairs, int epoch)
    {
        yield return ("beta", options.BetaAt(epoch));
        yield return ("mixture_coef", options.MixtureCoefAt(epoch));
        yield return ("val/model_contain_eos_token", JudgedPairs.Share(pairs.FirstEnded));
        yield return ("val/ref_contain_eos_token", JudgedPairs.Share(pairs.SecondEnded));
        if (pairs.MeanScores is not { } scores)
            yield break;
        yield return ("rewards/chosen", scores.First);
        yield return ("rewards/rejected", scores.Second);
    }
}
