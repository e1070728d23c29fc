using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Learns from a rollout: epochs, mini-batches, early stop. Holds nothing alive between steps but the optimizer's memory.</summary>
internal sealed class PpoUpdate(CausalLanguageModel policy, ValueHead valueHead, PpoOptions options, PpoHooks hooks) : IDisposable
{
    private readonly PpoObjective _objective = new(options);
    private readonly GradientStep _step = new(
        [.. policy.parameters(), .. valueHead.parameters()],
        new OptimizerSettings(OptimizerKind.Adam),
        LearningRateSchedule.Constant(options.LearningRate));

    /// <summary>Rate of the next updates.</summary>
    public double LearningRate { get; set; } = options.LearningRate;

    /// <summary>Runs the epochs.</summary>
    /// <returns>One entry per mini-batch, in order; the tensors belong to the caller's scope.</returns>
    public List<(int[] Rows, PpoTerms Terms)> Run(PpoBatch batch, PpoRollout rollout)
    {
        var done = new List<(int[], PpoTerms)>();
        for (int epoch = 0; epoch < options.PpoEpochs; epoch++)
        {
            int[] order = hooks.RowOrder.Next(batch.RowCount);
            PpoTerms last = null!; // a batch has at least one mini-batch
            int inStep = 0;
            double loss = 0;
            foreach (int[] rows in order.Chunk(options.MiniBatchSize))
            {
                last = Learn(batch, rollout, rows);
                done.Add((rows, last));
                loss += last.Statistics[2] / options.GradientAccumulationSteps;
                if (++inStep < options.GradientAccumulationSteps)
                    continue;
                _step.Step(loss, LearningRate, hooks.GradientLimit(_step.Number, options.MaxGradNorm));
                (inStep, loss) = (0, 0);
            }
            if (options.EarlyStopping && last.PolicyKl > 1.5 * options.TargetKl)
                break;
        }
        return done;
    }

    public void Dispose() => _step.Dispose();

    private PpoTerms Learn(PpoBatch batch, PpoRollout rollout, int[] rows)
    {
        using var scope = NewDisposeScope();
        PpoPart part = batch.Part(rows, policy.Device);
        PpoPrediction now = PpoForward.Predict(policy, valueHead, part, hooks.States);
        PpoTerms terms = _objective.Compute(now, PpoTarget.Of(rollout, part));
        _step.Accumulate(options.GradientAccumulationSteps == 1 ? terms.Loss : terms.Loss / options.GradientAccumulationSteps);
        terms.Ratio.MoveToOuterDisposeScope();
        return terms;
    }
}
