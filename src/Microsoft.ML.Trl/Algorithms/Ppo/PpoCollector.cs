using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Looks at a batch before it is learnt from: log-probabilities, values, rewards, advantages. No gradients.</summary>
internal sealed class PpoCollector(CausalLanguageModel policy, ValueHead valueHead, CausalLanguageModel reference, PpoOptions options, PpoHooks hooks)
{
    private readonly Func<Tensor, Tensor, Tensor> _penalty = options.KlPenalty switch
    {
        KlPenalty.Kl => KlEstimators.Difference,
        KlPenalty.Abs => KlEstimators.Absolute,
        KlPenalty.Mse => KlEstimators.Squared,
        _ => static (_, _) => throw new UnreachableException(), // the full KL is made from hidden states
    };

    /// <summary>The rollout of a batch; its tensors belong to the caller's scope.</summary>
    /// <param name="batch">Checked rows.</param>
    /// <param name="scores">[B] shaped scores.</param>
    /// <param name="klCoefficient">Reward units per nat.</param>
    /// <param name="sampled">What the sampler computed under the very same weights; null = to be computed here.</param>
    /// <param name="clock">Told when each part is done.</param>
    public PpoRollout Collect(PpoBatch batch, double[] scores, double klCoefficient, PpoSampled? sampled, PpoClock clock)
    {
        using var frozen = no_grad();
        Looked looked = Look(batch, sampled);
        clock.Lap("time/ppo/forward_pass");
        Tensor mask = tensor(batch.Mask, device: policy.Device);                          // [N]
        Tensor grid = tensor(batch.GridPositions(), device: policy.Device);               // [N]
        Tensor rewards = (looked.Kl * -klCoefficient) + ScoreOnLastToken(batch, scores); // [N]
        clock.Lap("time/ppo/compute_rewards");
        Tensor values = looked.Values * mask; // [N]
        Tensor raw = AdvantageGrid(batch, grid, rewards * mask, values, mask); // [B, T-1]
        Tensor maskGrid = OnGrid(batch, grid, mask);
        Tensor white = Masked.Whiten(raw, maskGrid);
        var rollout = new PpoRollout
        {
            LogProbs = looked.LogProbs,
            ReferenceLogProbs = looked.ReferenceLogProbs,
            Kl = looked.Kl,
            Values = values,
            Mask = mask,
            GridPositions = grid,
            AdvantageGrid = white,
            Advantages = white.view(-1).index_select(0, grid),
            Returns = raw.view(-1).index_select(0, grid) + values,
        };
        clock.Lap("time/ppo/compute_advantages");
        return rollout;
    }

    /// <summary>Spreads [N] numbers of tokens over a grid [B, T-1].</summary>
    public static Tensor OnGrid(PpoBatch batch, Tensor gridPositions, Tensor tokens, double elsewhere = 0)
    {
        using var scope = NewDisposeScope();
        Tensor flat = full(batch.RowCount * (batch.Width - 1L), elsewhere, dtype: ScalarType.Float32, device: tokens.device);
        return flat.index_copy(0, gridPositions, tokens).view(batch.RowCount, batch.Width - 1).MoveToOuterDisposeScope();
    }

    private Looked Look(PpoBatch batch, PpoSampled? sampled)
    {
        var parts = new List<Looked>();
        for (int start = 0; start < batch.RowCount; start += options.MiniBatchSize)
        {
            int[] rows = [.. Enumerable.Range(start, Math.Min(options.MiniBatchSize, batch.RowCount - start))];
            parts.Add(Look(batch, rows, sampled));
        }
        return new Looked(
            cat([.. parts.Select(part => part.LogProbs)], 0),
            cat([.. parts.Select(part => part.ReferenceLogProbs)], 0),
            cat([.. parts.Select(part => part.Kl)], 0),
            cat([.. parts.Select(part => part.Values)], 0));
    }

    private Looked Look(PpoBatch batch, int[] rows, PpoSampled? sampled)
    {
        using var scope = NewDisposeScope();
        PpoPart part = batch.Part(rows, policy.Device);
        Range tokens = batch.TokensOf(rows[0]).Start..batch.TokensOf(rows[^1]).End;
        Tensor ours = sampled is null ? hooks.States(policy, part) : Known(sampled.States[tokens]); // [n, H]
        Tensor theirs = hooks.States(reference, part); // [n, H]
        Tensor logProbs = sampled is null
            ? LogProbs.OfHidden(ours, policy.HeadWeight, part.Labels)
            : tensor(sampled.LogProbs[tokens], device: ours.device); // [n]
        Tensor referenceLogProbs = LogProbs.OfHidden(theirs, reference.HeadWeight, part.Labels); // [n]
        Tensor kl = options.KlPenalty == KlPenalty.Full
            ? KlEstimators.Full(ours, policy.HeadWeight, theirs, reference.HeadWeight)
            : _penalty(logProbs, referenceLogProbs); // [n]
        return new Looked(
            logProbs.MoveToOuterDisposeScope(),
            referenceLogProbs.MoveToOuterDisposeScope(),
            kl.MoveToOuterDisposeScope(),
            valueHead.Values(ours).MoveToOuterDisposeScope());
    }

    private Tensor Known(float[][] states) // -> [n, H]
    {
        using var scope = NewDisposeScope();
        float[] flat = [.. states.SelectMany(state => state)];
        return tensor(flat).view(states.Length, -1).to(policy.Type, policy.Device).MoveToOuterDisposeScope();
    }

    private Tensor ScoreOnLastToken(PpoBatch batch, double[] scores) // -> [N]
    {
        var placed = new float[batch.TokenCount];
        for (int row = 0; row < batch.RowCount; row++)
            placed[batch.LastCounted[row]] = (float)scores[row];
        return tensor(placed, device: policy.Device);
    }

    private Tensor AdvantageGrid(PpoBatch batch, Tensor grid, Tensor rewards, Tensor values, Tensor mask) // [N] each -> [B, T-1]
    {
        using var scope = NewDisposeScope();
        Tensor maskGrid = OnGrid(batch, grid, mask);
        Tensor rewardGrid = OnGrid(batch, grid, rewards);
        if (options.WhitenRewards)
            rewardGrid = Masked.Whiten(rewardGrid, maskGrid, shiftMean: false);
        return Advantages.Estimate(rewardGrid, OnGrid(batch, grid, values), ones_like(maskGrid), options.Gamma, options.Lam).MoveToOuterDisposeScope();
    }

    private sealed record Looked(Tensor LogProbs, Tensor ReferenceLogProbs, Tensor Kl, Tensor Values);
}
