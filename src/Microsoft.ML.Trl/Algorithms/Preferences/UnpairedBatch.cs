using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Some completions in one batch, each wanted or not. Owns its tensors.</summary>
internal sealed class UnpairedBatch : IDisposable
{
    /// <summary>Reads completions, each cut to a length.</summary>
    /// <param name="examples">All examples of the run.</param>
    /// <param name="rows">Which of them.</param>
    /// <param name="mismatched">For each example the completion of another one; null = none is read.</param>
    /// <param name="maxLength">Tokens of prompt and completion.</param>
    /// <param name="collate">Lays texts out for the model: <see cref="PairLayout.For"/>.</param>
    public UnpairedBatch(
        IReadOnlyList<UnpairedExample> examples, IReadOnlyList<int> rows, IReadOnlyList<int[]>? mismatched, int? maxLength,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
    {
        IsDesirable = [.. rows.Select(row => examples[row].IsDesirable)];
        Answers = new AnswerBatch(collate([.. rows.Select(row => examples[row].Text().Truncated(maxLength))]), rows);
        if (mismatched is not null)
            Mismatched = new AnswerBatch(
                collate([.. rows.Select(row => examples[row].Text(mismatched[row]).Truncated(maxLength))]),
                [.. rows.Select(row => examples.Count + row)]);
    }

    /// <summary>[B] prompts with their completions.</summary>
    public AnswerBatch Answers { get; }

    /// <summary>[B] the same prompts with completions of others; null where nobody asked for them.</summary>
    public AnswerBatch? Mismatched { get; }

    /// <summary>[B] whether the completion is wanted.</summary>
    public IReadOnlyList<bool> IsDesirable { get; }

    /// <summary>[B] bool of <see cref="IsDesirable"/>. Belongs to the current scope.</summary>
    public Tensor Wanted(Device device) => tensor(IsDesirable.ToArray(), device: device);

    /// <summary>
    /// Gives each example the completion of its predecessor; the first of a batch gets that of the batch's last. The batches are those of
    /// the data in order, as in TRL; an example that would be alone in its batch gets the completion before it, where TRL has its own.
    /// </summary>
    /// <param name="examples">At least two.</param>
    /// <param name="batchSize">Examples of a batch.</param>
    public static int[][] Mismatch(IReadOnlyList<UnpairedExample> examples, int batchSize)
    {
        var others = new int[examples.Count][];
        for (int row = 0; row < examples.Count; row++)
        {
            int last = Math.Min(row + batchSize, examples.Count) - 1;
            bool wraps = row % batchSize == 0 && last > row;
            others[row] = examples[wraps ? last : row - 1].Completion;
        }
        return others;
    }

    public void Dispose()
    {
        Answers.Dispose();
        Mismatched?.Dispose();
    }
}
