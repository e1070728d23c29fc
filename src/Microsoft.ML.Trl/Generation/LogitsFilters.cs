namespace Microsoft.ML.Trl.Generation;

/// <summary>The filters that options ask for, in the order of transformers.</summary>
internal static class LogitsFilters
{
    /// <param name="options">Validated.</param>
    /// <param name="endTokens">Tokens that end a row.</param>
    public static IReadOnlyList<ILogitsFilter> Of(GenerationOptions options, IReadOnlyList<int> endTokens)
    {
        List<ILogitsFilter> filters = [];
        if (options.RepetitionPenalty != 1)
            filters.Add(new RepetitionFilter((float)options.RepetitionPenalty));
        if (options.MinNewTokens > 0 && endTokens.Count > 0)
            filters.Add(new MinNewTokensFilter(options.MinNewTokens, endTokens));
        if (!options.DoSample)
            return filters;
        if (options.Temperature != 1)
            filters.Add(new TemperatureFilter((float)options.Temperature));
        if (options.TopK > 0)
            filters.Add(new TopKFilter(options.TopK));
        if (options.TopP < 1)
            filters.Add(new TopPFilter((float)options.TopP));
        if (options.MinP > 0)
            filters.Add(new MinPFilter(options.MinP));
        return filters;
    }
}
