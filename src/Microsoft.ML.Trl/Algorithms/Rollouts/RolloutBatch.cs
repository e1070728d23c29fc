using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Some rows of a <see cref="RolloutBatch"/> as tensors.</summary>
/// <param name="Ids">
/// [b, t] int64: what the decoder reads before the response (the query, or a start token where an encoder reads the query), and the
/// response without its last token, padded on the right.
/// </param>
/// <param name="Positions">[n] int64: where in [b · t] the states stand that predict the response tokens.</param>
/// <param name="Labels">[n] int64: the response tokens.</param>
/// <param name="Tokens">[n] int64: their positions in the batch's flat list.</param>
/// <param name="Prompts">The queries, where an encoder reads them; null where there is none.</param>
internal sealed record RolloutPart(Tensor Ids, Tensor Positions, Tensor Labels, Tensor Tokens, PromptBatch? Prompts = null);

/// <summary>
/// The rows of one step, as numbers on the managed side. A <i>token</i> is one response token; tokens of all rows stand
/// in one flat list, row by row, and the tensors [N] of a rollout follow that list.
/// </summary>
internal sealed class RolloutBatch
{
    private readonly TextLayout _layout;
    private readonly IReadOnlyList<int[]> _queries;
    private readonly IReadOnlyList<int[]> _responses;
    private readonly int[][] _before; // what the decoder reads before each response
    private readonly int[] _offsets;

    /// <summary>Takes checked rows; see <see cref="RolloutChecks"/>.</summary>
    /// <param name="queries">[B] token ids.</param>
    /// <param name="responses">[B] token ids.</param>
    /// <param name="responseMasks">[B] per response token, whether it counts; null = all do.</param>
    /// <param name="layout">Of the policy; null = query and response one behind the other.</param>
    public RolloutBatch(
        IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, IReadOnlyList<bool[]>? responseMasks, TextLayout? layout = null)
    {
        (_queries, _responses, _layout) = (queries, responses, layout ?? TextLayout.OneBehindTheOther);
        _before = [.. queries.Select(_layout.BeforeAnswer)];
        _offsets = new int[queries.Count + 1];
        for (int row = 0; row < queries.Count; row++)
        {
            _offsets[row + 1] = _offsets[row] + responses[row].Length;
            Width = Math.Max(Width, _before[row].Length + responses[row].Length);
        }
        Mask = new float[TokenCount];
        ScorePositions = new int[queries.Count];
        for (int row = 0; row < queries.Count; row++)
            FillMask(row, responseMasks?[row]);
    }

    public int RowCount => _queries.Count;

    /// <summary>N: response tokens of all rows.</summary>
    public int TokenCount => _offsets[^1];

    /// <summary>T: length of the longest row that the decoder reads: query and response, or start token and response.</summary>
    public int Width { get; }

    /// <summary>[N] 1 where a token counts.</summary>
    public float[] Mask { get; }

    /// <summary>[B] index of the last token that counts: where the score goes.</summary>
    public int[] ScorePositions { get; }

    public IEnumerable<int> QueryLengths => _queries.Select(query => query.Length);

    public IEnumerable<int> ResponseLengths => _responses.Select(response => response.Length);

    /// <summary>Response tokens of a row.</summary>
    public int ResponseLength(int row) => _responses[row].Length;

    /// <summary>Column of a row in the grid [B, T-1] where the first response token is predicted.</summary>
    public int FirstPrediction(int row) => _before[row].Length - 1;

    /// <summary>The tokens of one row, as a range of the flat list.</summary>
    public Range TokensOf(int row) => _offsets[row].._offsets[row + 1];

    /// <summary>[N] where each token stands in a grid [B, T-1] whose column t holds the prediction of token t+1.</summary>
    public long[] GridPositions()
    {
        var positions = new long[TokenCount];
        for (int row = 0; row < RowCount; row++)
            for (int i = 0; i < _responses[row].Length; i++)
                positions[_offsets[row] + i] = ((long)row * (Width - 1)) + FirstPrediction(row) + i;
        return positions;
    }

    /// <summary>Spreads [N] numbers of tokens over a grid [B, T-1]. The caller owns the result.</summary>
    /// <param name="gridPositions">[N] int64, of <see cref="GridPositions"/>.</param>
    /// <param name="tokens">[N] float32.</param>
    public Tensor OnGrid(Tensor gridPositions, Tensor tokens)
    {
        using var scope = NewDisposeScope();
        Tensor flat = zeros(RowCount * (Width - 1L), dtype: ScalarType.Float32, device: tokens.device);
        return flat.index_copy(0, gridPositions, tokens).view(RowCount, Width - 1).MoveToOuterDisposeScope();
    }

    /// <summary>Tensors of some rows, padded on the right to the longest of them. They belong to the current scope.</summary>
    /// <param name="rows">Which rows, in which order.</param>
    /// <param name="device">Where the tensors live.</param>
    public RolloutPart Part(ReadOnlySpan<int> rows, Device device)
    {
        int width = 0, count = 0;
        foreach (int row in rows)
        {
            width = Math.Max(width, _before[row].Length + _responses[row].Length - 1); // the last token predicts nothing
            count += _responses[row].Length;
        }
        var ids = new long[rows.Length * width];
        var (positions, labels, tokens) = (new long[count], new long[count], new long[count]);
        int next = 0;
        for (int r = 0; r < rows.Length; r++)
        {
            int[] before = _before[rows[r]], response = _responses[rows[r]];
            int start = r * width;
            for (int i = 0; i < before.Length; i++)
                ids[start + i] = before[i];
            for (int i = 0; i < response.Length; i++, next++)
            {
                if (i + 1 < response.Length)
                    ids[start + before.Length + i] = response[i];
                (positions[next], labels[next], tokens[next]) = (start + before.Length - 1 + i, response[i], _offsets[rows[r]] + i);
            }
        }
        return new RolloutPart(
            tensor(ids, rows.Length, width, device: device),
            tensor(positions, device: device),
            tensor(labels, device: device),
            tensor(tokens, device: device),
            _layout.Prompts([.. rows.ToArray().Select(row => _queries[row])], device));
    }

    /// <remarks>
    /// Behind an encoder TRL leaves the first token of a response out ("start = 1"); so does this, unless it is the only one.
    /// </remarks>
    private void FillMask(int row, bool[]? given)
    {
        int last = given is null ? _responses[row].Length - 1 : Array.LastIndexOf(given, true);
        for (int i = _layout.HasEncoder && last > 0 ? 1 : 0; i < _responses[row].Length; i++)
        {
            if (given is not null && !given[i])
                continue;
            Mask[_offsets[row] + i] = 1;
            ScorePositions[row] = _offsets[row] + i;
        }
    }
}
