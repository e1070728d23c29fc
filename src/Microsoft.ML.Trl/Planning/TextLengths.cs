namespace Microsoft.ML.Trl.Planning;

/// <summary>How long the texts of a run are, in tokens.</summary>
/// <param name="Longest">Of a row: of prompt and answer together.</param>
/// <param name="Mean">Of a row.</param>
/// <param name="Labels">Of a row: tokens that are learnt.</param>
/// <param name="Prompt">Of a row: tokens that other rows may begin with, too.</param>
/// <param name="Origin">Where the numbers come from, for whoever reads the plan.</param>
internal sealed record TextLengths(int Longest, double Mean, double Labels, double Prompt, string Origin)
{
    /// <summary>Tokens that are assumed where neither options, data nor model bound them.</summary>
    public const int Assumed = 512;

    /// <summary>The longest rows that the options allow.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="config">Of the model.</param>
    public static TextLengths Of(TrainingOptions options, ModelConfig config)
    {
        if (options is not TextDistillationOptions && PlannedSampling.Of(options) is { } sampling)
            return OfSampling(sampling, config);
        int? given = options switch
        {
            SftOptions sft => sft.MaxLength,
            PreferenceOptions preferences => preferences.MaxLength,
            RewardOptions reward => reward.MaxLength,
            PrmOptions prm => prm.MaxLength,
            TextDistillationOptions texts => texts.MaxLength,
            _ => ((TextClassificationOptions)options).MaxLength,
        };
        int context = config.ContextLength == int.MaxValue ? Assumed : config.ContextLength, longest = Math.Min(given ?? context, context);
        string origin = given is { } most && most <= context
            ? $"rows of MaxLength ({most}) tokens" : $"rows that fill the model's context ({longest} tokens)";
        return new TextLengths(longest, longest, longest, 0, origin);
    }

    /// <summary>Those of rows that were read.</summary>
    /// <param name="rows">At least one.</param>
    public static TextLengths OfRows(IReadOnlyList<RowLength> rows) => new(
        rows.Max(row => row.Length), rows.Average(row => row.Length), rows.Average(row => row.Labels), rows.Average(row => row.Prompt),
        FormattableString.Invariant($"{rows.Count:N0} rows of the data, {rows.Average(row => row.Length):N0} tokens on average"));

    /// <summary>Prompts as long as training reads them at most, or of a length that is assumed, with their answers.</summary>
    private static TextLengths OfSampling(PlannedSampling sampling, ModelConfig config)
    {
        int answer = Math.Min(sampling.NewTokens, config.ContextLength - 1);
        int prompt = Math.Min(sampling.LongestPrompt ?? Assumed, config.ContextLength - answer);
        string origin = sampling.LongestPrompt is null
            ? $"prompts of {prompt} tokens, which are assumed: give data, and theirs are counted"
            : $"prompts of {prompt} tokens, the most that are read of one, with answers of {answer}";
        return new TextLengths(
            prompt + answer, prompt + answer, sampling.LearnsPrompts ? prompt + answer : answer, prompt, origin);
    }
}

/// <summary>Length of a row, in tokens.</summary>
/// <param name="Length">All of it.</param>
/// <param name="Labels">That are learnt.</param>
/// <param name="Prompt">That other rows may begin with, too.</param>
internal sealed record RowLength(int Length, int Labels, int Prompt = 0);
