using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>The losses that the options name, weighted and added up. What each is was chosen at construction.</summary>
internal sealed class DpoObjective
{
    private readonly (Func<DpoTerms, Tensor> PerPair, double Weight)[] _losses;
    private readonly Func<Tensor, Tensor> _score;

    public DpoObjective(DpoOptions options)
    {
        IReadOnlyList<double> weights = options.LossWeights ?? [.. options.LossType.Select(_ => 1.0)];
        _losses = [.. options.LossType.Zip(weights, (type, weight) => (Choose(type, options), weight))];
        _score = options.FDivergenceType switch
        {
            FDivergenceType.ForwardKl => DpoScore.ForwardKl,
            FDivergenceType.JsDivergence => DpoScore.JsDivergence,
            FDivergenceType.AlphaDivergence => ratio => DpoScore.AlphaDivergence(ratio, options.FAlphaDivergenceCoef),
            _ => DpoScore.ReverseKl,
        };
    }

    /// <summary>Ratios, scores and margins from log-probabilities; the results belong to the current scope.</summary>
    /// <param name="policy">With gradient.</param>
    /// <param name="reference">Without.</param>
    /// <param name="lengths">Tokens of the answers [B] each, float32.</param>
    /// <param name="chosenTokenLogProbs">[N]</param>
    /// <param name="pairWeights">[B] or null.</param>
    public DpoTerms Terms(PairLogProbs policy, PairLogProbs reference, (Tensor Chosen, Tensor Rejected) lengths, Tensor chosenTokenLogProbs, Tensor? pairWeights)
    {
        Tensor chosenRatio = policy.Chosen - reference.Chosen;       // [B]
        Tensor rejectedRatio = policy.Rejected - reference.Rejected; // [B]
        Tensor chosen = _score(chosenRatio);                         // [B]
        Tensor rejected = _score(rejectedRatio);                     // [B]
        return new DpoTerms
        {
            Policy = policy,
            Reference = reference,
            ChosenRatio = chosenRatio,
            RejectedRatio = rejectedRatio,
            ChosenScore = chosen,
            RejectedScore = rejected,
            Margin = chosen - rejected,
            MarginPerToken = (chosen / lengths.Chosen) - (rejected / lengths.Rejected),
            ChosenTokenLogProbs = chosenTokenLogProbs,
            PairWeights = pairWeights,
        };
    }

    /// <summary>The loss, a scalar with its gradient. The caller owns it.</summary>
    public Tensor Loss(DpoTerms terms)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach ((Func<DpoTerms, Tensor> perPair, double weight) in _losses)
        {
            Tensor loss = perPair(terms); // [B], or a scalar for sft
            if (terms.PairWeights is { } pairWeights)
                loss *= pairWeights;
            Tensor weighted = loss.mean() * weight;
            sum = sum is null ? weighted : sum + weighted;
        }
        return sum!.MoveToOuterDisposeScope();
    }

    private static Func<DpoTerms, Tensor> Choose(DpoLossType type, DpoOptions options)
    {
        (double beta, double smoothing) = (options.Beta, options.LabelSmoothing);
        return type switch
        {
            DpoLossType.Sigmoid => terms => DpoLoss.Sigmoid(terms.Margin, beta),
            DpoLossType.Hinge => terms => DpoLoss.Hinge(terms.Margin, beta),
            DpoLossType.Ipo => terms => DpoLoss.Ipo(terms.MarginPerToken, beta),
            DpoLossType.ExoPair => terms => DpoLoss.ExoPair(terms.Margin, beta, smoothing),
            DpoLossType.NcaPair => terms => DpoLoss.NcaPair(terms.ChosenScore, terms.RejectedScore, beta),
            DpoLossType.Robust => terms => DpoLoss.Robust(terms.Margin, beta, smoothing),
            DpoLossType.BcoPair => terms => DpoLoss.BcoPair(terms.ChosenScore, terms.RejectedScore, beta),
            DpoLossType.SppoHard => terms => DpoLoss.SppoHard(terms.ChosenScore, terms.RejectedScore, beta),
            DpoLossType.Aot => terms => DpoLoss.Aot(terms.Policy.Chosen - terms.Policy.Rejected, terms.Reference.Chosen - terms.Reference.Rejected, beta, smoothing),
            DpoLossType.AotUnpaired => terms => DpoLoss.AotUnpaired(terms.ChosenRatio, terms.RejectedRatio, beta, smoothing),
            DpoLossType.ApoZero => terms => DpoLoss.ApoZero(terms.ChosenRatio, terms.RejectedRatio, beta),
            DpoLossType.ApoDown => terms => DpoLoss.ApoDown(terms.ChosenRatio, terms.Margin, beta),
            DpoLossType.DiscoPop => terms => DpoLoss.DiscoPop(terms.Margin, beta, options.DiscopopTau),
            DpoLossType.Sft => terms => DpoLoss.Sft(terms.ChosenTokenLogProbs),
            DpoLossType.SigmoidNorm => terms => DpoLoss.Sigmoid(terms.MarginPerToken, beta),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such loss."),
        };
    }
}
