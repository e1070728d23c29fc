using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>
/// Learns from episodes: epochs, mini-batches, forward passes. Holds nothing alive between steps but the optimizer's state.
/// </summary>
internal sealed class EpisodeLearner : IDisposable
{
    private readonly PolicyAndValue _models;
    private readonly ExperimentalPpoOptions _options;
    private readonly EpisodeReplay _replay;
    private readonly GradientStep _gradients;
    private readonly WeightAverage? _average;

    /// <param name="models">Trained in place.</param>
    /// <param name="options">Validated.</param>
    /// <param name="totalSteps">Of the run.</param>
    /// <param name="replay">Fixes what a recorded run decides otherwise.</param>
    public EpisodeLearner(PolicyAndValue models, ExperimentalPpoOptions options, int totalSteps, EpisodeReplay replay)
    {
        (_models, _options, _replay) = (models, options, replay);
        _gradients = new GradientStep(models.Trained(options), options, totalSteps, models.Memory);
        try
        {
            _average = WeightAverage.Of(options, models.Policy.parameters(), totalSteps);
        }
        catch
        {
            _gradients.Dispose();
            throw;
        }
    }

    /// <summary>Norm of the last update's gradient, before clipping.</summary>
    public double GradientNorm { get; private set; }

    /// <summary>What scales losses; null = nothing does.</summary>
    public LossScaler? Scaler => _gradients.Scaler;

    /// <summary>Runs the epochs of a step; if one of their updates fails, the weights are what they were before the first.</summary>
    /// <param name="episodes">Of the step.</param>
    /// <param name="step">Counted from 1.</param>
    /// <param name="learningRate">Of all updates of the step.</param>
    /// <returns>What each update came to.</returns>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number.</exception>
    public IReadOnlyList<EpisodeSums> Run(Episodes episodes, int step, double learningRate)
    {
        _gradients.Begin();
        var before = new WeightSnapshot(_models.Everything);
        try
        {
            IReadOnlyList<EpisodeSums> updates = RunEpochs(episodes, learningRate);
            _average?.Follow(step);
            return updates;
        }
        catch (Exception cause)
        {
            before.Restore();
            if (cause is TrainingDivergedException { IsHalfDone: true } diverged)
                throw diverged.TakenBack();
            throw;
        }
    }

    /// <summary>Frees what was kept between steps; averaged weights have their averages from now on.</summary>
    public void Dispose()
    {
        _gradients.Dispose();
        _average?.Apply();
        _average?.Dispose();
    }

    private List<EpisodeSums> RunEpochs(Episodes episodes, double learningRate)
    {
        var updates = new List<EpisodeSums>();
        for (int epoch = 0; epoch < _options.NumPpoEpochs; epoch++)
            foreach (int[][] passes in _replay.Updates(_replay.RowOrder(episodes.Batch.RowCount)))
            {
                EpisodeSums sums = passes.Select(rows => Accumulate(episodes, rows, passes, learningRate))
                    .Aggregate((all, one) => all + one);
                double loss = sums.PolicyLoss + (_options.VfCoef * sums.ValueLoss);
                double norm = _gradients.Update(loss, learningRate, _options.MaxGradNorm);
                GradientNorm = double.IsFinite(norm) ? norm : GradientNorm; // of a skipped update it is no number
                updates.Add(sums);
            }
        return updates;
    }

    /// <summary>Forward and backward pass over some rows.</summary>
    private EpisodeSums Accumulate(Episodes episodes, int[] rows, int[][] passes, double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        RolloutPart part = episodes.Batch.Part(rows, _models.Policy.Device);
        (int tokens, int values) = (episodes.TokenCount(rows), episodes.ValueCount(rows));
        int[] all = [.. passes.SelectMany(pass => pass)];
        Tensor mask = episodes.Mask.index_select(0, part.Tokens); // [n]
        TokenLogProbs now = _models.Statistics(part);
        Tensor oldLogProbs = episodes.LogProbs.index_select(0, part.Tokens);
        ClippedCost policy = ClippedCosts.Policy(
            now.LogProbs, oldLogProbs, episodes.Advantages.index_select(0, part.Tokens), _options.Cliprange);
        ClippedCost value = ClippedCosts.Value(
            _models.Values(part), episodes.Values.index_select(0, part.Tokens), episodes.Returns.index_select(0, part.Tokens),
            _options.CliprangeValue);
        Tensor policyCost = (policy.Cost * mask).sum(), valueCost = value.Cost.sum();
        Tensor loss = (policyCost / _replay.Divisor(tokens, episodes.TokenCount(all), passes.Length))
            + (valueCost * (_options.VfCoef * 0.5 / _replay.Divisor(values, episodes.ValueCount(all), passes.Length)));
        _gradients.Accumulate(loss, learningRate);
        using IDisposable frozen = no_grad();
        Tensor moved = (now.LogProbs - oldLogProbs) * mask;
        Tensor[] sums =
        [
            policyCost, (policy.IsClipped * mask).sum(), (now.Entropy * mask).sum(), moved.square().sum(), (policy.Detail * mask).sum(),
            valueCost, value.IsClipped.sum(),
        ];
        float[] numbers = stack(sums).cpu().data<float>().ToArray();
        var learned = new EpisodeSums(
            tokens, values, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
        _replay.Learned?.Invoke(rows, learned);
        return learned;
    }
}
