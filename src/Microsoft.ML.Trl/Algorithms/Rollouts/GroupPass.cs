using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Learns from completions: the passes of an optimizer step.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="options">Validated.</param>
/// <param name="objective">Of the method.</param>
internal sealed class GroupPass(CausalLanguageModel policy, GroupOptions options, IGroupObjective objective)
{
    private readonly AuxiliaryLoss _auxiliary = new(policy.Config, options.RouterAuxLossCoef);

    /// <summary>The states [n, H] that predict the tokens of a batch; null = as the policy reads the batch itself.</summary>
    public Func<CausalLanguageModel, TokenBatch, Tensor>? Hidden { get; init; }

    /// <summary>Accumulates the gradients of a step.</summary>
    /// <param name="passes">What each forward pass reads.</param>
    /// <param name="gradients">Takes them.</param>
    /// <param name="log">Told of figures.</param>
    /// <returns>The loss of the step.</returns>
    public double Accumulate(IReadOnlyList<(GroupRollout Rollout, int[] Rows)> passes, GradientStep gradients, StepLog log)
    {
        var totals = new GroupTotals(
            passes.Sum(pass => pass.Rows.Length), passes.Sum(pass => (long)pass.Rollout.TokenCount(pass.Rows)), passes.Count);
        return passes.Where(pass => pass.Rollout.TokenCount(pass.Rows) > 0)
            .Sum(pass => Accumulate(pass.Rollout, pass.Rows, totals, gradients, log));
    }

    /// <summary>Measures completions that are not learnt from. Called in evaluation mode, without gradient.</summary>
    /// <param name="texts">Prompts with completions.</param>
    /// <param name="reference">What the policy is held against; null = nothing is.</param>
    /// <param name="figures">Told of them.</param>
    public void Measure(IReadOnlyList<TokenExample> texts, CausalLanguageModel? reference, IFigures figures)
    {
        foreach (TokenExample[] rows in texts.Where(text => text.LearnedTokens() > 0).Chunk(options.PerDeviceTrainBatchSize))
        {
            using DisposeScope scope = NewDisposeScope();
            using TokenBatch batch = policy.BatchOf(rows, options.PaddingFree);
            Tensor? others = objective.OtherStates(batch);
            Tensor? theirs = reference is null ? null
                : LogProbs.OfHidden(Read(reference, batch), HeadOf(reference), batch.Labels);
            Tensor hidden = Read(policy, batch);
            TokenLogProbs drawn = LogProbs.WithStatistics(hidden, HeadOf(policy), batch.Labels);
            double tokens = drawn.LogProbs.NumberOfElements;
            figures.Note("entropy", drawn.Entropy.mean().item<float>(), tokens);
            if (theirs is not null)
                figures.Note("kl", objective.Kl(drawn.LogProbs, theirs).mean().item<float>(), tokens);
            objective.Measure(new GroupStates(batch, hidden, others), drawn.LogProbs, figures);
        }
    }

    /// <summary>Forward and backward pass over some completions.</summary>
    /// <returns>Their share of the step's loss.</returns>
    private double Accumulate(GroupRollout rollout, int[] rows, GroupTotals totals, GradientStep gradients, StepLog log)
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = policy.BatchOf([.. rows.Select(row => rollout.Texts[row])], options.PaddingFree);
        Tensor? others = objective.OtherStates(batch);
        RouterLoad? load = _auxiliary.Begin(batch);
        Tensor hidden = Read(policy, batch, load); // [n, H]
        VocabularyProjection head = HeadOf(policy);
        TokenLogProbs now = LogProbs.WithStatistics(hidden, head, batch.Labels);
        Tensor entropy = objective.NeedsEntropyGradient ? HiddenEntropy.Of(hidden, head) : now.Entropy;
        GroupTokens tokens = rollout.Tokens(rows, policy.Device) with { States = new GroupStates(batch, hidden, others) };
        (Tensor learned, Dictionary<string, float> metrics) = objective.Loss(tokens, now.LogProbs, entropy, totals);
        (Tensor loss, _) = _auxiliary.AddTo(learned, load, log, share: 1.0 / totals.PassCount);
        gradients.Accumulate(loss);
        log.NoteAll(metrics);
        return loss.item<float>();
    }

    private Tensor Read(CausalLanguageModel model, TokenBatch batch, RouterLoad? load = null) =>
        Hidden?.Invoke(model, batch) ?? model.HiddenAt(batch, load);

    private VocabularyProjection HeadOf(CausalLanguageModel model) => model.Head with { Temperature = options.Generation.Temperature };
}
