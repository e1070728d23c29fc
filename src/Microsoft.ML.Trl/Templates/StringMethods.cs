using System.Globalization;

namespace Microsoft.ML.Trl.Templates;

/// <summary>The methods of Python's str. Cutting and searching is in <see cref="StringParts"/>.</summary>
internal static class StringMethods
{
    private static readonly Dictionary<string, Method> Methods = new()
    {
        ["capitalize"] = Whole(PythonCase.Capitalize),
        ["casefold"] = Whole(text => PythonCase.Lower(PythonCase.Upper(text))),
        ["lower"] = Whole(PythonCase.Lower),
        ["swapcase"] = Whole(PythonCase.Swap),
        ["title"] = Whole(PythonCase.Title),
        ["upper"] = Whole(PythonCase.Upper),
        ["center"] = (run, text, call) => Pad(run, text, call, left: true, right: true),
        ["ljust"] = (run, text, call) => Pad(run, text, call, left: false, right: true),
        ["rjust"] = (run, text, call) => Pad(run, text, call, left: true, right: false),
        ["zfill"] = FillWithZeros,
        ["expandtabs"] = (run, text, call)
            => StringParts.ExpandTabs(run, text, call.Bind(run, "tabsize?").Integer(0, 8)),
        ["strip"] = (run, text, call) => PythonSpace.Strip(text, call.Bind(run, "chars?").TextOr(0, null)),
        ["lstrip"] = (run, text, call) => PythonSpace.Strip(text, call.Bind(run, "chars?").TextOr(0, null), end: false),
        ["rstrip"] = (run, text, call) => PythonSpace.Strip(text, call.Bind(run, "chars?").TextOr(0, null), start: false),
        ["removeprefix"] = (run, text, call) => call.Bind(run, "prefix").Text(0) is var prefix
            && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        ["removesuffix"] = (run, text, call) => call.Bind(run, "suffix").Text(0) is var suffix
            && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        ["startswith"] = (run, text, call) => StringParts.HasAffix(
            run, text, call, (part, affix) => part.StartsWith(affix, StringComparison.Ordinal)),
        ["endswith"] = (run, text, call) => StringParts.HasAffix(
            run, text, call, (part, affix) => part.EndsWith(affix, StringComparison.Ordinal)),
        ["count"] = StringParts.Count,
        ["find"] = (run, text, call) => StringParts.Find(run, text, call, isLast: false, mustBeThere: false),
        ["rfind"] = (run, text, call) => StringParts.Find(run, text, call, isLast: true, mustBeThere: false),
        ["index"] = (run, text, call) => StringParts.Find(run, text, call, isLast: false, mustBeThere: true),
        ["rindex"] = (run, text, call) => StringParts.Find(run, text, call, isLast: true, mustBeThere: true),
        ["split"] = (run, text, call) => StringParts.Split(run, text, call, fromEnd: false),
        ["rsplit"] = (run, text, call) => StringParts.Split(run, text, call, fromEnd: true),
        ["splitlines"] = (run, text, call)
            => new ListValue([.. StringParts.Lines(run, text, call.Bind(run, "keepends?").Flag(0))]),
        ["partition"] = (run, text, call) => StringParts.Partition(run, text, call, isLast: false),
        ["rpartition"] = (run, text, call) => StringParts.Partition(run, text, call, isLast: true),
        ["replace"] = (run, text, call) =>
        {
            BoundArguments bound = call.Bind(run, "old", "new", "count?");
            return StringParts.Replace(run, text, bound.Text(0), bound.Text(1), bound.Integer(2, -1));
        },
        ["join"] = (run, text, call) => Join(run, text, call.Bind(run, "iterable")[0]!),
        ["format"] = BraceFormat.Apply,
        ["format_map"] = (run, text, call) => BraceFormat.Apply(run, text, new CallArguments("format_map", [], Entries(run, call))),
        ["isalnum"] = Every(character => IsOf(character, UnicodeGroup.Letter) || IsOf(character, UnicodeGroup.Number)),
        ["isalpha"] = Every(character => IsOf(character, UnicodeGroup.Letter)),
        ["isdecimal"] = Every(character => CharUnicodeInfo.GetUnicodeCategory(character, 0) == UnicodeCategory.DecimalDigitNumber),
        ["isdigit"] = Every(character => CharUnicodeInfo.GetDigitValue(character, 0) >= 0),
        ["isnumeric"] = Every(character => IsOf(character, UnicodeGroup.Number)),
        ["isspace"] = Every(character => PythonSpace.Is(character[0])),
        ["isascii"] = (run, text, call) => IsBare(run, text, call) && text.All(char.IsAscii),
        ["isidentifier"] = (run, text, call) => IsBare(run, text, call) && text.Length > 0 && !char.IsDigit(text[0])
            && text.All(character => character == '_' || char.IsLetterOrDigit(character)),
        ["islower"] = (run, text, call) => IsBare(run, text, call) && PythonCase.IsAll(text, upper: false),
        ["isupper"] = (run, text, call) => IsBare(run, text, call) && PythonCase.IsAll(text, upper: true),
        ["istitle"] = (run, text, call) => IsBare(run, text, call) && PythonCase.IsTitle(text),
        ["isprintable"] = (run, text, call) => IsBare(run, text, call) && PythonText.Quote(text.Replace("\\", "", StringComparison.Ordinal)
            .Replace("'", "", StringComparison.Ordinal)) is var quoted && !quoted.Contains('\\'),
        ["encode"] = Missing("encode"),
        ["maketrans"] = Missing("maketrans"),
        ["translate"] = Missing("translate"),
    };

