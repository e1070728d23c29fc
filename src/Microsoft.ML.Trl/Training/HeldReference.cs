namespace Microsoft.ML.Trl.Training;

/// <summary>What becomes of a stage's reference in memory.</summary>
/// <param name="Kind">How it is held.</param>
/// <param name="Moves">Whether training changes it, so that it must not be anybody else's.</param>
/// <param name="IsReadOnce">Whether it is read before training alone, so that the start model itself can be.</param>
internal sealed record HeldReference(ReferenceKind Kind, bool Moves = false, bool IsReadOnce = false)
{
    /// <summary>In full, and never changed.</summary>
    public static HeldReference Usual { get; } = new(ReferenceKind.Full);
}
