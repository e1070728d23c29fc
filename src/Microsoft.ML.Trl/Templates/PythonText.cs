using System.Globalization;
using System.Numerics;
using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Values as texts: Python's str and repr.</summary>
internal static class PythonText
{
    /// <summary>The characters of a text value; null for any other.</summary>
    public static string? AsText(object value) => value as string ?? (value as MarkupValue)?.Text;

    /// <summary>str(value), as <c>{{ value }}</c> prints it.</summary>
    public static string Of(Rendering run, object value)
    {
        if (AsText(value) is { } text)
            return text;
        if (value is UndefinedValue)
            return "";
        var buffer = new TextBuffer(run);
        Write(run, value, buffer);
        return buffer.ToString();
    }

    /// <summary>repr(value), as it is printed inside of lists.</summary>
    public static string Quoted(Rendering run, object value)
    {
        var buffer = new TextBuffer(run);
        Write(run, value, buffer);
        return buffer.ToString();
    }

    /// <summary>A whole number's digits.</summary>
    public static string Digits(BigInteger number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Write(Rendering run, object value, TextBuffer buffer)
    {
        run.Enter();
        switch (value)
        {
            case ListValue list:
                WriteItems(run, "[", list, "]", buffer);
                break;
            case TupleValue tuple:
                WriteItems(run, "(", tuple, tuple.Count == 1 ? ",)" : ")", buffer);
                break;
            case GroupValue group:
                Write(run, group.Tuple, buffer);
                break;
            case DictView view:
                WriteItems(run, $"dict_{view.Kind}([", view, "])", buffer);
                break;
            case DictValue dict:
                WriteDict(run, dict, buffer);
                break;
            case NamespaceValue space:
                buffer.Append("<Namespace ");
                WriteDict(run, space.Attributes, buffer);
                buffer.Append(">");
                break;
            default:
                run.Step(value is BigInteger number ? number.GetBitLength() / 16 : 0);
                buffer.Append(Simple(value));
                break;
        }
        run.Leave();
    }

    private static string Simple(object value) => value switch
    {
        NoneValue => "None",
        bool flag => flag ? "True" : "False",
        BigInteger number => Digits(number),
        double number => PythonNumbers.Text(number),
        string text => Quote(text),
        MarkupValue markup => $"Markup({Quote(markup.Text)})",
        UndefinedValue => "Undefined",
        RangeValue range => Range(range),
        GeneratorValue generator => $"<generator object {generator.Name}>",
        MacroValue macro => $"<Macro {Quote(macro.Name)}>",
        LoopValue loop => $"<LoopContext {loop.Index}/{loop.Length}>",
        FunctionValue function => $"<function {function.Name}>",
        _ => $"<{ValueTypes.NameOf(value)}>",
    };

    private static string Range(RangeValue range)
    {
        string step = range.Step.IsOne ? "" : $", {Digits(range.Step)}";
        return $"range({Digits(range.Start)}, {Digits(range.Start + (range.Step * range.Count))}{step})";
    }

    private static void WriteItems(Rendering run, string open, IEnumerable<object> items, string close, TextBuffer buffer)
    {
        buffer.Append(open);
        bool isFirst = true;
        foreach (object item in items)
        {
            if (!isFirst)
                buffer.Append(", ");
            Write(run, item, buffer);
            isFirst = false;
        }
        buffer.Append(close);
    }

    private static void WriteDict(Rendering run, DictValue dict, TextBuffer buffer)
    {
        buffer.Append("{");
        bool isFirst = true;
        foreach ((object key, object value) in dict.Pairs)
        {
            if (!isFirst)
                buffer.Append(", ");
            Write(run, key, buffer);
            buffer.Append(": ");
            Write(run, value, buffer);
            isFirst = false;
        }
        buffer.Append("}");
    }

    /// <summary>repr of a text: in single quotes, unless only those occur in it.</summary>
    public static string Quote(string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var quoted = new StringBuilder(text.Length + 2).Append(quote);
        for (int i = 0; i < text.Length; i++)
        {
            char character = text[i];
            bool isPair = char.IsSurrogatePair(text, i) && i + 1 < text.Length;
            if (character == quote || character == '\\')
                quoted.Append('\\').Append(character);
            else if (character is '\n' or '\r' or '\t')
                quoted.Append(character switch { '\n' => "\\n", '\r' => "\\r", _ => "\\t" });
            else if (!IsPrintable(text, i))
                quoted.Append(Escaped(isPair ? char.ConvertToUtf32(text, i) : character));
            else
                quoted.Append(text, i, isPair ? 2 : 1);
            i += isPair ? 1 : 0;
        }
        return quoted.Append(quote).ToString();
    }

    private static string Escaped(int code) => code switch
    {
        < 0x100 => $"\\x{code:x2}",
        < 0x10000 => $"\\u{code:x4}",
        _ => $"\\U{code:x8}",
    };

    private static bool IsPrintable(string text, int index) => text[index] == ' '
        || CharUnicodeInfo.GetUnicodeCategory(text, index) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
