using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Samples responses and remembers what the model computed for them until the weights change.</summary>
internal sealed class PpoSamples(CausalLanguageModel policy, int seed)
{
    private readonly TokenGenerator _generator = new(policy) { KeepsStates = true };
    private readonly Dictionary<(int[] Query, int[] Response), (float[] LogProbs, float[][] States)> _known = new(SameRow.Instance);
    private long _drawn;

    /// <summary>Draws a response to each query; every row of the run has its own stream of chance.</summary>
    public IReadOnlyList<int[]> Generate(IReadOnlyList<int[]> queries, GenerationOptions options, Func<IReadOnlyList<int>, bool>? stop, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(queries);
        long[] rows = [.. Enumerable.Range(0, queries.Count).Select(row => ((long)seed << 32) + _drawn + row)];
        GenerationResult result = _generator.Generate(queries, options, rows, stop, cancel: cancel);
        _drawn += queries.Count;
        float[][] states = Unpacked(result.States!);
        int at = 0;
        for (int row = 0; row < queries.Count; at += result.Tokens[row].Length, row++)
            _known[(queries[row], result.Tokens[row])] = (result.LogProbs[row], states[at..(at + result.Tokens[row].Length)]);
        return result.Tokens;
    }

    private static float[][] Unpacked(Tensor packed)
    {
        using var scope = NewDisposeScope();
        using Tensor states = packed; // the generator handed it over
        return [.. states.to_type(ScalarType.Float32).cpu().data<float>().ToArray().Chunk((int)states.shape[1])];
    }

    /// <summary>What the model itself computed for these very rows when it drew them; null when one is not known.</summary>
    public PpoSampled? Of(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses)
    {
        var (logProbs, states) = (new List<float>(), new List<float[]>());
        for (int row = 0; row < queries.Count; row++)
        {
            if (!_known.TryGetValue((queries[row], responses[row]), out (float[] LogProbs, float[][] States) known))
                return null;
            logProbs.AddRange(known.LogProbs);
            states.AddRange(known.States);
        }
        return new PpoSampled([.. logProbs], [.. states]);
    }

    /// <summary>The weights are about to change: what was drawn is no longer what the policy would say.</summary>
    public void Forget() => _known.Clear();

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
