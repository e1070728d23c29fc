using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What a method makes of the scores of a generation.</summary>
/// <param name="Advantages">A finite number for each completion, 0 where it could not be scored.</param>
/// <param name="Figures">By TRL's names.</param>
internal sealed record GroupJudgement(float[] Advantages, Dictionary<string, float> Figures)
{
    /// <summary>A finite number for each token that is learnt; null where all tokens of a completion have the same.</summary>
    public float[]? TokenAdvantages { get; init; }
}

/// <summary>What a method makes of the completions of prompts.</summary>
internal interface IGroupObjective
{
    /// <summary>Whether log-probabilities of the sampling weights are wanted even where those are the weights that learn.</summary>
    bool NeedsOldLogProbs => false;

    /// <summary>Whether the rewards of the likeliest completions are wanted.</summary>
    bool NeedsGreedyRewards => false;

    /// <summary>Whether the entropy of tokens is wanted with its gradient.</summary>
    bool NeedsEntropyGradient => false;

    /// <summary>What is measured of held-out completions beside rewards, entropy and KL, pass by pass.</summary>
    /// <param name="states">No gradient.</param>
    /// <param name="drawn">[n] log-probabilities of the tokens under the policy, at the temperature of the draws.</param>
    /// <param name="figures">Told of it.</param>
    void Measure(GroupStates states, Tensor drawn, IFigures figures) { }

    /// <summary>Estimates KL(policy ‖ reference) at drawn tokens, [n], as the reports of training do.</summary>
    /// <param name="logProbs">[n] under the policy.</param>
    /// <param name="reference">[n] under the reference.</param>
    Tensor Kl(Tensor logProbs, Tensor reference) => KlEstimators.Difference(logProbs, reference);

    /// <summary>
    /// What another model says where the tokens of a pass are predicted. Asked before the policy reads the batch, so that what the other
    /// model computes on the way is no longer in memory by then.
    /// </summary>
    /// <param name="batch">As the policy reads it.</param>
    /// <returns>[n, H'], no gradient, in the current scope; null = there is no other model.</returns>
    Tensor? OtherStates(TokenBatch batch) => null;

    /// <summary>How much better each completion is than was to be expected.</summary>
    /// <param name="scores">Of all completions of a generation.</param>
    GroupJudgement Judge(GroupScores scores);

    /// <summary>From log-probabilities to the loss of a pass.</summary>
    /// <param name="tokens">What they are held against.</param>
    /// <param name="now">[n] under the policy, with gradient.</param>
    /// <param name="entropy">[n] of the policy in nats; with gradient where that was asked for.</param>
    /// <param name="totals">Of the whole step.</param>
    /// <returns>The pass's share of the step's loss with its gradient, which the caller owns, and figures by TRL's names.</returns>
    (Tensor Loss, Dictionary<string, float> Metrics) Loss(GroupTokens tokens, Tensor now, Tensor entropy, GroupTotals totals);

    /// <summary>Called after each optimizer step.</summary>
    void EndStep() { }
}
