using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What policy and critic say now about some response tokens.</summary>
/// <param name="LogProbs">[n] of the tokens, with gradient.</param>
/// <param name="Entropy">[n] of the distributions they were drawn from, in nats; no gradient.</param>
/// <param name="Values">[n] critic before each token, with gradient.</param>
internal sealed record PpoPrediction(Tensor LogProbs, Tensor Entropy, Tensor Values);

/// <summary>What a mini-batch is held against: its part of a <see cref="PpoRollout"/>, all [n].</summary>
internal sealed record PpoTarget(Tensor LogProbs, Tensor Values, Tensor Advantages, Tensor Returns, Tensor Mask)
{
    /// <summary>The tokens of a part, in its order. The tensors belong to the current scope.</summary>
    public static PpoTarget Of(PpoRollout rollout, Tensor tokens) => new(
        rollout.LogProbs.index_select(0, tokens),
        rollout.Values.index_select(0, tokens),
        rollout.Advantages.index_select(0, tokens),
        rollout.Returns.index_select(0, tokens),
        rollout.Mask.index_select(0, tokens));
}

/// <summary>What a mini-batch came to.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="Ratio">[n] new over old probability of each token, no gradient.</param>
/// <param name="Figures">Losses and statistics, by TRL's names.</param>
/// <param name="MeanRatio">Mean of the ratios of the tokens that count.</param>
/// <param name="Skipped">True where the mean ratio was over the threshold.</param>
internal sealed record PpoMiniBatch(int[] Rows, Tensor Ratio, Dictionary<string, double> Figures, double MeanRatio, bool Skipped);

/// <summary>Learns from a rollout: epochs, mini-batches, early stop. Holds nothing alive between steps but the optimizer's state.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="critic">Trained in place.</param>
/// <param name="options">Epochs, mini-batches, clipping, optimizer.</param>
/// <param name="totalSteps">Length of the learning rate schedule, in steps of PPO.</param>
/// <param name="replay">Fixes what a recorded run decides otherwise.</param>
/// <param name="memory">Of the policy.</param>
internal sealed class PpoUpdate(
    CausalLanguageModel policy, ValueHead critic, PpoOptions options, int totalSteps, PpoReplay replay, MemorySaving memory) : IDisposable
{
    private readonly GradientStep _gradients =
        new(ParameterRates.Of(policy, critic.Weights(), options), options, totalSteps, memory);

    private readonly WeightAverage? _average = WeightAverage.Of(options, [.. policy.parameters(), .. critic.parameters()], totalSteps);
    private int _steps;

    /// <summary>Norm of the last update's gradient, before clipping.</summary>
    public double GradientNorm { get; private set; }

    /// <summary>What scales losses; null = nothing does.</summary>
    public LossScaler? Scaler => _gradients.Scaler;

    /// <summary>Runs the epochs; if one of their updates fails, the weights are what they were before the first.</summary>
    /// <returns>One entry per mini-batch, in order; the tensors belong to the caller's scope.</returns>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number.</exception>
    public IReadOnlyList<PpoMiniBatch> Run(RolloutBatch batch, PpoRollout rollout, double learningRate)
    {
        _gradients.Begin();
        var before = new WeightSnapshot([.. policy.parameters(), .. critic.parameters()]);
        critic.train(); // where it has dropout, only these passes have it
        try
        {
            IReadOnlyList<PpoMiniBatch> learned = RunEpochs(batch, rollout, learningRate);
            _average?.Follow(++_steps);
            return learned;
        }
        catch (Exception cause)
        {
            before.Restore();
            if (cause is TrainingDivergedException { IsHalfDone: true } diverged)
                throw diverged.TakenBack();
            throw;
        }
        finally
        {
            critic.eval();
        }
    }

    /// <summary>Frees what was kept between steps; averaged weights have their averages from now on.</summary>
    public void Dispose()
    {
        _gradients.Dispose();
        _average?.Apply();
        _average?.Dispose();
    }

    private List<PpoMiniBatch> RunEpochs(RolloutBatch batch, PpoRollout rollout, double learningRate)
    {
        var learned = new List<PpoMiniBatch>();
        for (int epoch = 0; epoch < options.PpoEpochs; epoch++)
        {
            foreach (int[][] group in replay.RowOrder(batch.RowCount).Chunk(options.MiniBatchSize).Chunk(options.GradientAccumulationSteps))
            {
                PpoMiniBatch[] parts = [.. group.Select(rows => Accumulate(batch, rollout, rows, learningRate))];
                learned.AddRange(parts);
                double loss = parts.Average(part => part.Figures[PpoFigures.TotalLoss]);
                double norm = _gradients.Update(loss, learningRate, replay.MaxGradNorm(_gradients.Number));
                GradientNorm = double.IsFinite(norm) ? norm : GradientNorm; // of a skipped update it is no number
            }
            if (options.EarlyStopping && learned[^1].Figures[PpoFigures.PolicyKl] > 1.5 * options.TargetKl)
                break;
        }
        return learned;
    }

    /// <summary>Loss and figures of a mini-batch, as TRL v0.11.4 defines them.</summary>
    /// <returns>The loss is a scalar with its gradient, 0 for a skipped mini-batch. The caller owns the tensors.</returns>
    public static (Tensor Loss, PpoMiniBatch Learned) Objective(PpoOptions options, int[] rows, PpoPrediction now, PpoTarget target)
    {
        using var scope = NewDisposeScope();
        PpoLossTerms policy = PpoLoss.Policy(now.LogProbs, target.LogProbs, target.Advantages, target.Mask, options.Cliprange);
        PpoLossTerms value = PpoLoss.Value(now.Values, target.Values, target.Returns, target.Mask, options.CliprangeValue);
        Tensor loss = policy.Loss + (value.Loss * options.VfCoef);
        (Dictionary<string, double> figures, double meanRatio) = PpoFigures.Of(now, target, policy, value, loss);
        bool skipped = meanRatio > options.RatioThreshold;
        if (skipped)
        {
            loss *= 0.0; // zero gradients, not none: the optimizer's momentum still moves, as in TRL
            figures[PpoFigures.PolicyLoss] = figures[PpoFigures.ValueLoss] = figures[PpoFigures.TotalLoss] = 0;
        }
        var learned = new PpoMiniBatch(rows, policy.Detail.MoveToOuterDisposeScope(), figures, meanRatio, skipped);
        return (loss.MoveToOuterDisposeScope(), learned);
    }

    private PpoMiniBatch Accumulate(RolloutBatch batch, PpoRollout rollout, int[] rows, double learningRate)
    {
        using var scope = NewDisposeScope();
        RolloutPart part = batch.Part(rows, policy.Device);
        (Tensor loss, PpoMiniBatch learned) = Objective(options, rows, Predict(part), PpoTarget.Of(rollout, part.Tokens));
        _gradients.Accumulate(options.GradientAccumulationSteps == 1 ? loss : loss / options.GradientAccumulationSteps, learningRate);
        learned.Ratio.MoveToOuterDisposeScope();
        return learned;
    }

    /// <summary>One pass through the decoder for policy and value; only states that predict response tokens go on to the heads.</summary>
    private PpoPrediction Predict(RolloutPart part)
    {
        Tensor hidden = replay.HiddenStates(policy, part); // [n, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(hidden, policy.Head, part.Labels);
        return new PpoPrediction(tokens.LogProbs, tokens.Entropy, critic.Values(hidden));
    }
}

