using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Tells a model that was broken before training from one that training breaks.</summary>
internal static class FiniteWeights
{
    private const long AtOnce = 1 << 20; // a comparison takes 6 bytes per number

    /// <summary>Fails unless all weights are finite numbers.</summary>
    /// <param name="model">What it is, for the message.</param>
    /// <param name="weights">By name; only read.</param>
    /// <exception cref="TrainingDivergedException">One is not; the message names its tensor.</exception>
    public static void Require(string model, IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        (string Name, Tensor Value)[] all = [.. weights];
        bool[] finite = stack([.. all.Select(weight => IsFinite(weight.Value))]).cpu().data<bool>().ToArray(); // one transfer for all
        int broken = Array.IndexOf(finite, false);
        if (broken < 0)
            return;
        string what = all[broken].Value.isnan().any().item<bool>() ? "NaN" : "numbers that are not finite";
        int others = finite.Count(good => !good) - 1;
        throw new TrainingDivergedException(
            1,
            $"The {model} holds {what} in '{all[broken].Name}'{(others > 0 ? $" and {others} other tensors" : "")} before the first step; "
            + "nothing was trained. Start from a model whose weights are finite numbers: load or train it again.");
    }

    private static Tensor IsFinite(Tensor weight)
    {
        using var scope = NewDisposeScope();
        Tensor plain = weight.detach(), rows = plain.is_contiguous() ? plain.view(-1) : plain;
        long perRow = Math.Max(1, rows.NumberOfElements / Math.Max(1, rows.size(0)));
        return stack([.. rows.split(Math.Max(1, AtOnce / perRow)).Select(IsPartFinite)]).all().MoveToOuterDisposeScope();
    }

    private static Tensor IsPartFinite(Tensor part)
    {
        using var scope = NewDisposeScope();
        return part.isfinite().all().MoveToOuterDisposeScope();
    }
}
