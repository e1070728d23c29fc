namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Where a response token stands in TRL's arrays [B, T-1] and where in ours, which are padded on the right.</summary>
internal sealed class PpoLayout(int[] queries, int[] responses, int[] trained, bool left)
{
    /// <summary>Places of an array with one number per row.</summary>
    public static IEnumerable<(int Theirs, int Ours, bool Response)> Rows(int count) =>
        Enumerable.Range(0, count).Select(i => (i, i, true));

    /// <summary>Places of all rows, or of all mini-batches in the order of training.</summary>
    public IEnumerable<(int Theirs, int Ours, bool Response)> Places(bool inOrderOfTraining)
    {
        int width = queries.Zip(responses, (query, response) => query + response).Max() - 1;
        int[] rows = inOrderOfTraining ? trained : [.. Enumerable.Range(0, queries.Length)];
        for (int line = 0; line < rows.Length; line++)
        {
            int row = rows[line];
            int padding = left ? width + 1 - queries[row] - responses[row] : 0;
            for (int ours = 0; ours + padding < width; ours++)
                yield return ((line * width) + ours + padding, (
                    line * width) + ours, ours >= queries[row] - 1 && ours < queries[row] - 1 + responses[row]);
        }
    }
}
