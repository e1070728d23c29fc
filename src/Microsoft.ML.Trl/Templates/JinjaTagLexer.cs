using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Cuts the inside of one tag into names, literals and operators.</summary>
/// <param name="source">The template.</param>
/// <param name="tokens">Where the tokens go.</param>
/// <param name="start">Offset of the first character behind the tag's beginning.</param>
/// <param name="end">"%}" or "}}".</param>
internal sealed class JinjaTagLexer(TemplateSource source, List<JinjaToken> tokens, int start, string end)
{
    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",",
    ];

    private readonly string _text = source.Text;
    private readonly int _start = start;
    private readonly Stack<char> _brackets = [];

    /// <summary>Behind the tag, after <see cref="Read"/>.</summary>
    public int Position { get; private set; } = start;

    /// <summary>Reads up to the tag's end.</summary>
    /// <returns>The sign before the end: '-', '+' or '\0'.</returns>
    public char Read()
    {
        while (true)
        {
            while (Position < _text.Length && PythonSpace.Is(_text[Position]))
                Position++;
            if (Position >= _text.Length)
                throw source.Damaged(_start, $"this tag has no end; expected '{end}'");
            if (_brackets.Count == 0 && EndSign() is { } sign)
            {
                Add(end == "%}" ? JinjaTokenKind.BlockEnd : JinjaTokenKind.VariableEnd, "", Position);
                Position += end.Length + (sign == '\0' ? 0 : 1);
                return sign;
            }
            ReadToken();
        }
    }

    private char? EndSign()
    {
        if (IsAt(end, Position))
            return '\0';
        char sign = _text[Position];
        return (sign == '-' || (sign == '+' && end == "%}")) && IsAt(end, Position + 1) ? sign : null;
    }

    private bool IsAt(string text, int offset) => string.CompareOrdinal(_text, offset, text, 0, text.Length) == 0;

    private void Add(JinjaTokenKind kind, string value, int offset) => tokens.Add(new JinjaToken(kind, value, offset));

    private void ReadToken()
    {
        char first = _text[Position];
        if (char.IsAsciiDigit(first))
            ReadNumber();
        else if (first == '_' || char.IsLetter(first))
            ReadName();
        else if (first is '\'' or '"')
            ReadText(first);
        else
            ReadOperator();
    }

    private void ReadName()
    {
        int from = Position;
        while (Position < _text.Length && IsNamePart(_text[Position]))
            Position++;
        Add(JinjaTokenKind.Name, _text[from..Position], from);
    }

    private static bool IsNamePart(char character) => character == '_' || char.IsLetterOrDigit(character)
        || char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private void ReadOperator()
    {
        string? found = Array.Find(Operators, candidate => IsAt(candidate, Position));
        if (found is null)
            throw source.Damaged(Position, $"'{_text[Position]}' has no meaning inside a tag; expected a name, a value or an operator");
        if (found is "(" or "[" or "{")
            _brackets.Push(found[0] == '(' ? ')' : (char)(found[0] + 2));
        else if (found is ")" or "]" or "}" && (!_brackets.TryPop(out char expected) || expected != found[0]))
            throw source.Damaged(Position, $"unexpected '{found}'; expected {(expected == '\0' ? $"'{end}'" : $"'{expected}'")}");
        Add(JinjaTokenKind.Operator, found, Position);
        Position += found.Length;
    }

    private void ReadNumber()
    {
        int from = Position;
        string digits = _text[Position] == '0' && Position + 1 < _text.Length
            ? char.ToLowerInvariant(_text[Position + 1]) switch { 'x' => "0123456789abcdef", 'o' => "01234567", 'b' => "01", _ => "" }
            : "";
        if (digits.Length > 0)
        {
            Position += 2;
            SkipDigits(digits + "_");
            Add(JinjaTokenKind.Integer, _text[from..Position].Replace("_", "", StringComparison.Ordinal), from);
            return;
        }
        SkipDigits("0123456789_");
        bool isSubscript = from > 0 && _text[from - 1] == '.'; // of "x.0.1" each number is one subscript
        bool isFloat = !isSubscript && SkipFraction() | SkipExponent();
        string number = _text[from..Position].Replace("_", "", StringComparison.Ordinal);
        Add(isFloat ? JinjaTokenKind.Float : JinjaTokenKind.Integer, number, from);
    }

    private bool SkipFraction()
    {
        if (Position + 1 >= _text.Length || _text[Position] != '.' || !char.IsAsciiDigit(_text[Position + 1]))
            return false;
        Position++;
        SkipDigits("0123456789_");
        return true;
    }

    private bool SkipExponent()
    {
        int digits = Position + 1;
        if (digits < _text.Length && _text[digits] is '+' or '-')
            digits++;
        if (digits >= _text.Length || _text[Position] is not ('e' or 'E') || !char.IsAsciiDigit(_text[digits]))
            return false;
        Position = digits;
        SkipDigits("0123456789_");
        return true;
    }

    private void SkipDigits(string allowed)
    {
        while (Position < _text.Length && allowed.Contains(char.ToLowerInvariant(_text[Position])))
            Position++;
    }

    private void ReadText(char quote)
    {
        int from = Position++;
        var value = new StringBuilder();
        while (Position < _text.Length && _text[Position] != quote)
            if (_text[Position] == '\\' && Position + 1 < _text.Length)
                ReadEscape(value);
            else
                value.Append(_text[Position++]);
        if (Position >= _text.Length)
            throw source.Damaged(from, $"this string has no end; expected {quote}");
        Position++;
        Add(JinjaTokenKind.Text, value.ToString(), from);
    }

    // the escapes of Python's string literals
    private void ReadEscape(StringBuilder value)
    {
        char kind = _text[Position + 1];
        int digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            ReadHexadecimal(value, digits);
            return;
        }
        if (kind is >= '0' and <= '7')
        {
            ReadOctal(value);
            return;
        }
        if (kind == 'N')
            throw source.Unsupported(Position, "a character by its name (\\N)");
        string known = kind switch
        {
            'n' => "\n", 't' => "\t", 'r' => "\r", 'b' => "\b", 'f' => "\f", 'v' => "\v", 'a' => "\a",
            '\\' => "\\", '\'' => "'", '"' => "\"", '\n' => "", _ => "\\" + kind,
        };
        value.Append(known);
        Position += 2;
    }

    private void ReadHexadecimal(StringBuilder value, int digits)
    {
        int from = Position + 2;
        if (from + digits > _text.Length
            || !int.TryParse(_text.AsSpan(from, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || code is < 0 or > 0x10ffff)
            throw source.Damaged(Position, $"this escape needs {digits} hexadecimal digits, at most 10ffff");
        if (code > 0xffff)
            value.Append(char.ConvertFromUtf32(code));
        else
            value.Append((char)code);
        Position = from + digits;
    }

    private void ReadOctal(StringBuilder value)
    {
        Position++;
        int code = 0;
        for (int digits = 0; digits < 3 && Position < _text.Length && _text[Position] is >= '0' and <= '7'; digits++)
            code = (code * 8) + _text[Position++] - '0';
        value.Append((char)code);
    }
}
