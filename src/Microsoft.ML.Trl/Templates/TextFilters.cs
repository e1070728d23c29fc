using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's filters of texts.</summary>
internal static class TextFilters
{
    /// <summary>A filter without arguments that makes another text of one.</summary>
    public static TemplateFilter Whole(Func<string, string> change) => (run, value, call) =>
    {
        call.Bind(run);
        string text = PythonText.Of(run, value);
        run.EachCharacter(text);
        return Like(run, value, change(text));
    };

    public static object Safe(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return new MarkupValue(PythonText.Of(run, value));
    }

    public static object ToText(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return value is MarkupValue ? value : PythonText.Of(run, value);
    }

    public static object Trim(Rendering run, object value, CallArguments call)
    {
        string? characters = call.Bind(run, "chars?").TextOr(0, null);
        return Like(run, value, PythonSpace.Strip(PythonText.Of(run, value), characters));
    }

    public static object Center(Rendering run, object value, CallArguments call)
    {
        int width = call.Bind(run, "width?").Integer(0, 80);
        return Like(run, value, StringMethods.Padded(run, PythonText.Of(run, value), width, " ", left: true, right: true));
    }

    public static object Escape(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return value is MarkupValue ? value : new MarkupValue(HtmlText.Of(run, value));
    }

    public static object Format(Rendering run, object value, CallArguments call)
    {
        if (call.Positional.Count > 0 && call.Named.Count > 0)
            throw run.Error("can't handle positional and keyword arguments at the same time");
        object values = new TupleValue(call.Positional);
        if (call.Named.Count > 0)
        {
            var named = new DictValue();
            foreach ((string key, object argument) in call.Named)
                named.Set(key, argument);
            values = named;
        }
        return Like(run, value, PercentFormat.Apply(run, PythonText.Of(run, value), values));
    }

    public static object Join(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "d?", "attribute?");
        string separator = bound[0] is null ? "" : PythonText.Of(run, bound[0]!);
        var buffer = new TextBuffer(run);
        bool isFirst = true;
        foreach (object item in TemplateSequences.Items(run, value))
        {
            if (!isFirst)
                buffer.Append(separator);
            isFirst = false;
            buffer.Append(PythonText.Of(run, bound[1] is null or NoneValue ? item : AttributePath.Get(run, item, bound[1]!)));
        }
        return buffer.ToString();
    }

    public static object Replace(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "old", "new", "count?");
        return StringParts.Replace(
            run, PythonText.Of(run, value), PythonText.Of(run, bound[0]!), PythonText.Of(run, bound[1]!), bound.Integer(2, -1));
    }

    public static object Indent(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "width?", "first?", "blank?");
        string indent = bound[0] is { } given && PythonText.AsText(given) is { } text ? text : Blanks(run, bound.Integer(0, 4));
        bool indentsFirst = bound.Flag(1), indentsBlank = bound.Flag(2);
        string[] lines = [.. StringParts.Lines(run, Required(run, value) + "\n", keepEnds: false)];
        var buffer = new TextBuffer(run);
        for (int i = 0; i < lines.Length; i++)
        {
            if (i > 0)
                buffer.Append("\n");
            if (i == 0 ? indentsFirst : indentsBlank || lines[i].Length > 0)
                buffer.Append(indent);
            buffer.Append(lines[i]);
        }
        return Like(run, value, buffer.ToString());
    }

    public static object Truncate(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "length?", "killwords?", "end?", "leeway?");
        string text = Required(run, value), end = bound.TextOr(2, "...")!;
        int length = bound.Integer(0, 255), leeway = bound.Integer(3, 5), kept = length - CodePoints.Count(end);
        if (kept < 0 || leeway < 0)
            throw run.Error(
                $"truncate needs a length of at least {CodePoints.Count(end)} and no negative leeway, not {length} and {leeway}");
        if (CodePoints.Count(text) <= (long)length + leeway)
            return value;
        string cut = text[..CodePoints.Offset(text, kept)];
        int blank = bound.Flag(1) ? -1 : cut.LastIndexOf(' ');
        return Like(run, value, (blank < 0 ? cut : cut[..blank]) + end);
    }

    public static object WordCount(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        int count = 0;
        bool isInWord = false;
        string text = PythonText.Of(run, value);
        run.EachCharacter(text);
        foreach (char character in text)
        {
            bool isPart = character == '_' || char.IsLetterOrDigit(character);
            count += isPart && !isInWord ? 1 : 0;
            isInWord = isPart;
        }
        return JinjaGlobals.Number(count);
    }

    /// <summary>Comments and tags out, white space to single blanks, entities to characters.</summary>
    public static object StripTags(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        string text = Without(Without(PythonText.Of(run, value), "<!--", "-->"), "<", ">");
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return System.Net.WebUtility.HtmlDecode(string.Join(' ', words));
    }

    private static string Without(string text, string open, string close)
    {
        var rest = new StringBuilder();
        int from = 0;
        while (text.IndexOf(open, from, StringComparison.Ordinal) is var start and >= 0)
        {
            int end = text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0)
                break;
            rest.Append(text, from, start - from);
            from = end + close.Length;
        }
        return rest.Append(text, from, text.Length - from).ToString();
    }

    public static object UrlEncode(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        if (PythonText.AsText(value) is not null || !TemplateSequences.IsIterable(value))
            return Quoted(run, PythonText.Of(run, value), "/");
        IEnumerable<object> pairs = value is DictValue dict ? new DictView(dict, "items") : TemplateSequences.Items(run, value);
        var parts = new List<string>();
        foreach (object pair in pairs)
        {
            if (TemplateSequences.Gather(run, [pair]) is not [{ } key, { } entry])
                throw run.Error("urlencode needs pairs of a key and a value");
            parts.Add(Quoted(run, PythonText.Of(run, key), "") + "=" + Quoted(run, PythonText.Of(run, entry), ""));
        }
        return string.Join('&', parts);
    }

    private static string Quoted(Rendering run, string text, string safe)
    {
        run.Characters(text.Length);
        var quoted = new StringBuilder(text.Length);
        foreach (byte octet in Encoding.UTF8.GetBytes(text))
            if (char.IsAsciiLetterOrDigit((char)octet) || "_.-~".Contains((char)octet) || safe.Contains((char)octet))
                quoted.Append((char)octet);
            else
                quoted.Append(safe.Length == 0 && octet == ' ' ? "+" : $"%{octet:X2}");
        run.Characters(quoted.Length);
        return quoted.ToString();
    }

    private static string Blanks(Rendering run, int width)
    {
        run.Characters(Math.Max(width, 0));
        return new string(' ', Math.Max(width, 0));
    }

    private static string Required(Rendering run, object value) => PythonText.AsText(value) ?? throw run.Error(
        value is UndefinedValue undefined ? undefined.Message : $"this filter needs a string, not {ValueTypes.NameOf(value)}");

    private static object Like(Rendering run, object model, string text)
    {
        run.Characters(text.Length);
        return model is MarkupValue ? new MarkupValue(text) : text;
    }
}
