using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// An update rule bound to its parameters. Owns its state: moments, and float32 master weights and gradient sums of parameters that
/// are narrower than float32. Call under no_grad.
/// </summary>
internal sealed class Optimizer : IDisposable
{
    private readonly UpdateSettings _settings;
    private readonly IUpdateRule _rule;
    private readonly StateMemory _memory;
    private readonly List<ParameterSlot> _slots = [];

    /// <param name="parameters">What to train, each once.</param>
    /// <param name="settings">The rule and its numbers.</param>
    /// <param name="rule">In the place of that of the settings; this owns it.</param>
    /// <exception cref="InvalidOperationException">A factory of the user's failed.</exception>
    /// <exception cref="IOException">The folder of the state is not there, or the disk is full.</exception>
    /// <exception cref="NotSupportedException">The state is to lie in files, and the parameters are on a GPU.</exception>
    public Optimizer(IReadOnlyList<TrainedParameter> parameters, UpdateSettings settings, IUpdateRule? rule = null)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (_settings, _rule, _memory) = (settings, rule ?? UpdateRules.Of(settings), new StateMemory(settings.Folder));
        try
        {
            foreach (TrainedParameter parameter in parameters)
                _slots.Add(new ParameterSlot(parameter, _rule, _memory, settings.RoundsAtRandom ? SeedOf(_slots.Count) : null));
            _rule.Begin(_slots);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of moments and masters.</summary>
    public long StateBytes => _memory.Bytes;

    /// <summary>
    /// Adds gradients narrower than float32 to float32 sums, so that small ones are not lost. Before each backward pass: the gradients of
    /// the last one, and so of a step that has one, need no sum.
    /// </summary>
    public void CollectGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (ParameterSlot slot in _slots.Where(slot => slot.IsNarrow))
            slot.Collect();
    }

    /// <summary>Euclidean norm over the gradients of all parameters.</summary>
    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        return Gradients.Norm([.. ParameterPart.Groups(_slots.Where(slot => slot.HasGradient)).Select(NormOf)]).item<float>();
    }

    /// <summary>
    /// Changes the parameters. One that had a gradient before and has none now, as an expert that no token went to, moves on as with a
    /// gradient of zeros.
    /// </summary>
    /// <param name="number">Of this step, counted from 1.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientDivisor">By which every gradient is divided first, from clipping; 1 leaves them.</param>
    public void Step(int number, double rate, double gradientDivisor)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? divisor = gradientDivisor == 1
            ? null
            : tensor((float)gradientDivisor, device: _slots.Count == 0 ? CPU : _slots[0].Parameter.device);
        _rule.Step(
            [.. _slots.Where(slot => slot.HasGradient || slot.HasMoved)],
            new UpdateStep(number, rate, _settings.WeightDecay, gradientDivisor, divisor));
    }

    /// <summary>Drops all gradients.</summary>
    public void ClearGradients()
    {
        foreach (ParameterSlot slot in _slots)
            slot.ClearGradient();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rule.Dispose();
        foreach (ParameterSlot slot in _slots)
            slot.Dispose();
        _memory.Dispose();
    }

    private ulong SeedOf(int slot) => ((ulong)(uint)_settings.Seed << 32) ^ ((ulong)slot * 0xA24B_AED4_963E_E407);

    private static Tensor NormOf(ParameterPart[] pieces)
    {
        using DisposeScope scope = NewDisposeScope();
        return Gradients.Norm([.. pieces.Select(piece => piece.Slot.GradientOf(piece))]).MoveToOuterDisposeScope();
    }
}
