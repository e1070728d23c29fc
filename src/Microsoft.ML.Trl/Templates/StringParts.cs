using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Cutting, searching and replacing in texts, as Python's str does it. Places are code points.</summary>
internal static class StringParts
{
    /// <summary>startswith and endswith, with one affix or a tuple of them.</summary>
    public static object HasAffix(Rendering run, string text, CallArguments call, Func<string, string, bool> test)
    {
        BoundArguments bound = call.Bind(run, "affix", "start?", "end?");
        (int from, int to) = Window(run, text, bound);
        if (from > to)
            return false;
        string part = text[from..to];
        if (bound[0] is TupleValue several)
            return several.Any(affix => test(part, PythonText.AsText(affix) ?? throw Wrong(affix)));
        return test(part, PythonText.AsText(bound[0]!) ?? throw Wrong(bound[0]!));

        ChatTemplateException Wrong(object affix) => run.Error(affix is UndefinedValue undefined
            ? undefined.Message
            : $"{call.Function} first arg must be str or a tuple of str, not {ValueTypes.NameOf(affix)}");
    }

    public static object Count(Rendering run, string text, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "sub", "start?", "end?");
        (int from, int to) = Window(run, text, bound);
        string part = bound.Text(0);
        if (from > to)
            return BigInteger.Zero;
        if (part.Length == 0)
            return JinjaGlobals.Number(CodePoints.Count(text[from..to]) + 1);
        int count = 0;
        for (int at = text.IndexOf(part, from, to - from, StringComparison.Ordinal); at >= 0; count++)
        {
            from = at + part.Length;
            at = text.IndexOf(part, from, to - from, StringComparison.Ordinal);
        }
        return JinjaGlobals.Number(count);
    }

    public static object Find(Rendering run, string text, CallArguments call, bool isLast, bool mustBeThere)
    {
        BoundArguments bound = call.Bind(run, "sub", "start?", "end?");
        (int from, int to) = Window(run, text, bound);
        string part = bound.Text(0);
        int found = -1;
        if (from <= to)
        {
            ReadOnlySpan<char> window = text.AsSpan(from, to - from);
            found = isLast ? window.LastIndexOf(part, StringComparison.Ordinal) : window.IndexOf(part, StringComparison.Ordinal);
        }
        if (found < 0 && mustBeThere)
            throw run.Error("substring not found");
        return JinjaGlobals.Number(found < 0 ? -1 : CodePoints.Index(text, from + found));
    }

    // the part between the second and the third argument, in UTF-16
    private static (int From, int To) Window(Rendering run, string text, BoundArguments bound)
    {
        if (bound[1] is null && bound[2] is null)
            return (0, text.Length);
        int count = CodePoints.Count(text);
        run.Characters(text.Length);
        int from = bound.Integer(1, 0), to = Math.Min(bound.Integer(2, count), count);
        from = from < 0 ? Math.Max(0, from + count) : from;
        to = to < 0 ? Math.Max(0, to + count) : to;
        return from > count ? (1, 0) : (CodePoints.Offset(text, from), CodePoints.Offset(text, to));
    }

    public static object Split(Rendering run, string text, CallArguments call, bool fromEnd)
    {
        BoundArguments bound = call.Bind(run, "sep?", "maxsplit?");
        int most = bound.Integer(1, -1);
        string? separator = bound.TextOr(0, null);
        if (separator?.Length == 0)
            throw run.Error("empty separator");
        List<string> parts = separator is null ? SplitAtSpace(run, text, most, fromEnd) : SplitAt(run, text, separator, most, fromEnd);
        return new ListValue([.. parts]);
    }

    private static List<string> SplitAt(Rendering run, string text, string separator, int most, bool fromEnd)
    {
        var parts = new List<string>();
        int from = 0, to = text.Length;
        while (parts.Count != most)
        {
            run.Step();
            ReadOnlySpan<char> rest = text.AsSpan(from, to - from);
            int at = fromEnd ? rest.LastIndexOf(separator, StringComparison.Ordinal) : rest.IndexOf(separator, StringComparison.Ordinal);
            if (at < 0)
                break;
            parts.Add(fromEnd ? text[(from + at + separator.Length)..to] : text[from..(from + at)]);
            (from, to) = fromEnd ? (from, from + at) : (from + at + separator.Length, to);
        }
        parts.Add(text[from..to]);
        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    private static List<string> SplitAtSpace(Rendering run, string text, int most, bool fromEnd)
    {
        var parts = new List<string>();
        string rest = PythonSpace.Strip(text, start: !fromEnd, end: fromEnd);
        (int from, int to) = (0, rest.Length);
        while (from < to && parts.Count != most)
        {
            run.Step();
            int edge = fromEnd ? to : from;
            while (fromEnd ? edge > from && !PythonSpace.Is(rest[edge - 1]) : edge < to && !PythonSpace.Is(rest[edge]))
                edge += fromEnd ? -1 : 1;
            parts.Add(fromEnd ? rest[edge..to] : rest[from..edge]);
            while (fromEnd ? edge > from && PythonSpace.Is(rest[edge - 1]) : edge < to && PythonSpace.Is(rest[edge]))
                edge += fromEnd ? -1 : 1;
            (from, to) = fromEnd ? (from, edge) : (edge, to);
        }
        if (from < to)
            parts.Add(rest[from..to]);
        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    /// <summary>str.splitlines.</summary>
    public static IEnumerable<string> Lines(Rendering run, string text, bool keepEnds)
    {
        int from = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (!PythonSpace.IsLineEnd(text[at]))
                continue;
            run.Step();
            int end = at;
            if (text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n')
                at++;
            yield return text[from..(keepEnds ? at + 1 : end)];
            from = at + 1;
        }
        if (from < text.Length)
            yield return text[from..];
    }

    public static object Partition(Rendering run, string text, CallArguments call, bool isLast)
    {
        string separator = call.Bind(run, "sep").Text(0);
        if (separator.Length == 0)
            throw run.Error("empty separator");
        int at = isLast ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return new TupleValue(isLast ? ["", "", text] : [text, "", ""]);
        return new TupleValue([text[..at], separator, text[(at + separator.Length)..]]);
    }

    /// <summary>str.replace; an empty old text stands between all characters.</summary>
    public static string Replace(Rendering run, string text, string old, string replacement, int most)
    {
        run.Characters(text.Length);
        var buffer = new TextBuffer(run);
        int from = 0;
        for (int done = 0; most < 0 || done < most; done++)
        {
            run.Step();
            int at = old.Length > 0 ? text.IndexOf(old, from, StringComparison.Ordinal) : done == 0 ? 0 : NextCharacter(text, from);
            if (at < 0)
                break;
            buffer.Append(text[from..at]).Append(replacement);
            from = at + old.Length;
        }
        return buffer.Append(text[from..]).ToString();
    }

    private static int NextCharacter(string text, int from) => from >= text.Length
        ? -1
        : from + (from + 1 < text.Length && char.IsSurrogatePair(text[from], text[from + 1]) ? 2 : 1);

    public static string ExpandTabs(Rendering run, string text, int size)
    {
        var buffer = new TextBuffer(run);
        int column = 0;
        foreach (string character in CodePoints.Of(text))
        {
            int blanks = character == "\t" ? size <= 0 ? 0 : size - (column % size) : -1;
            run.Characters(Math.Max(blanks, 1));
            buffer.Append(blanks < 0 ? character : new string(' ', blanks));
            column = character is "\n" or "\r" ? 0 : column + Math.Abs(blanks);
        }
        return buffer.ToString();
    }
}
