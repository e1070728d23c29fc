using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Zeroes entries at random and scales the others up.</summary>
/// <param name="probability">Share of entries that are zeroed, in [0, 1).</param>
/// <param name="generator">Random numbers, see <see cref="GeneratorState.At"/>; without one nothing is zeroed.</param>
internal sealed class Dropout(double probability, Generator? generator)
{
    /// <summary>Zeroes nothing.</summary>
    public static Dropout None { get; } = new(0, null);

    public bool IsOff => probability == 0 || generator is null;

    /// <returns>The input itself, or a new tensor of the same shape.</returns>
    public Tensor Apply(Tensor x, bool training)
    {
        if (!training || IsOff)
            return x;
        using var scope = NewDisposeScope();
        Tensor keep = empty_like(x).detach().bernoulli_(1 - probability, generator!.At(x)).div_(1 - probability);
        return (x * keep).MoveToOuterDisposeScope();
    }
}
