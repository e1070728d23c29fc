using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>What the losses are made of. All tensors live in the scope of the step; B pairs, N tokens of chosen answers.</summary>
/// <param name="Policy">Under the policy, with gradient.</param>
/// <param name="Reference">Under the reference, no gradient.</param>
/// <param name="ChosenRatio">[B] policy minus reference.</param>
/// <param name="RejectedRatio">[B] policy minus reference.</param>
/// <param name="ChosenScore">[B] what the divergence makes of the ratio.</param>
/// <param name="RejectedScore">[B] what the divergence makes of the ratio.</param>
/// <param name="Margin">[B] chosen minus rejected score.</param>
/// <param name="MarginPerToken">[B] the same of scores per token.</param>
/// <param name="ChosenTokenLogProbs">[N] under the policy, with gradient.</param>
/// <param name="PairWeights">[B] weight of each pair, no gradient; null = 1.</param>
internal sealed record DpoTerms(
    PairLogProbs Policy, PairLogProbs Reference,
    Tensor ChosenRatio, Tensor RejectedRatio, Tensor ChosenScore, Tensor RejectedScore,
    Tensor Margin, Tensor MarginPerToken, Tensor ChosenTokenLogProbs, Tensor? PairWeights);

/// <summary>The losses that the options name, weighted and added up. What each is was chosen at construction.</summary>
internal sealed class DpoObjective : IPairObjective
{
    private readonly (Func<DpoTerms, Tensor> PerPair, double Weight)[] _losses;
    private readonly Func<Tensor, Tensor> _score;
    private readonly DpoOptions _options;

    public DpoObjective(DpoOptions options)
    {
        _options = options;
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

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        DpoTerms terms = Terms(batch, theirs, tokens);
        Tensor compared = Loss(terms);
        Tensor? likelihood = _options.RpoAlpha is null ? null : terms.ChosenTokenLogProbs.sum() / -batch.ChosenDivisor;
        Tensor loss = likelihood is null ? compared : compared + (likelihood * _options.RpoAlpha!.Value);
        var rewards = new PairLogProbs(terms.ChosenRatio.detach() * _options.Beta, terms.RejectedRatio.detach() * _options.Beta);
        Dictionary<string, float> metrics = PairMetrics.Of(
            loss, batch, terms.Policy, rewards, meanLogits,
            [
                ("entropy", tokens.Entropy.mean()),
                ("mean_token_accuracy", tokens.Hit.narrow(0, 0, batch.ChosenTargets).mean()),
                .. likelihood is null ? [] : new[] { ("nll_loss", likelihood.detach()) },
            ]);
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <summary>
    /// arXiv:2406.11827, Eq. 2 with weight alignment: each token's probability over the mean probability of a token that the
    /// policy itself would draw; geometric mean over an answer, product over the pair.
    /// </summary>
    /// <returns>[B], no gradient. The caller owns it.</returns>
    public static Tensor PairWeights(PairBatch batch, TokenLogProbs tokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        PairLogProbs aligned = batch.Mean(tokens.LogProbs - tokens.SquaredMass.log()); // [B] each
        return (aligned.Chosen + aligned.Rejected).exp().MoveToOuterDisposeScope();
    }

    private DpoTerms Terms(PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens) // results belong to the current scope
    {
        PairLogProbs ours = batch.Sum(tokens.LogProbs);
        (Tensor chosenLength, Tensor rejectedLength) = batch.Lengths();
        Tensor chosenRatio = ours.Chosen - theirs.Chosen;       // [B]
        Tensor rejectedRatio = ours.Rejected - theirs.Rejected; // [B]
        Tensor chosen = _score(chosenRatio);                    // [B]
        Tensor rejected = _score(rejectedRatio);                // [B]
        return new DpoTerms(
            ours, theirs, chosenRatio, rejectedRatio, chosen, rejected,
            Margin: chosen - rejected,
            MarginPerToken: (chosen / chosenLength) - (rejected / rejectedLength),
            ChosenTokenLogProbs: tokens.LogProbs.narrow(0, 0, batch.ChosenTargets),
            PairWeights: _options.UseWeighting ? PairWeights(batch, tokens) : null);
    }

    /// <summary>The loss, a scalar with its gradient. The caller owns it.</summary>
    private Tensor Loss(DpoTerms terms)
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
            DpoLossType.Aot => terms => DpoLoss.Aot(
                terms.Policy.Chosen - terms.Policy.Rejected, terms.Reference.Chosen - terms.Reference.Rejected, beta, smoothing),
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
