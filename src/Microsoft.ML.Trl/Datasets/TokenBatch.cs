using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Rows of token ids, padded on the right to one length. Owns its tensors.</summary>
/// <remarks>
/// What is real and what is padding follows from <see cref="Lengths"/> alone, never from a token id; a causal model needs no mask for
/// padding on the right. Where rows begin with the same prompt, a causal model that is given the batch reads that once.
/// <see cref="Models.CausalLanguageModel.Batch"/> lays texts out as a model reads them: for a model with an encoder,
/// the rows are what its decoder reads, and the prompts lie apart.
/// </remarks>
public sealed class TokenBatch : IDisposable
{
    private TokenBatch(Tensor ids, Tensor targetRows, Tensor labels, IReadOnlyList<int> lengths, IReadOnlyList<int> targetCounts)
        => (Ids, TargetRows, Labels, Lengths, TargetCounts) = (ids, targetRows, labels, lengths, targetCounts);

    /// <summary>What the encoder reads; null where there is none.</summary>
    internal PromptBatch? Prompts { get; private init; }

    /// <summary>Whether a model is to read it without its padding; the numbers are the same.</summary>
    internal bool IsPaddingFree { get; private init; }

    /// <summary>How a model is to read it: each prompt once, or without padding, or both; null = row by row, as it lies.</summary>
    internal TextParts? Parts { get; private init; }

    /// <summary>[B, T] int64; padding is 0.</summary>
    public Tensor Ids { get; }

    /// <summary>[N] int64: which rows of the hidden states, flattened to [B·T, H], predict a label; row after row, in order.</summary>
    public Tensor TargetRows { get; }

    /// <summary>[N] int64: the token that each of <see cref="TargetRows"/> has to predict.</summary>
    public Tensor Labels { get; }

    /// <summary>Real tokens of each row.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Labels of each row; their sum is N.</summary>
    public IReadOnlyList<int> TargetCounts { get; }

    /// <summary>Rows B.</summary>
    public int Size => Lengths.Count;

    /// <summary>Real tokens in the batch, prompts included.</summary>
    public long Tokens => Lengths.Sum(length => (long)length) + (Prompts?.Tokens ?? 0);

    /// <summary>Labels N in the batch.</summary>
    public int Targets => TargetCounts.Sum();

    /// <summary>
    /// Pads rows and finds their labels: every token from <paramref name="firstLabels"/> on, except a row's
    /// very first token, which nothing predicts.
    /// </summary>
    /// <param name="rows">Token ids, at least one row with at least one token each.</param>
    /// <param name="firstLabels">Per row, the position of the first label: the length of the prompt.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <returns>The batch. The caller owns it; its tensors belong to no dispose scope.</returns>
    /// <exception cref="ArgumentException">A row is missing or empty, or has not one first label; or the device is not there.</exception>
    public static TokenBatch Create(IReadOnlyList<int[]> rows, IReadOnlyList<int> firstLabels, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(firstLabels);
        if (firstLabels.Count != rows.Count)
            throw new ArgumentException(
                $"firstLabels has {firstLabels.Count} entries for {rows.Count} rows; give one for each.", nameof(firstLabels));
        return Of([.. rows.Select((row, index) => Row(row, firstLabels[index], index))], device);
    }

    /// <summary>A batch of texts to learn.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <returns>The batch. The caller owns it; its tensors belong to no dispose scope.</returns>
    /// <exception cref="ArgumentException">A row is missing, empty, or not marked token by token; or the device is not there.</exception>
    public static TokenBatch Of(IReadOnlyList<TokenExample> rows, Device? device = null) =>
        Of(rows, TextLayout.OneBehindTheOther, device);

    /// <summary>A batch of texts to learn, laid out for a model.</summary>
    /// <param name="texts">At least one.</param>
    /// <param name="layout">Of the model.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <param name="paddingFree">See <see cref="IsPaddingFree"/>.</param>
    /// <exception cref="ArgumentException">As of the public one; or a text has no prompt, and an encoder reads prompts.</exception>
    internal static TokenBatch Of(IReadOnlyList<TokenExample> texts, TextLayout layout, Device? device, bool paddingFree = false)
    {
        Check(texts, device);
        using DisposeScope scope = NewDisposeScope();
        TokenExample[] rows = [.. texts.Select(layout.DecoderRow)];
        PromptBatch? prompts = layout.Prompts(texts, device);
        return Collate(rows, prompts?.Detach(), device, paddingFree);
    }

