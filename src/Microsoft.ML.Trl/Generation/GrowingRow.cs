using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Generation;

/// <summary>One row of a batch while it grows.</summary>
/// <param name="number">Its place in the batch.</param>
/// <param name="prompt">What it begins with.</param>
/// <param name="limit">Most tokens that are added.</param>
/// <param name="random">Its own chance.</param>
internal sealed class GrowingRow(int number, int[] prompt, int limit, RowRandom random)
{
    private readonly List<int> _context = [.. prompt];

    public int Number => number;

    public int Limit => limit;

    public List<int> NewTokens { get; } = [];

    public List<float> LogProbs { get; } = [];

    public List<float> SampledLogProbs { get; } = [];

    /// <summary>The hidden state before each new token; empty when nobody asks.</summary>
    public List<float[]> States { get; } = [];

    public int Newest => NewTokens[^1];

    /// <summary>Whether an end token or a stop rule ended it.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Adds the next token.</summary>
    public void Choose(TokenSampler sampler, Span<float> logits)
    {
        (int token, float logProb, float sampled) = sampler.Choose(logits, CollectionsMarshal.AsSpan(_context), NewTokens.Count, random);
        _context.Add(token);
        NewTokens.Add(token);
        LogProbs.Add(logProb);
        SampledLogProbs.Add(sampled);
    }
}
