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
    private long _rows, _batches; // drawn so far

    /// <summary>What is generated next. Every row of the run has its own random stream, every batch its own draw of a length.</summary>
    /// <param name="queries">Any number.</param>
    /// <param name="options">Checked.</param>
    /// <param name="batchSize">Rows at once; null = all.</param>
    /// <param name="lengthSampler">Draws the most new tokens of each batch; null = those of the options.</param>
    public IReadOnlyList<GenerationBatch> Batches(
        IReadOnlyList<int[]> queries, GenerationOptions options, int? batchSize, LengthSampler? lengthSampler)
    {
        ArgumentNullException.ThrowIfNull(queries);
        Require.AtLeast(batchSize, 1);
        long next = ((long)seed << 32) + _rows;
        IEnumerable<(int[] Query, long Stream)> rows = queries.Select((query, row) => (query, next + row));
        return
        [
            .. rows.Chunk(batchSize ?? Math.Max(1, queries.Count)).Select((part, batch) => new GenerationBatch(
                [.. part.Select(row => row.Query)],
                lengthSampler?.Limit(options, _batches + batch) ?? options,
                [.. part.Select(row => row.Stream)])),
        ];
    }

    /// <summary>Draws a response to each query.</summary>
    /// <param name="batches">Of <see cref="Batches"/>.</param>
    /// <param name="stop">Tells from a row's new tokens whether it has ended; null = only end tokens do.</param>
    /// <param name="cancel">Looked at for every token.</param>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<GenerationBatch> batches, Func<IReadOnlyList<int>, bool>? stop, CancellationToken cancel)
    {
        int[][] responses = [.. batches.SelectMany(batch => Generate(batch, stop, cancel))];
        _rows += responses.Length;
        _batches += batches.Count;
        return responses;
    }

    private IReadOnlyList<int[]> Generate(GenerationBatch batch, Func<IReadOnlyList<int>, bool>? stop, CancellationToken cancel)
    {
        using DisposeScope scope = NewDisposeScope();
        GenerationResult result = _generator.Generate(batch.Queries, batch.Options, batch.Streams, stop, cancel: cancel);
        long start = 0;
        for (int row = 0; row < batch.Queries.Length; row++)
        {
            int[] response = result.Tokens[row];
            Remember((batch.Queries[row], response), result.LogProbs[row], result.States!.narrow(0, start, response.Length));
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
            SameNumbers.Instance.Equals(x.Query, y.Query) && SameNumbers.Instance.Equals(x.Response, y.Response);

        public int GetHashCode((int[] Query, int[] Response) row) =>
            HashCode.Combine(SameNumbers.Instance.GetHashCode(row.Query), SameNumbers.Instance.GetHashCode(row.Response));
    }
}
