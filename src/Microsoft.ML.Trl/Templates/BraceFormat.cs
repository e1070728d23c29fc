using System.Globalization;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's str.format, of which fields reach nothing but the data.</summary>
internal static class BraceFormat
{
    public static object Apply(Rendering run, string format, CallArguments call)
    {
        int automatic = 0;
        return Write(run, format, call, ref automatic, level: 0);
    }

    private static string Write(Rendering run, string format, CallArguments call, ref int automatic, int level)
    {
        if (level > 2)
            throw run.Error("Max string recursion exceeded");
        var buffer = new TextBuffer(run);
        for (int at = 0; at < format.Length; at++)
        {
            char character = format[at];
            bool isDouble = at + 1 < format.Length && format[at + 1] == character;
            if (character is not ('{' or '}'))
                buffer.Append(character.ToString());
            else if (isDouble && level == 0)
                buffer.Append(format[at++].ToString());
            else if (character == '}')
                throw run.Error("Single '}' encountered in format string");
            else
            {
                int close = Close(run, format, at);
                buffer.Append(Field(run, format[(at + 1)..close], call, ref automatic, level));
                at = close;
            }
        }
        return buffer.ToString();
    }

    private static int Close(Rendering run, string format, int open)
    {
        int depth = 0;
        for (int at = open; at < format.Length; at++)
        {
            depth += format[at] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
                return at;
        }
        throw run.Error("expected '}' before end of string");
    }

    private static string Field(Rendering run, string field, CallArguments call, ref int automatic, int level)
    {
        run.Step();
        int colon = field.IndexOf(':');
        string name = colon < 0 ? field : field[..colon];
        string spec = colon < 0 ? "" : field[(colon + 1)..];
        int mark = name.IndexOf('!');
        string conversion = mark < 0 ? "" : name[(mark + 1)..];
        object value = Value(run, mark < 0 ? name : name[..mark], call, ref automatic);
        value = conversion switch
        {
            "" => value,
            "s" => PythonText.Of(run, value),
            "r" or "a" => PythonText.Quoted(run, value),
            _ => throw run.Error($"Unknown conversion specifier {conversion}"),
        };
        return FormatSpec.Apply(run, value, spec.Contains('{') ? Write(run, spec, call, ref automatic, level + 1) : spec);
    }

    private static object Value(Rendering run, string path, CallArguments call, ref int automatic)
    {
        int end = path.AsSpan().IndexOfAny('.', '[') is var found and >= 0 ? found : path.Length;
        string first = path[..end];
        object value;
        if (first.Length == 0 || first.All(char.IsAsciiDigit))
        {
            int place = first.Length == 0 ? automatic++ : Number(run, first);
            value = place < call.Positional.Count
                ? call.Positional[place]
                : throw run.Error($"Replacement index {place} out of range for positional args tuple");
        }
        else
        {
            value = call.Find(first) ?? throw run.Error($"the format needs '{first}', which was not passed");
        }
        while (end < path.Length)
            value = Follow(run, value, path, ref end);
        return value;
    }

    private static object Follow(Rendering run, object value, string path, ref int at)
    {
        run.Step();
        if (path[at] == '.')
        {
            int next = path.AsSpan(at + 1).IndexOfAny('.', '[');
            int end = next < 0 ? path.Length : at + 1 + next;
            string name = path[(at + 1)..end];
            at = end;
            return ValueAttributes.Attribute(run, value, name);
        }
        int close = path.IndexOf(']', at);
        if (path[at] != '[' || close < 0)
            throw run.Error("Missing ']' in format string");
        string key = path[(at + 1)..close];
        at = close + 1;
        bool isPlace = key.Length > 0 && key.All(char.IsAsciiDigit);
        return ValueAttributes.Element(run, value, isPlace ? JinjaGlobals.Number(Number(run, key)) : key);
    }

    private static int Number(Rendering run, string digits)
        => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw run.Error("Too many decimal digits in format string");
}
