using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// What high entropy is worth: the mean entropy per token times a weight, which may follow a target (arXiv:2505.22312, section 4.2).
/// </summary>
/// <param name="options">Validated.</param>
internal sealed class EntropyBonus(GrpoLossOptions options)
{
    private double _sum, _tokens;
    private double _lastEntropy = double.PositiveInfinity; // of the step before; the first has no bonus that follows a target

    /// <summary>The weight as the next step finds it.</summary>
    public double Coefficient { get; private set; } = options.EntropyCoef;

    /// <summary>What is taken from the loss of a pass.</summary>
    /// <param name="entropy">[n] with gradient.</param>
    /// <param name="counts">[n] 1 where a token counts.</param>
    /// <param name="totals">Of the step.</param>
    /// <param name="overTokens">Whether the mean is one over the tokens of the step; otherwise each pass has its own.</param>
    /// <returns>A scalar of the current scope.</returns>
    public Tensor Of(Tensor entropy, Tensor counts, GroupTotals totals, bool overTokens)
    {
        Tensor sum = (entropy * counts).sum(), count = counts.sum();
        if (options.UseAdaptiveEntropy)
            (_sum, _tokens) = (_sum + sum.item<float>(), _tokens + count.item<float>());
        double applied = options.UseAdaptiveEntropy && _lastEntropy > options.EntropyTarget ? 0 : Coefficient;
        return (overTokens ? sum / totals.Tokens : sum / count.clamp_min(1) / totals.PassCount) * applied;
    }

    /// <summary>Moves the weight by what the step's tokens had.</summary>
    public void EndStep()
    {
        if (options.UseAdaptiveEntropy)
        {
            _lastEntropy = _sum / Math.Max(1, _tokens);
            Coefficient = _lastEntropy <= options.EntropyTarget
                ? Math.Min(Coefficient + options.EntropyCoefDelta, options.EntropyCoefMax)
                : Math.Max(Coefficient - options.EntropyCoefDelta, options.EntropyCoefMin);
        }
        (_sum, _tokens) = (0, 0);
    }
}
