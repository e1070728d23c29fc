using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Generation;

/// <summary>One row of a batch while it grows.</summary>
/// <param name="number">Its number in the batch that was given.</param>
/// <param name="prompt">The tokens that it continues; not empty.</param>
/// <param name="limit">Most tokens that are added.</param>
/// <param name="random">Its own random numbers.</param>
internal sealed class GrowingRow(int number, int[] prompt, int limit, RowRandom random)
{
    private List<int> _held = [.. prompt];

    public int Number => number;
    public int[] Prompt => prompt;
    public int Limit => limit;
    public RowRandom Random => random;

    /// <summary>Tokens of prompt and completion.</summary>
    public ReadOnlySpan<int> Held => CollectionsMarshal.AsSpan(_held);

    public List<int> NewTokens { get; private init; } = [];

    /// <summary>
    /// Number of each new token among those of all rows in the order of the steps, ended rows that still run along included.
    /// </summary>
    public List<long> Entries { get; } = [];

    /// <summary>Where its text stands in the automaton of a constraint; without one, nowhere.</summary>
    public int TextState { get; set; }

    /// <summary>Whether an end token or a stop rule ended it.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Whether it grows no more.</summary>
    public bool IsDone => HasEnded || NewTokens.Count >= limit;

    /// <summary>Adds a token.</summary>
    public void Add(int token)
    {
        _held.Add(token);
        NewTokens.Add(token);
    }

    /// <summary>A row that holds the same and one token more; this one stays as it is.</summary>
    public GrowingRow With(int token) =>
        new(number, prompt, limit, random) { _held = [.. _held, token], NewTokens = [.. NewTokens, token], TextState = TextState };
}
