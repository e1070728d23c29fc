namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>A set of texts, by how they are put together.</summary>
internal abstract record PatternNode
{
    /// <summary>The empty text alone.</summary>
    public static PatternNode Empty { get; } = new SequenceNode([]);

    /// <summary>One text alone.</summary>
    public static PatternNode Text(string text) =>
        new SequenceNode([.. text.EnumerateRunes().Select(rune => new CharactersNode([new CodeRange(rune.Value, rune.Value)]))]);

    /// <summary>The texts of several sets, one behind the other.</summary>
    public static PatternNode Sequence(params PatternNode[] parts) => new SequenceNode(parts);

    /// <summary>The texts of this set, and the empty one.</summary>
    public PatternNode Optional() => new RepeatNode(this, 0, 1);
}

/// <summary>One character out of some.</summary>
/// <param name="Ranges">In rising order, without overlap; at least one, surrogates not counted.</param>
internal sealed record CharactersNode(IReadOnlyList<CodeRange> Ranges) : PatternNode;

/// <summary>One text of each, one behind the other.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;

/// <summary>A text of one of them.</summary>
internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Options) : PatternNode;

/// <summary>Some texts of one set, one behind the other.</summary>
/// <param name="Part">The set.</param>
/// <param name="Min">How many at least.</param>
/// <param name="Max">How many at most; null = any number.</param>
internal sealed record RepeatNode(PatternNode Part, int Min, int? Max) : PatternNode;

/// <summary>A list in a fixed order, in which some entries may be left out.</summary>
/// <param name="Entries">The entries, and whether each must be there.</param>
/// <param name="Separator">What stands between two.</param>
internal sealed record ListNode(IReadOnlyList<(PatternNode Entry, bool IsRequired)> Entries, PatternNode Separator) : PatternNode;

/// <summary>Unicode code points, both bounds included.</summary>
internal readonly record struct CodeRange(int Low, int High)
{
    private const int Highest = 0x10FFFF, FirstSurrogate = 0xD800, LastSurrogate = 0xDFFF;

    /// <summary>In rising order and without overlap.</summary>
    public static IReadOnlyList<CodeRange> Union(IEnumerable<CodeRange> ranges)
    {
        List<CodeRange> union = [];
        foreach (CodeRange range in ranges.OrderBy(range => range.Low))
            if (union.Count > 0 && range.Low <= union[^1].High + 1)
                union[^1] = union[^1] with { High = Math.Max(union[^1].High, range.High) };
            else
                union.Add(range);
        return union;
    }

    /// <summary>All other characters; surrogates are none.</summary>
    public static IReadOnlyList<CodeRange> Complement(IEnumerable<CodeRange> ranges)
    {
        List<CodeRange> rest = [];
        int next = 0;
        foreach (CodeRange range in Union(ranges.Append(new CodeRange(FirstSurrogate, LastSurrogate))))
        {
            if (range.Low > next)
                rest.Add(new CodeRange(next, range.Low - 1));
            next = range.High + 1;
        }
        if (next <= Highest)
            rest.Add(new CodeRange(next, Highest));
        return rest;
    }
}