    private delegate object Method(Rendering run, string text, CallArguments call);

    private enum UnicodeGroup
    {
        Letter,
        Number,
    }

    /// <summary>A method of a text, null where Python has none of that name.</summary>
    public static object? Find(object owner, string name)
    {
        if (!Methods.TryGetValue(name, out Method? method))
            return null;
        string text = PythonText.AsText(owner)!;
        return new FunctionValue(name, (run, call) =>
        {
            run.Characters(text.Length);
            object result = method(run, text, call);
            if (PythonText.AsText(result) is { } made)
                run.Characters(made.Length);
            return owner is MarkupValue ? Marked(result) : result;
        });
    }

    /// <summary>str.join: the items must be texts.</summary>
    private static string Join(Rendering run, string separator, object items)
    {
        var buffer = new TextBuffer(run);
        int place = 0;
        foreach (object item in TemplateSequences.Items(run, items))
        {
            string text = PythonText.AsText(item)
                ?? throw run.Error($"sequence item {place}: expected str instance, {ValueTypes.NameOf(item)} found");
            if (place++ > 0)
                buffer.Append(separator);
            buffer.Append(text);
        }
        return buffer.ToString();
    }

    private static object Marked(object result) => result switch
    {
        string text => new MarkupValue(text),
        ListValue list => new ListValue([.. list.Select(Marked)]),
        TupleValue tuple => new TupleValue([.. tuple.Select(Marked)]),
        _ => result,
    };

    private static Method Whole(Func<string, string> change) => (run, text, call) =>
    {
        call.Bind(run);
        run.EachCharacter(text);
        return change(text);
    };

    private static Method Every(Func<string, bool> holds) => (run, text, call)
        => IsBare(run, text, call) && text.Length > 0 && CodePoints.Of(text).All(holds);

    private static Method Missing(string name) => (run, _, _) => throw run.Error($"the method {name} of strings is not supported");

    private static bool IsBare(Rendering run, string text, CallArguments call)
    {
        run.EachCharacter(text);
        call.Bind(run);
        return true;
    }

    private static bool IsOf(string character, UnicodeGroup group) => CharUnicodeInfo.GetUnicodeCategory(character, 0) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => group == UnicodeGroup.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => group == UnicodeGroup.Number,
        _ => false,
    };

    private static List<KeyValuePair<string, object>> Entries(Rendering run, CallArguments call)
    {
        object mapping = call.Bind(run, "mapping")[0]!;
        if (mapping is not DictValue dict)
            throw run.Error($"format_map() needs a dict, not {ValueTypes.NameOf(mapping)}");
        return [.. dict.Pairs.Where(pair => pair.Key is string).Select(pair => KeyValuePair.Create((string)pair.Key, pair.Value))];
    }

    private static string Pad(Rendering run, string text, CallArguments call, bool left, bool right)
    {
        BoundArguments bound = call.Bind(run, "width", "fillchar?");
        string fill = bound.TextOr(1, " ")!;
        if (CodePoints.Count(fill) != 1)
            throw run.Error("The fill character must be exactly one character long");
        return Padded(run, text, bound.Integer(0, 0), fill, left, right);
    }

    /// <summary>A text of a least width.</summary>
    public static string Padded(Rendering run, string text, int width, string fill, bool left, bool right)
    {
        int missing = Math.Max(0, width - CodePoints.Count(text));
        int before = !left ? 0 : !right ? missing : (missing / 2) + (missing & width & 1); // as CPython centres
        run.Characters((long)missing * fill.Length);
        return Repeat(fill, before) + text + Repeat(fill, missing - before);

        static string Repeat(string part, int times) => string.Concat(Enumerable.Repeat(part, times));
    }

    private static string FillWithZeros(Rendering run, string text, CallArguments call)
    {
        int width = call.Bind(run, "width").Integer(0, 0);
        int sign = text.Length > 0 && text[0] is '-' or '+' ? 1 : 0;
        return text[..sign] + Padded(run, text[sign..], width - sign, "0", left: true, right: false);
    }
}
