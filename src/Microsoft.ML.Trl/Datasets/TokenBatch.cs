using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Rows of token ids, padded on the right to one length. Owns its tensors.</summary>
/// <remarks>
/// What is real and what is padding follows from <see cref="Lengths"/> alone, never from a token id; a causal model needs no mask for
/// padding on the right.
/// </remarks>
public sealed class TokenBatch : IDisposable
{
    private TokenBatch(Tensor ids, Tensor targetRows, Tensor labels, IReadOnlyList<int> lengths, IReadOnlyList<int> targetCounts)
        => (Ids, TargetRows, Labels, Lengths, TargetCounts) = (ids, targetRows, labels, lengths, targetCounts);

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
    public long Tokens => Lengths.Sum(length => (long)length);

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
    public static TokenBatch Create(IReadOnlyList<int[]> rows, IReadOnlyList<int> firstLabels, Device? device = null) =>
        Of([.. rows.Select((row, index) => new TokenExample(row, firstLabels[index]))], device);

    /// <summary>A batch of texts to learn.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <returns>The batch. The caller owns it; its tensors belong to no dispose scope.</returns>
    public static TokenBatch Of(IReadOnlyList<TokenExample> rows, Device? device = null)
    {
        int length = rows.Max(row => row.Ids.Length);
        var ids = new long[rows.Count * (long)length];
        var lengths = new int[rows.Count];
        var counts = new int[rows.Count];
        var targets = new List<long>();
        var labels = new List<long>();
        for (int b = 0; b < rows.Count; b++)
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
        using DisposeScope scope = NewDisposeScope();
        return new TokenBatch(
            tensor(ids, [rows.Count, length], device: device).DetachFromDisposeScope(),
            tensor(targets.ToArray(), [targets.Count], device: device).DetachFromDisposeScope(),
            tensor(labels.ToArray(), [labels.Count], device: device).DetachFromDisposeScope(),
            lengths, counts);
    }

    /// <summary>The hidden states that predict a label.</summary>
    /// <param name="hidden">[B, T, H].</param>
    /// <returns>[N, H], differentiable. The caller owns it.</returns>
    public Tensor Select(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        return hidden.flatten(0, 1).index_select(0, TargetRows).MoveToOuterDisposeScope();
    }

    /// <summary>Sum of a per-label value over each row.</summary>
    /// <param name="perLabel">[N] in the order of <see cref="Labels"/>.</param>
    /// <returns>[B], differentiable; 0 for rows without labels. The caller owns it.</returns>
    public Tensor SumPerRow(Tensor perLabel)
    {
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
    }
}
