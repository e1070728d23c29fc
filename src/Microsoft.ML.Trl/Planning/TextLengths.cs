namespace Microsoft.ML.Trl.Planning;

/// <summary>How long the texts of a run are, in tokens.</summary>
/// <param name="Longest">Of a row: of prompt and answer together.</param>
/// <param name="Mean">Of a row.</param>
/// <param name="Labels">Of a row: tokens that are learnt.</param>
/// <param name="Origin">Where the numbers come from, for whoever reads the plan.</param>
internal sealed record TextLengths(int Longest, double Mean, double Labels, string Origin)
{
    /// <summary>Tokens that are assumed where neither options, data nor model bound them.</summary>
    public const int Assumed = 512;

    /// <summary>The longest rows that the options allow.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="config">Of the model.</param>
    public static TextLengths Of(TrainingOptions options, ModelConfig config)
    {
        if (options is PpoOptions ppo)
            return OfRollouts(ppo, config);
        int? given = options switch
        {
            SftOptions sft => sft.MaxLength,
            DpoOptions dpo => dpo.MaxLength,
            RewardOptions reward => reward.MaxLength,
            _ => ((TextClassificationOptions)options).MaxLength,
        };
        int context = config.ContextLength == int.MaxValue ? Assumed : config.ContextLength, longest = Math.Min(given ?? context, context);
        string origin = given is { } most && most <= context
            ? $"rows of MaxLength ({most}) tokens" : $"rows that fill the model's context ({longest} tokens)";
        return new TextLengths(longest, longest, longest, origin);
    }

    /// <summary>Those of rows that were read.</summary>
    /// <param name="rows">Length and labels of each; at least one.</param>
    public static TextLengths OfRows(IReadOnlyList<(int Length, int Labels)> rows) => new(
        rows.Max(row => row.Length), rows.Average(row => row.Length), rows.Average(row => row.Labels),
        FormattableString.Invariant($"{rows.Count:N0} rows of the data, {rows.Average(row => row.Length):N0} tokens on average"));

    private static TextLengths OfRollouts(PpoOptions options, ModelConfig config)
    {
        int answer = Answer(options), context = config.ContextLength;
        int prompt = Math.Max(1, Math.Min(Assumed, context == int.MaxValue ? Assumed : context - answer));
        return new TextLengths(
            prompt + answer, prompt + answer, answer, $"prompts of {prompt} tokens, which are assumed: give data, and theirs are counted");
    }

    /// <summary>Most new tokens of a response.</summary>
    public static int Answer(PpoOptions options) => options.LengthSampler?.MaxValue - 1 ?? options.Generation.MaxNewTokens;
}
