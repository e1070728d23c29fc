using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>From the text of an answer to what is compared.</summary>
internal static partial class AnswerReader
{
    private const int LongestText = 1000;
    private const string Relations = "=<>≤≥≠", Opening = "([{", Closing = ")]}";

    /// <summary>Reads an answer that stands by itself.</summary>
    public static MathAnswer Read(string text)
    {
        if (text.Length > LongestText)
            return new TextAnswer(Bare(text));
        string normal = Membership().Replace(MathText.Normalized(text), "");
        return List(normal) ?? new TextAnswer(Command().IsMatch(normal) ? Bare(normal) : Brace().Replace(Bare(normal), ""));
    }

    private static MathAnswer? List(string text)
    {
        if (PlusMinus().IsMatch(text))
            return List($"{PlusMinus().Replace(text, "+")},{PlusMinus().Replace(text, "-")}");
        List<string> items = Split(text, ",;");
        if (items.Count == 1)
            return Union(text);
        MathAnswer?[] members = [.. items.Select(Union)];
        return members.Contains(null) ? null : new SetAnswer(Bare(text), members!);
    }

    private static MathAnswer? Union(string text)
    {
        string[] parts = text.Split(["\\cup", "∪"], StringSplitOptions.None);
        if (parts.Length == 1)
            return Bracketed(text.Trim()) ?? Relation(text);
        MathAnswer?[] members = [.. parts.Select(part => Bracketed(part.Trim()))];
        return members.Contains(null) ? null : new UnionAnswer(Bare(text), members!);
    }

    /// <summary>A set, tuple or interval; null where the text is none, such as an expression in brackets.</summary>
    private static MathAnswer? Bracketed(string text)
    {
        if (SetForm().Match(text) is { Success: true } set)
        {
            MathAnswer?[] elements = [.. Split(set.Groups[1].Value, ",").Select(Union)];
            return elements.Contains(null) ? null : new SetAnswer(Bare(text), elements!);
        }
        if (text.Length < 3 || text[0] is not ('(' or '[') || text[^1] is not (')' or ']'))
            return null;
        List<string> items = Split(text[1..^1], ",");
        if (items.Count < 2)
            return null;
        MathAnswer?[] members = [.. items.Select(Union)];
        return members.Contains(null) ? null : new SequenceAnswer(Bare(text), text[0], text[^1], members!);
    }

    private static MathAnswer? Relation(string text)
    {
        List<string> sides = Split(text, Relations);
        if (sides.Count == 1)
            return MathParser.Read(text.Trim()) is { } value ? new ValueAnswer(Bare(text), value, null) : null;
        string signs = string.Concat(text.Where(Relations.Contains));
        if (signs.All(sign => sign == '=') && (sides.Count > 2 || Assigned().IsMatch(sides[0])))
            return MathParser.Read(sides[^1].Trim()) is { } last
                ? new ValueAnswer(Bare(text), last, sides.Count == 2 ? Bare(sides[0]) : null)
                : null;
        MathValue?[] values = [.. sides.Select(side => MathParser.Read(side.Trim()))];
        if (values.Contains(null))
            return null;
        if (signs == "=" && values.All(value => value!.IsConstant))
            return new ValueAnswer(Bare(text), values[1]!, null);
        return new RelationAnswer(Bare(text), [.. signs.Select((sign, place) => Part(sign, values[place]!, values[place + 1]!))]);
    }

    private static (string, MathValue) Part(char sign, MathValue left, MathValue right) => sign switch
    {
        '>' => ("<", right - left),
        '≥' => ("≤", right - left),
        _ => (sign.ToString(), left - right),
    };

    /// <summary>Parts between separators that stand outside of all brackets; a comma between digits may group thousands.</summary>
    private static List<string> Split(string text, string separators)
    {
        List<string> parts = [];
        int start = 0, depth = 0;
        HashSet<int> grouping = [.. Thousands().Matches(text).SelectMany(number => Enumerable.Range(number.Index, number.Length))];
        for (int place = 0; place < text.Length; place++)
        {
            char sign = text[place];
            if (Opening.Contains(sign))
                depth++;
            else if (Closing.Contains(sign))
                depth--;
            else if (depth == 0 && separators.Contains(sign) && !grouping.Contains(place))
            {
                parts.Add(text[start..place]);
                start = place + 1;
            }
        }
        parts.Add(text[start..]);
        return parts;
    }

    private static string Bare(string text) => Blank().Replace(text, "");

    [GeneratedRegex(@"^\s*[a-zA-Z]\s*\\in(?![a-zA-Z])\s*")]
    private static partial Regex Membership();

    [GeneratedRegex(@"\\pm(?![a-zA-Z])|±")]
    private static partial Regex PlusMinus();

    [GeneratedRegex(@"^\\\{(.*)\\\}$")]
    private static partial Regex SetForm();

    [GeneratedRegex(@"^\s*[a-zA-Z](?:_(?:\w|\{\w+\}))?\s*(?:\(\s*[a-zA-Z]\s*\)\s*)?$")]
    private static partial Regex Assigned();

    [GeneratedRegex(@"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")]
    private static partial Regex Thousands();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();

    [GeneratedRegex(@"[\\^_]")] // after which braces mean something
    private static partial Regex Command();

    [GeneratedRegex("[{}]")]
    private static partial Regex Brace();
}
