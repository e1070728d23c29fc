namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Queries that are answered at once.</summary>
/// <param name="Queries">[B] token ids.</param>
/// <param name="Options">How; their most new tokens are those of this batch.</param>
/// <param name="Streams">[B] numbers that decide, with the seed of the options, what each row draws.</param>
internal sealed record GenerationBatch(int[][] Queries, GenerationOptions Options, long[] Streams);

/// <summary>Answers batches with any model.</summary>
internal static class GenerationBatches
{
    /// <summary>The same options, with no more new tokens than that.</summary>
    public static GenerationOptions UpTo(this GenerationOptions options, int most) => most >= options.MaxNewTokens
        ? options : options with { MaxNewTokens = most, MinNewTokens = Math.Min(options.MinNewTokens, most) };

    /// <summary>One response per query, of all batches.</summary>
    /// <param name="batches">In order.</param>
    /// <param name="model">Only read.</param>
    /// <param name="stop">Tells from a row's new tokens whether it has ended; null = only end tokens do.</param>
    /// <param name="cancel">Looked at for every token.</param>
    public static IReadOnlyList<int[]> Generate(
        this IReadOnlyList<GenerationBatch> batches,
        CausalLanguageModel model,
        Func<IReadOnlyList<int>, bool>? stop,
        CancellationToken cancel)
    {
        var generator = new TokenGenerator(model);
        return
        [
            .. batches.SelectMany(
                batch => generator.Generate(batch.Queries, batch.Options, batch.Streams, stop, cancel: cancel).Tokens),
        ];
    }
}
