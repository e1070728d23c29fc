namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>What a reward says of rows, outside of a run.</summary>
internal static class Asked
{
    /// <summary>Without data, a model or a step.</summary>
    public static double?[] Of(RewardFunction reward, params RewardRow[] rows)
    {
        var ml = new MLContext(1);
        return Of(reward, new RewardContext(ml, ml.Data.LoadFromEnumerable(Tiny.Pairs), Tiny.Tokenizer), rows);
    }

    public static double?[] Of(RewardFunction reward, RewardContext context, IReadOnlyList<RewardRow> rows) =>
        [.. new RewardGroup([reward], context).Score(rows, CancellationToken.None).GetAwaiter().GetResult().Columns[0]];

    /// <summary>A completion of a prompt without tokens, of step 1.</summary>
    public static RewardRow Row(string completion, int tokens = 0, long row = 0) =>
        new("prompt", completion, [], [.. Enumerable.Range(0, tokens)], false, row, 1);
}
