using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>One parameter with what the optimizer remembers of it.</summary>
internal sealed class ParameterSlot : IDisposable
{
    private readonly ulong? _roundingSeed;
    private Tensor? _sum;

    /// <param name="trained">The parameter.</param>
    /// <param name="rule">Says what the state is.</param>
    /// <param name="memory">Makes state and master, and owns them.</param>
    /// <param name="roundingSeed">Of a bfloat16 parameter that is rounded at random and has no master; null = it has one.</param>
    public ParameterSlot(TrainedParameter trained, IUpdateRule rule, StateMemory memory, ulong? roundingSeed)
    {
        (Name, Parameter, Rate, Decays) = (trained.Name, trained.Value, trained.Rate, trained.Decays);
        _roundingSeed = Parameter.dtype == ScalarType.BFloat16 ? roundingSeed : null;
        if (IsNarrow && _roundingSeed is null)
        {
            Master = memory.Zeros(Parameter.shape, ScalarType.Float32, Parameter.device);
            Master.copy_(Parameter.detach());
        }
        State = rule.CreateState(Parameter, memory);
    }

    /// <summary>Its path in the checkpoint.</summary>
    public string Name { get; }

    /// <summary>What is trained. Its owner keeps it.</summary>
    public Tensor Parameter { get; }

    /// <summary>Its weights in float32, where it is narrower and not rounded at random.</summary>
    public Tensor? Master { get; }

    /// <summary>What the rule remembers.</summary>
    public IReadOnlyList<Tensor> State { get; }

    /// <summary>By how much the learning rate is multiplied.</summary>
    public double Rate { get; }

    /// <summary>Whether weight decay acts on it.</summary>
    public bool Decays { get; }

    /// <summary>Narrower than float32.</summary>
    public bool IsNarrow => Parameter.dtype != ScalarType.Float32;

    public bool HasGradient => _sum is not null || Parameter.grad is not null;

    /// <summary>Whether a step has changed it.</summary>
    public bool HasMoved { get; set; }

    /// <summary>Rows of the parameter, a part at a time.</summary>
    /// <param name="most">Numbers of a part, unless a row has more.</param>
    public IEnumerable<ParameterPart> Pieces(long most)
    {
        long rows = Parameter.dim() == 0 ? 1 : Parameter.size(0);
        long perPiece = Math.Max(1, (long)Math.Min(rows, (double)most * rows / Math.Max(1, Parameter.NumberOfElements)));
        for (long first = 0; first < rows; first += perPiece)
            yield return new ParameterPart(this, first, Math.Min(perPiece, rows - first));
    }

    /// <summary>
    /// The gradient as it is, narrow or not; zeros where there is none. Belongs to the current scope, the parameter or this.
    /// </summary>
    public Tensor Gradient()
    {
        if (_sum is not null)
            Collect();
        return _sum ?? Parameter.grad ?? zeros_like(Parameter.detach());
    }

    /// <summary>The gradient of some rows in float32. Belongs to the current scope, the parameter or this.</summary>
    public Tensor GradientOf(ParameterPart piece) => (_sum, Parameter.grad) switch
    {
        (var sum, { } gradient) when IsNarrow =>
            sum is null ? piece.Of(gradient).to_type(ScalarType.Float32) : piece.Of(sum).add(piece.Of(gradient)),
        var (sum, gradient) => piece.Of(sum ?? gradient ?? zeros_like(Parameter.detach(), ScalarType.Float32)),
    };

    /// <summary>Adds the gradient of a narrow parameter to its sum in float32.</summary>
    public void Collect()
    {
        if (Parameter.grad is not { } gradient)
            return;
        if (_sum is null)
            _sum = gradient.to_type(ScalarType.Float32).DetachFromDisposeScope();
        else
            _sum.add_(gradient);
        Parameter.grad = null!;
    }

    public void ClearGradient()
    {
        Parameter.grad = null!;
        _sum?.Dispose();
        _sum = null;
    }

    /// <summary>A seed for what is drawn in a step.</summary>
    public ulong SeedOf(UpdateStep step) => (_roundingSeed ?? 0) + ((ulong)step.Number * 0xD134_2543_DE82_EF95);

    /// <summary>Gives the parameter new weights.</summary>
    /// <param name="target">Some of it, bfloat16 or float16.</param>
    /// <param name="weights">Float32.</param>
    /// <param name="step">Whose they are.</param>
    /// <param name="offset">Number of the target's first weight.</param>
    public void Store(Tensor target, Tensor weights, UpdateStep step, long offset)
    {
        if (_roundingSeed is null)
            target.copy_(weights);
        else
            StochasticRounding.Round(weights, target, SeedOf(step), offset);
    }

    /// <inheritdoc/>
    public void Dispose() => _sum?.Dispose();
}
