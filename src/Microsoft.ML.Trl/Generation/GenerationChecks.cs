using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Generation;

/// <summary>What the properties of <see cref="GenerationOptions"/> may be.</summary>
internal static class GenerationChecks
{
    /// <exception cref="ArgumentException">A property is out of range or contradicts another; the message says which.</exception>
    public static void All(GenerationOptions options)
    {
        Lengths(options);
        Draw(options);
        Beams(options);
        Check(options.RepetitionPenalty, IsPositive(options.RepetitionPenalty), "greater than 0, 1 for none");
        Check(options.NoRepeatNgramSize, options.NoRepeatNgramSize >= 0, "at least 1, or 0 for none");
        BadWords(options.BadWordsIds);
        NotNull(options.SuppressTokens);
        NotNull(options.BeginSuppressTokens);
        StopStrings.Check(options.StopStrings);
        Constraint(options);
    }

    /// <exception cref="ArgumentException">A token id is not in the vocabulary.</exception>
    public static void Tokens(GenerationOptions options, int vocabulary)
    {
        In(vocabulary, options.EosTokenIds ?? [], nameof(options.EosTokenIds), "end token");
        In(vocabulary, options.BadWordsIds.SelectMany(word => word), nameof(options.BadWordsIds));
        In(vocabulary, options.SuppressTokens, nameof(options.SuppressTokens));
        In(vocabulary, options.BeginSuppressTokens, nameof(options.BeginSuppressTokens));
        In(vocabulary, options.ForcedBosTokenId is { } bos ? [bos] : [], nameof(options.ForcedBosTokenId));
        In(vocabulary, options.ForcedEosTokenId is { } eos ? [eos] : [], nameof(options.ForcedEosTokenId));
    }

    private static void Lengths(GenerationOptions options)
    {
        Check(options.MaxNewTokens, options.MaxNewTokens >= 1, "at least 1");
        Check(
            options.MinNewTokens, options.MinNewTokens >= 0 && options.MinNewTokens <= options.MaxNewTokens,
            $"from 0 to MaxNewTokens ({options.MaxNewTokens})");
    }

    private static void Draw(GenerationOptions options)
    {
        Check(options.Temperature, IsPositive(options.Temperature), "greater than 0; for the likeliest token set DoSample to false");
        Check(options.TopK, options.TopK >= 0, "at least 1, or 0 for all tokens");
        Check(options.TopP, options.TopP is > 0 and <= 1, "greater than 0 and at most 1");
        Check(options.MinP, options.MinP is >= 0 and <= 1, "from 0 to 1");
        Check(options.TypicalP, options.TypicalP is > 0 and <= 1, "greater than 0 and at most 1");
        Check(options.EpsilonCutoff, options.EpsilonCutoff is >= 0 and < 1, "at least 0 and below 1");
        Check(options.EtaCutoff, options.EtaCutoff is >= 0 and < 1, "at least 0 and below 1");
    }

    private static void Beams(GenerationOptions options)
    {
        (int beams, int returned) = (options.NumBeams, options.NumReturnSequences);
        Check(options.NumBeams, beams >= 1, "at least 1, which is no search");
        Check(options.LengthPenalty, double.IsFinite(options.LengthPenalty), "a finite number, 0 for none");
        Require.Known(options.EarlyStopping, nameof(options.EarlyStopping));
        Check(options.NumReturnSequences, returned >= 1, "at least 1");
        if (beams > 1)
            Check(options.NumReturnSequences, returned <= beams, $"at most NumBeams ({beams}): only the texts of beams can be returned");
        else
            Check(
                options.NumReturnSequences, returned == 1 || options.DoSample,
                "1 with DoSample false and one beam: all would be the same text. Set DoSample to true, or NumBeams to as many");
    }

    private static void Constraint(GenerationOptions options)
    {
        if (options.Constraint is null)
            return;
        _ = options.Constraint.Automaton;
        foreach ((string name, bool isSet) in new[]
        {
            (nameof(options.StopStrings), options.StopStrings.Count > 0), (nameof(options.MinNewTokens), options.MinNewTokens > 0),
            (nameof(options.ForcedBosTokenId), options.ForcedBosTokenId is not null),
            (nameof(options.ForcedEosTokenId), options.ForcedEosTokenId is not null),
        })
            if (isSet)
                throw new ArgumentException(
                    $"{name} together with Constraint would make texts that do not match; leave one of the two out.", name);
    }

    private static void BadWords(IReadOnlyList<IReadOnlyList<int>>? words)
    {
        NotNull(words, nameof(GenerationOptions.BadWordsIds));
        for (int i = 0; i < words!.Count; i++)
            if (words[i] is null or { Count: 0 })
                throw new ArgumentException(
                    $"BadWordsIds[{i}] is {(words[i] is null ? "null" : "empty")}; each must be a list of at least one token.",
                    nameof(words));
    }

    private static void NotNull(object? list, [CallerArgumentExpression(nameof(list))] string name = "")
    {
        if (list is null)
            throw new ArgumentException($"{Last(name)} is null; it must be a list, an empty one for none.", Last(name));
    }

    private static void In(int vocabulary, IEnumerable<int> ids, string name, string kind = "token")
    {
        foreach (int id in ids.Where(id => (uint)id >= (uint)vocabulary))
            throw new ArgumentException(
                $"The {kind} {id} of {name} is not in the vocabulary, which has the tokens 0 to {vocabulary - 1}.", name);
    }

    private static bool IsPositive(double value) => double.IsFinite(value) && value > 0;

    private static void Check(object value, bool holds, string allowed, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!holds)
            throw new ArgumentException(FormattableString.Invariant($"{Last(name)} ({value}) must be {allowed}."), Last(name));
    }

    private static string Last(string name) => name[(name.LastIndexOf('.') + 1)..];
}
