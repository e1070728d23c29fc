using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Prompts that can be answered.</summary>
/// <param name="Rows">Their rows; the prompt is the first text.</param>
/// <param name="Ids">Their token ids, in the same order.</param>
internal sealed record PromptRows(IReadOnlyList<TextRow> Rows, IReadOnlyList<int[]> Ids)
{
    /// <summary>The prompts, as the data have them.</summary>
    public IEnumerable<string> Texts => Rows.Select(row => row.Texts[0]);

    /// <summary>Reads a column; prompts without a token, and those that fill the context, are left out.</summary>
    /// <param name="data">Enumerated once.</param>
    /// <param name="column">Text.</param>
    /// <param name="codec">The policy's.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    public static PromptRows Read(
        IDataView data, DataViewSchema.Column column, TextCodec codec, RowCounts counts, CancellationToken cancel)
    {
        var (rows, prompts) = (new List<TextRow>(), new List<int[]>());
        foreach (TextRow row in RowReader.Read(data, [column]))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            int[] prompt = codec.Prompt(row.Texts[0]);
            if (codec.Unanswerable(prompt) is not null)
            {
                counts.Note(RowFate.NoAnswerPossible, row.Number);
                continue;
            }
            rows.Add(row);
            prompts.Add(prompt);
        }
        return rows.Count > 0 ? new PromptRows(rows, prompts) : throw counts.NothingLeft();
    }
}
