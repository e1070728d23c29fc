using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// The average of <see cref="WeightAveragingOptions"/>, float32 and, as in TRL, in the memory of the machine wherever the weights are. Owns
/// its tensors: three numbers per weight that is trained, one where nothing is corrected.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly WeightAveragingOptions _options;
    private readonly Tensor[] _weights, _moving, _start, _average;
    private bool _isUpdated;

    private WeightAverage(WeightAveragingOptions options, Tensor[] weights)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (_options, _weights) = (options, weights);
        Tensor[] Copies() => Array.ConvertAll(weights, weight => Wide(weight, copy: true).DetachFromDisposeScope());
        _moving = Copies();
        (_start, _average) = options.IsCorrected ? (Copies(), Copies()) : ([], _moving);
    }

    /// <summary>The average that the options ask for; null where they ask for none.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="weights">Those without gradient are left out; a tensor that stands there twice counts once.</param>
    /// <param name="steps">Steps of the run.</param>
    /// <exception cref="ArgumentException">The run is too short for an average.</exception>
    public static WeightAverage? Of(TrainingOptions options, IEnumerable<Tensor> weights, int steps)
    {
        if (options.WeightAveraging is not { } averaging)
            return null;
        averaging.RequireUpdate(steps);
        return new WeightAverage(averaging, [.. weights.Where(weight => weight.requires_grad).DistinctBy(weight => weight.Handle)]);
    }

    /// <summary>Called after each step.</summary>
    /// <param name="step">Counted from 1.</param>
    public void Follow(int step)
    {
        if (step < _options.UpdateAfter)
            return;
        using IDisposable frozen = no_grad();
        if (step == _options.UpdateAfter)
            for (int i = 0; i < _weights.Length; i++)
                Begin(i);
        else if ((step - _options.UpdateAfter) % _options.UpdateFreq == 0)
        {
            for (int i = 0; i < _weights.Length; i++)
                Update(i, _options.Share(step), _options.Correction(step));
            _isUpdated = true;
        }
    }

    /// <summary>Gives the weights their average as of the last update; where there was none, they stay.</summary>
    public void Apply()
    {
        if (!_isUpdated)
            return;
        using IDisposable frozen = no_grad();
        foreach ((Tensor weight, Tensor average) in _weights.Zip(_average).Where(pair => !pair.First.IsInvalid))
            weight.copy_(average);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _moving.Concat(_start).Concat(_options.IsCorrected ? _average : []))
            tensor.Dispose();
    }

    private static Tensor Wide(Tensor weight, bool copy = false) => weight.detach().to(ScalarType.Float32, CPU, copy: copy);

    private void Begin(int index)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Wide(_weights[index]);
        _moving[index].copy_(weight);
        if (_options.IsCorrected)
            _start[index].copy_(weight);
    }

    private void Update(int index, double share, double correction)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Wide(_weights[index]);
        _moving[index].mul_(1 - share).add_(weight, share);
        if (_options.IsCorrected)
            _average[index].copy_(weight).sub_(_start[index]).mul_(correction).add_(_moving[index]);
    }
}
