using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Prompts with one answer each, a row apiece. Owns its tensors.</summary>
/// <param name="tokens">The rows. Every label is a token of an answer, but for those whose weight is 0.</param>
/// <param name="numbers">Number of each row among all answers of the run.</param>
/// <param name="lengths">Tokens of each answer; null = all labels of its row.</param>
/// <param name="weights">[N] weight of each label in a sum; null = 1.</param>
internal sealed class AnswerBatch(
    TokenBatch tokens, IReadOnlyList<int> numbers, IReadOnlyList<int>? lengths = null, float[]? weights = null) : IDisposable
{
    private readonly IReadOnlyList<int> _lengths = lengths ?? tokens.TargetCounts;

    /// <summary>The rows.</summary>
    public TokenBatch Tokens { get; } = tokens;

    /// <summary>Number of each row among all answers of the run.</summary>
    public IReadOnlyList<int> Numbers { get; } = numbers;

    /// <summary>Rows R.</summary>
    public int Size => Tokens.Size;

    /// <summary>[R] tokens of each answer.</summary>
    public IReadOnlyList<int> TokenCounts => _lengths;

    /// <summary>[R] float32: tokens of each answer, at least 1. Belongs to the current scope.</summary>
    public Tensor Lengths() => tensor(_lengths.Select(count => (float)Math.Max(count, 1)).ToArray(), device: Tokens.Ids.device);

    /// <summary>Sums over each answer, labels weighted.</summary>
    /// <param name="perLabel">[N]</param>
    /// <returns>[R]. The caller owns it.</returns>
    public Tensor Sum(Tensor perLabel)
    {
        using var scope = NewDisposeScope();
        Tensor weighted = weights is null ? perLabel : perLabel * tensor(weights, device: Tokens.Ids.device);
        return Tokens.SumPerRow(weighted).MoveToOuterDisposeScope();
    }

    public void Dispose() => Tokens.Dispose();
}