/// <summary>Losses and statistics of a mini-batch, means over its tokens that count.</summary>
internal static class PpoFigures
{
    public const string PolicyLoss = "loss/policy";
    public const string ValueLoss = "loss/value";
    public const string TotalLoss = "loss/total";
    public const string PolicyKl = "policy/policykl";

    /// <summary>All figures by TRL's names, each below <c>ppo/</c>, and the mean ratio; one transfer from the device.</summary>
    public static (Dictionary<string, double> Figures, double MeanRatio) Of(
        PpoPrediction now, PpoTarget target, PpoLossTerms policy, PpoLossTerms value, Tensor loss)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor moved = now.LogProbs - target.LogProbs; // [n]
        bool single = target.Mask.sum().item<float>() < 2;
        (string Name, Tensor Value)[] figures =
        [
            (PolicyLoss, policy.Loss),
            (ValueLoss, value.Loss),
            (TotalLoss, loss),
            ("policy/entropy", Mean(now.Entropy)),
            ("policy/approxkl", Mean(moved.square()) * 0.5),
            (PolicyKl, -Mean(moved)),
            ("policy/clipfrac", policy.ClipFraction),
            ("policy/advantages_mean", Mean(target.Advantages)),
            ("returns/mean", Mean(target.Returns)),
            ("returns/var", Variance(target.Returns)),
            ("val/vpred", Mean(now.Values)),
            ("val/error", Mean((now.Values - target.Returns).square())),
            ("val/clipfrac", value.ClipFraction),
            ("val/mean", Mean(target.Values)),
            ("val/var", Variance(target.Values)),
        ];
        float[] numbers = stack([.. figures.Select(figure => figure.Value), Mean(policy.Detail)]).cpu().data<float>().ToArray();
        return (figures.Zip(numbers).ToDictionary(pair => pair.First.Name, pair => (double)pair.Second), numbers[^1]);

        Tensor Mean(Tensor values) => Masked.Mean(values, target.Mask);

        // a single token has no unbiased variance; TRL's would be NaN
        Tensor Variance(Tensor values) => single ? zeros_like(loss) : Masked.Variance(values, target.Mask);
    }
}
