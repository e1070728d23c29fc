using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What the policy computed for the tokens of a batch when it drew them.</summary>
/// <param name="LogProbs">[N] float32 under the model itself, before any option bent the distribution.</param>
/// <param name="States">[N, H] the final hidden state that each token was drawn from.</param>
internal sealed record SampledTokens(Tensor LogProbs, Tensor States);

/// <summary>Samples responses and remembers what the model computed for them until the weights change. Owns that.</summary>
/// <param name="policy">Only read.</param>
/// <param name="seed">Decides the draws.</param>
internal sealed class RolloutSampler(CausalLanguageModel policy, int seed) : IDisposable
{
    private readonly TokenGenerator _generator = new(policy) { KeepsStates = true };
    private readonly Dictionary<(int[] Query, int[] Response), (float[] LogProbs, Tensor States)> _known = new(SameRow.Instance);
    private long _drawn;

    /// <summary>Draws a response to each query; every row of the run has its own random stream.</summary>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<int[]> queries, GenerationOptions options, Func<IReadOnlyList<int>, bool>? stop, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(queries);
        using DisposeScope scope = NewDisposeScope();
        long[] rows = [.. Enumerable.Range(0, queries.Count).Select(row => ((long)seed << 32) + _drawn + row)];
        GenerationResult result = _generator.Generate(queries, options, rows, stop, cancel: cancel);
        _drawn += queries.Count;
        long start = 0;
        for (int row = 0; row < queries.Count; row++)
        {
            int[] response = result.Tokens[row];
            Remember((queries[row], response), result.LogProbs[row], result.States!.narrow(0, start, response.Length));
            start += response.Length;
        }
        return result.Tokens;
    }

    /// <summary>What the model itself computed for these very rows when it drew them; null when one is not known.</summary>
    /// <returns>In the current scope.</returns>
    public SampledTokens? Of(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses)
    {
        var rows = new (float[] LogProbs, Tensor States)[queries.Count];
        for (int row = 0; row < rows.Length; row++)
            if (!_known.TryGetValue((queries[row], responses[row]), out rows[row]))
                return null;
        Tensor logProbs = tensor(rows.SelectMany(row => row.LogProbs).ToArray(), device: policy.Device);
        return new SampledTokens(logProbs, cat([.. rows.Select(row => row.States)], 0));
    }

    /// <summary>The weights are about to change: what was drawn is no longer what the policy would say.</summary>
    public void Forget()
    {
        foreach ((_, Tensor states) in _known.Values)
            states.Dispose();
        _known.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => Forget();

    private void Remember((int[], int[]) row, float[] logProbs, Tensor states)
    {
        if (_known.Remove(row, out (float[] LogProbs, Tensor States) before))
            before.States.Dispose();
        _known.Add(row, (logProbs, states.DetachFromDisposeScope()));
    }

    private sealed class SameRow : IEqualityComparer<(int[] Query, int[] Response)>
    {
        public static readonly SameRow Instance = new();

        public bool Equals((int[] Query, int[] Response) x, (int[] Query, int[] Response) y) =>
            x.Query.AsSpan().SequenceEqual(y.Query) && x.Response.AsSpan().SequenceEqual(y.Response);

        public int GetHashCode((int[] Query, int[] Response) row)
        {
            var hash = new HashCode();
            foreach (int id in row.Query)
                hash.Add(id);
            foreach (int id in row.Response)
                hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