    private static TokenBatch Collate(TokenExample[] rows, PromptBatch? prompts, Device? device, bool paddingFree)
    {
        int length = rows.Max(row => row.Ids.Length);
        var ids = new long[rows.Length * (long)length];
        var lengths = new int[rows.Length];
        var counts = new int[rows.Length];
        var targets = new List<long>();
        var labels = new List<long>();
        for (int b = 0; b < rows.Length; b++)
        {
            int[] row = rows[b].Ids;
            long start = (long)b * length;
            lengths[b] = row.Length;
            for (int t = 0; t < row.Length; t++)
                ids[start + t] = row[t];
            for (int t = 1; t < row.Length; t++)
            {
                if (!rows[b].Learns(t))
                    continue;
                targets.Add(start + t - 1);
                labels.Add(row[t]);
                counts[b]++;
            }
        }
        int[] read = [.. lengths.Select(own => Math.Max(1, (paddingFree ? own : length) - 1))]; // the last token predicts nothing
        TextParts? parts = prompts is not null ? null
            : TextParts.WithSharedPrompts(rows, read) ?? (paddingFree ? TextParts.WholeRows(read) : null);
        using DisposeScope scope = NewDisposeScope();
        return new TokenBatch(
            tensor(ids, [rows.Length, length], device: device).DetachFromDisposeScope(),
            tensor(targets.ToArray(), [targets.Count], device: device).DetachFromDisposeScope(),
            tensor(labels.ToArray(), [labels.Count], device: device).DetachFromDisposeScope(),
            lengths, counts)
        { Prompts = prompts, IsPaddingFree = paddingFree, Parts = parts };
    }

    /// <summary>The hidden states that predict a label.</summary>
    /// <param name="hidden">[B, T, H].</param>
    /// <returns>[N, H], differentiable. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The states are not those of this batch.</exception>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public Tensor Select(Tensor hidden)
    {
        ObjectDisposedException.ThrowIf(Ids.IsInvalid, this);
        RequireTensor.Alive(hidden);
        (long rows, long width) = (Ids.size(0), Ids.size(1));
        bool fits = hidden.dim() == 3 && hidden.size(0) == rows && hidden.size(1) == width;
        RequireTensor.Shape(hidden, fits, $"[{rows}, {width}, H]");
        RequireTensor.Beside(hidden, Ids, "the token ids");
        using DisposeScope scope = NewDisposeScope();
        return hidden.flatten(0, 1).index_select(0, TargetRows).MoveToOuterDisposeScope();
    }

    /// <summary>Sum of a per-label value over each row.</summary>
    /// <param name="perLabel">[N] in the order of <see cref="Labels"/>.</param>
    /// <returns>[B], differentiable; 0 for rows without labels. The caller owns it.</returns>
    /// <exception cref="ArgumentException">There is not one value per label.</exception>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public Tensor SumPerRow(Tensor perLabel)
    {
        ObjectDisposedException.ThrowIf(Ids.IsInvalid, this);
        RequireTensor.Alive(perLabel);
        long count = Labels.size(0);
        RequireTensor.Shape(perLabel, perLabel.dim() == 1 && perLabel.size(0) == count, $"[{count}]");
        RequireTensor.Beside(perLabel, Ids, "the token ids");
        using DisposeScope scope = NewDisposeScope();
        long length = Ids.shape[1];
        Tensor row = TargetRows.div(length, RoundingMode.floor).to_type(ScalarType.Int64);
        return zeros(Size, dtype: perLabel.dtype, device: perLabel.device).index_add(0, row, perLabel, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Ids.Dispose();
        TargetRows.Dispose();
        Labels.Dispose();
        Prompts?.Dispose();
    }

    private static void Check(IReadOnlyList<TokenExample> rows, Device? device)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
            throw new ArgumentException("rows is empty; a batch needs at least one row.", nameof(rows));
        for (int row = 0; row < rows.Count; row++)
            if (rows[row] is null || rows[row].Ids.Length == 0)
                throw new ArgumentException(
                    $"Row {row} is {(rows[row] is null ? "null" : "empty")}; give at least one token.", nameof(rows));
        RequireTensor.Place(device, null);
    }

    private static TokenExample Row(int[] ids, int firstLabel, int row)
    {
        if (ids is null)
            throw new ArgumentException($"Row {row} is null; give at least one token.", nameof(row));
        if (firstLabel < 0)
            throw new ArgumentException($"Row {row} has the first label ({firstLabel}); it must be 0 or greater.", nameof(firstLabel));
        return new TokenExample(ids, firstLabel);
    }
}
