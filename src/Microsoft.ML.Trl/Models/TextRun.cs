using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Texts of one pattern that stand one behind the other: what attention handles at once.</summary>
/// <param name="Pattern">Of each of them.</param>
/// <param name="Count">Texts, at least 1.</param>
/// <param name="Behind">Number of the run, of a single text, that all of them go on from; null = of none.</param>
internal sealed record TextRun(AttentionPattern Pattern, int Count, int? Behind)
{
    /// <summary>The runs of some texts, in their order.</summary>
    /// <param name="parts">The texts.</param>
    /// <param name="pattern">Makes the pattern of a text of some tokens behind some others.</param>
    public static IReadOnlyList<TextRun> Of(IReadOnlyList<TextPart> parts, Func<int, int, AttentionPattern> pattern)
    {
        HashSet<int> beginnings = [.. parts.Select(part => part.Behind).OfType<int>()];
        Dictionary<(int, int), AttentionPattern> known = [];
        List<TextRun> runs = [];
        var runOf = new int[parts.Count];
        for (int number = 0; number < parts.Count; number++)
        {
            (_, int start, int length, int? part) = parts[number];
            if (!known.TryGetValue((length, start), out AttentionPattern? own))
                known.Add((length, start), own = pattern(length, start));
            int? behind = part is { } beginning ? runOf[beginning] : null;
            bool joins = number > 0 && !beginnings.Contains(number) && !beginnings.Contains(number - 1)
                && runs[^1].Pattern == own && runs[^1].Behind == behind;
            if (joins)
                runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
            else
                runs.Add(new TextRun(own, 1, behind));
            runOf[number] = runs.Count - 1;
        }
        return runs;
    }

    /// <summary>[1, heads, N, d] of all tokens as [texts, heads, T, d] for each run, in the current scope.</summary>
    public static Tensor[] Split(Tensor heads, IReadOnlyList<TextRun> runs)
    {
        Tensor[] parts = heads.transpose(1, 2).split([.. runs.Select(run => run.Count * run.Pattern.Length)], 1); // [1, n·T, heads, d]
        return [.. parts.Select((part, i) => part.reshape(runs[i].Count, -1, part.shape[2], part.shape[3]).transpose(1, 2))];
    }

    /// <summary>Keys or values of the whole texts: those of this run behind those of the text that they go on from.</summary>
    /// <param name="runs">Of <see cref="Split"/>.</param>
    /// <param name="number">Of this run.</param>
    /// <returns>[texts, heads, past + T, d], in the current scope.</returns>
    public Tensor Whole(Tensor[] runs, int number) => Behind is { } beginning
        ? cat([runs[beginning].expand(Count, -1, -1, -1), runs[number]], 2) : runs[number];
}
