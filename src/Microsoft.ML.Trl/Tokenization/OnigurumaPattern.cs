using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Writes a pattern of tokenizer.json (Oniguruma, Ruby syntax) as a .NET pattern: nested classes, possessive quantifiers, Ruby's
/// "word" and "hexadecimal" classes, Unicode case folding of s. Matching is on one UTF-16 unit per character (<see cref="BmpText"/>).
/// </summary>
internal sealed class OnigurumaPattern
{
    private const string Word = @"\p{L}\p{M}\p{Nd}\p{Pc}";

    /// <summary>Longest time for a single match: patterns of other people may try more ways than a lifetime has room for.</summary>
    public static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(10);

    private readonly string _source;
    private readonly StringBuilder _target = new();
    private readonly Stack<(int Start, bool IgnoresCase)> _groups = new();
    private int _at;
    private int _atom; // where the last atom begins in the target
    private bool _ignoresCase;

    private OnigurumaPattern(string source) => _source = source;

    /// <exception cref="NotSupportedException">The pattern uses something that has no counterpart here.</exception>
    public static Regex ToRegex(string source)
    {
        string translated = new OnigurumaPattern(source).Translate();
        try
        {
            return new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Multiline | RegexOptions.Compiled, MatchLimit);
        }
        catch (ArgumentException e)
        {
            throw new NotSupportedException(
                $"The pattern \"{source}\" of tokenizer.json cannot be written as a .NET pattern: {e.Message}", e);
        }
    }

    /// <summary>Adds all matches, empty ones too.</summary>
    /// <exception cref="InvalidDataException">One takes too long.</exception>
    public static void Find(Regex pattern, ReadOnlySpan<char> text, List<(int Start, int End)> found)
    {
        try
        {
            foreach (ValueMatch match in pattern.EnumerateMatches(text))
                found.Add((match.Index, match.Index + match.Length));
        }
        catch (RegexMatchTimeoutException cause)
        {
            throw new InvalidDataException(
                FormattableString.Invariant($"The pattern \"{pattern}\" of tokenizer.json needs more than ")
                + FormattableString.Invariant($"{cause.MatchTimeout.TotalSeconds} seconds for a single match: it ")
                + "repeats what is repeated already. Correct the tokenizer.",
                cause);
        }
    }

    private string Translate()
    {
        if (_source.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
            throw Unsupported("characters outside of the basic plane");
        while (_at < _source.Length)
            Element();
        return _target.ToString();
    }

    private void Element()
    {
        char c = _source[_at];
        switch (c)
        {
            case '(':
                Open();
                break;
            case ')':
                _at++;
                _target.Append(c);
                if (_groups.TryPop(out (int Start, bool IgnoresCase) group))
                    (_atom, _ignoresCase) = group;
                break;
            case '[':
                _atom = _target.Length;
                _target.Append(Class());
                break;
            case '\\':
                _atom = _target.Length;
                _target.Append(Escape(inClass: false));
                break;
            case '?' or '*' or '+':
                Quantifier(1);
                break;
            case '{' when BraceLength() is int length and > 0:
                Quantifier(length);
                break;
            default:
                _atom = _target.Length;
                _target.Append(_ignoresCase && c is 's' or 'S' ? "[sS\u017F]" : c.ToString()); // .NET does not fold the long s
                _at++;
                break;
        }
    }

    // of {2}, {2,} or {2,3}; 0 when the brace is a literal
    private int BraceLength()
    {
        int length = 1;
        while (_at + length < _source.Length && (char.IsAsciiDigit(_source[_at + length]) || _source[_at + length] == ','))
            length++;
        return length > 1 && _at + length < _source.Length && _source[_at + length] == '}' ? length + 1 : 0;
    }

    private void Open()
    {
        _groups.Push((_target.Length, _ignoresCase));
        int start = _at++;
        if (_at < _source.Length && _source[_at] == '?')
        {
            int colon = _source.IndexOfAny([':', ')', '=', '!', '>'], _at);
            ReadOnlySpan<char> flags = _source.AsSpan(_at + 1, Math.Max(0, colon - _at - 1));
            bool isFlags = colon > 0 && _source[colon] is ':' or ')' && flags.IndexOfAnyExcept("imx-") < 0;
            if (isFlags && flags.IndexOfAny('m', 'x') >= 0)
                throw Unsupported($"the option group (?{flags})");
            if (isFlags && flags.Contains('i'))
                _ignoresCase = !flags.Contains('-');
            _at = colon + 1;
            if (isFlags && _source[colon] == ')') // (?i) holds for the rest of the group around it
                _groups.Pop();
        }
        _target.Append(_source, start, _at - start);
    }

    private void Quantifier(int length)
    {
        string quantifier = _source.Substring(_at, length).Replace("{,", "{0,", StringComparison.Ordinal);
        _at += length;
        char next = _at < _source.Length ? _source[_at] : '\0';
        if (next == '+')
        {
            _at++;
            _target.Insert(_atom, length == 1 ? "(?>" : "(?:").Append(quantifier);
            _target.Append(length == 1 ? ")" : ")+"); // after braces it repeats again
            return;
        }
        _target.Append(quantifier);
        if (next == '?')
            _target.Append(Literal("?"));
    }

    private string Class()
    {
        var content = new StringBuilder("[");
        _at++;
        if (_at < _source.Length && _source[_at] == '^')
        {
            _at++;
            content.Append('^');
        }
        for (bool first = true; ; first = false)
        {
            if (_at >= _source.Length)
                throw Unsupported("a class without end");
            char c = _source[_at];
            if (c == ']' && !first)
            {
                _at++;
                return content.Append(']').ToString();
            }
            if (c == '&' && _at + 1 < _source.Length && _source[_at + 1] == '&')
                throw Unsupported("the intersection of classes");
            content.Append(c switch
            {
                '[' => Nested(),
                '\\' => Escape(inClass: true),
                ']' => Literal(@"\]"),
                _ => Literal(c.ToString()),
            });
        }
    }

    // A class in a class is a union; only positive ones can be merged into the outer one.
    private string Nested()
    {
        if (_at + 1 < _source.Length && _source[_at + 1] is '^' or ':')
            throw Unsupported("a negated or named class within a class");
        return Class()[1..^1];
    }

    private string Literal(string text)
    {
        _at++;
        return text;
    }

    private string Escape(bool inClass)
    {
        if (_at + 1 >= _source.Length)
            throw Unsupported("a backslash at the end");
        char c = _source[_at + 1];
        if (c is 'p' or 'P' && _at + 2 < _source.Length && _source[_at + 2] == '{')
            return Property(negated: c == 'P');
        if (c == 'x' && _at + 2 < _source.Length && _source[_at + 2] == '{')
        {
            int close = _source.IndexOf('}', _at);
            ReadOnlySpan<char> digits = _source.AsSpan(_at + 3, Math.Max(0, close - _at - 3));
            if (!ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
                throw Unsupported(@"\x{...} beyond FFFF");
            _at = close + 1;
            return $@"\u{code:X4}";
        }
        _at += 2;
        return c switch
        {
            'w' => inClass ? Word : $"[{Word}]",
            'W' when !inClass => $"[^{Word}]",
            'h' => inClass ? "0-9A-Fa-f" : "[0-9A-Fa-f]",
            'H' or 'W' or 'R' or 'X' or 'K' or 'g' or 'k' => throw Unsupported($@"\{c}"),
            _ => $@"\{c}",
        };
    }

    private string Property(bool negated)
    {
        int close = _source.IndexOf('}', _at);
        if (close < 0)
            throw Unsupported("a property without end");
        string name = _source[(_at + 3)..close];
        _at = close + 1;
        if (name.StartsWith('^'))
            (name, negated) = (name[1..], !negated);
        string category = name switch
        {
            "Letter" or "Mark" or "Number" or "Punctuation" or "Symbol" => name[..1],
            "Separator" => "Z",
            "Other" => "C",
            _ => name,
        };
        if (category.Length > 2)
            throw Unsupported($@"the property \p{{{name}}}");
        return $@"\{(negated ? 'P' : 'p')}{{{category}}}";
    }

    private NotSupportedException Unsupported(string what)
        => new($"The pattern \"{_source}\" of tokenizer.json uses {what}, which is not supported. Supported are general categories, "
            + "classes and their unions, groups, look-around and quantifiers.");
}
