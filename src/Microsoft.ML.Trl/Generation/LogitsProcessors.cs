using Microsoft.ML.Trl.Generation.Constraints;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// Bends and forbids next tokens for reasons that lie in what a row holds, whether tokens are drawn or not: transformers' logits
/// processors, in their order. What is off costs nothing. Its tensors belong to the scope that it was made in.
/// </summary>
internal sealed class LogitsProcessors
{
    private readonly GenerationOptions _options;
    private readonly IReadOnlyList<int> _endTokens;
    private readonly TokenConstraint? _constraint;
    private readonly Tensor? _ends, _never, _notFirst; // [n] int64 tokens; null where there are none
    private readonly int[][] _words; // of two or more tokens

    /// <param name="options">Validated.</param>
    /// <param name="endTokens">Tokens that end a row.</param>
    /// <param name="device">Where the scores are.</param>
    /// <param name="constraint">What texts must be; null for anything.</param>
    public LogitsProcessors(
        GenerationOptions options, IReadOnlyList<int> endTokens, Device device, TokenConstraint? constraint = null)
    {
        (_options, _endTokens, _constraint) = (options, endTokens, constraint);
        _words = [.. options.BadWordsIds.Where(word => word.Count > 1).Select(word => word.ToArray())];
        IEnumerable<int> badTokens = options.BadWordsIds.Where(word => word.Count == 1).Select(word => word[0]).Except(endTokens);
        _ends = options.MinNewTokens > 0 ? Tokens(endTokens, device) : null;
        _never = Tokens([.. badTokens.Concat(options.SuppressTokens)], device);
        _notFirst = Tokens(options.BeginSuppressTokens, device);
    }

    /// <summary>Whether <see cref="Apply"/> needs the tokens that the rows hold as a tensor.</summary>
    public bool NeedsContext => _options.RepetitionPenalty != 1;

    /// <param name="scores">[R, V] float32; stays as it is.</param>
    /// <param name="context">[R, n] int64 tokens that the rows hold, in any order and number; null unless needed.</param>
    /// <param name="newTokens">How many were added to each row before.</param>
    /// <param name="rows">[R]; null unless an option looks at what a row holds.</param>
    /// <returns>The same tensor where nothing changes.</returns>
    public Tensor Apply(Tensor scores, Tensor? context, int newTokens, IReadOnlyList<GrowingRow>? rows)
    {
        if (NeedsContext)
            scores = LogitsFilters.Penalize(scores, context!, _options.RepetitionPenalty);
        if (_options.NoRepeatNgramSize > 0 || _words.Length > 0)
            scores = ForbidRuns(scores, rows!);
        if (newTokens < _options.MinNewTokens && _ends is not null)
            scores = LogitsFilters.Forbid(scores, _ends);
        if (_constraint is not null)
            scores = ForbidOthers(scores, rows!);
        if (_options.ForcedBosTokenId is { } first && newTokens == 0)
            scores = Force(scores, rows!, row => row.Prompt.Length == 1, first);
        if (_options.ForcedEosTokenId is { } last)
            scores = Force(scores, rows!, row => newTokens == row.Limit - 1, last);
        if (_never is not null)
            scores = LogitsFilters.Forbid(scores, _never);
        return _notFirst is null || newTokens > 1 ? scores : ForbidFirst(scores, newTokens, rows);
    }

    private static Tensor? Tokens(IReadOnlyList<int> ids, Device device) =>
        ids.Count == 0 ? null : tensor([.. ids.Select(id => (long)id)], device: device);

    private static Tensor Force(Tensor scores, IReadOnlyList<GrowingRow> rows, Func<GrowingRow, bool> isForced, int token)
    {
        long[] forced = [.. Enumerable.Range(0, rows.Count).Where(i => isForced(rows[i])).Select(i => (long)i)];
        return forced.Length == 0 ? scores : LogitsFilters.Force(scores, forced, token);
    }

    private Tensor ForbidRuns(Tensor scores, IReadOnlyList<GrowingRow> rows)
    {
        List<(int, int)> banned = [];
        for (int i = 0; i < rows.Count; i++)
        {
            if (_options.NoRepeatNgramSize > 0)
                banned.AddRange(BannedTokens.OfRepeatedRuns(rows[i].Held, _options.NoRepeatNgramSize).Select(token => (i, token)));
            banned.AddRange(BannedTokens.OfWords(rows[i].Held, _words).Select(token => (i, token)));
        }
        return banned.Count == 0 ? scores : LogitsFilters.Forbid(scores, banned);
    }

    /// <summary>Forbids all that the constraint does; end tokens where a text is not complete.</summary>
    private Tensor ForbidOthers(Tensor scores, IReadOnlyList<GrowingRow> rows)
    {
        using DisposeScope scope = NewDisposeScope();
        int vocabulary = (int)scores.shape[1];
        bool[] forbidden = new bool[rows.Count * vocabulary];
        Array.Fill(forbidden, true);
        for (int i = 0; i < rows.Count; i++)
        {
            Span<bool> row = forbidden.AsSpan(i * vocabulary, vocabulary);
            _constraint!.Forbidden(rows[i].TextState, rows[i].NewTokens.Count == 0).CopyTo(row);
            foreach (int end in _endTokens)
                row[end] = !_constraint.Accepts(rows[i].TextState);
        }
        Tensor mask = tensor(forbidden, device: scores.device).view(scores.shape);
        return scores.masked_fill(mask, float.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>A forced token is not the first one that the model chooses: where there is one, the next is.</summary>
    private Tensor ForbidFirst(Tensor scores, int newTokens, IReadOnlyList<GrowingRow>? rows)
    {
        if (_options.ForcedBosTokenId is null)
            return newTokens == 0 ? LogitsFilters.Forbid(scores, _notFirst!) : scores;
        bool IsFirst(GrowingRow row) => newTokens == (row.Prompt.Length == 1 ? 1 : 0);
        long[] first = [.. Enumerable.Range(0, rows!.Count).Where(i => IsFirst(rows[i])).Select(i => (long)i)];
        if (first.Length == 0)
            return scores;
        using DisposeScope scope = NewDisposeScope();
        Tensor places = tensor(first, device: scores.device);
        return scores.index_copy(0, places, LogitsFilters.Forbid(scores.index_select(0, places), _notFirst!)).MoveToOuterDisposeScope();
    }
}
