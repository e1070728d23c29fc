using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Some rows of a slot.</summary>
/// <param name="Slot">The whole.</param>
/// <param name="First">Number of the first row.</param>
/// <param name="Rows">How many.</param>
internal readonly record struct ParameterPart(ParameterSlot Slot, long First, long Rows)
{
    /// <summary>Numbers of narrow pieces that a rule takes at a time; gradients of at most two are wide: 32 MB, soon used again.</summary>
    public const long MostWidened = 4 << 20;

    /// <summary>Numbers of a piece that goes through several operators: 1 MB, which caches hold.</summary>
    public const long Cached = 1 << 18;

    /// <summary>The rows of a tensor that is shaped as the parameter, or has its first dimension.</summary>
    public Tensor Of(Tensor whole) => whole.dim() == 0 || Rows == whole.size(0) ? whole : whole.narrow(0, First, Rows);

    /// <summary>Number of weights.</summary>
    public long Count => Slot.Parameter.dim() == 0 ? 1 : Rows * (Slot.Parameter.NumberOfElements / Math.Max(1, Slot.Parameter.size(0)));

    /// <summary>The weights in float32, to change in place: those themselves, or the master's, or a copy in the current scope.</summary>
    public Tensor Weights() => Of(Slot.Master ?? Slot.Parameter.detach()).to_type(ScalarType.Float32);

    /// <summary>Gives the parameter what became of <see cref="Weights"/>.</summary>
    public void Store(Tensor weights, UpdateStep step)
    {
        Slot.HasMoved = true;
        if (Slot.IsNarrow)
            Slot.Store(Of(Slot.Parameter.detach()), weights, step, First * (Count / Math.Max(1, Rows)));
    }

    /// <summary>Pieces of equal decay and rate; narrow ones a few at a time, wide ones whole.</summary>
    public static IEnumerable<ParameterPart[]> Groups(IEnumerable<ParameterSlot> slots)
    {
        long widened = 0;
        long Part(ParameterPart piece) => piece.Slot.IsNarrow ? (widened += piece.Count) / MostWidened : 0;
        return slots.SelectMany(slot => slot.Pieces(slot.IsNarrow ? MostWidened : long.MaxValue))
            .GroupBy(piece => (piece.Slot.Decays, piece.Slot.Rate, Part(piece)), (_, pieces) => pieces.ToArray());
    }
}
