using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>Reads the regular expressions of <see cref="TextConstraint.Regex"/>.</summary>
/// <param name="pattern">The whole expression.</param>
internal sealed class RegexReader(string pattern)
{
    private const int DeepestGroup = 100;
    private const int MostRepeats = 10_000;

    private static readonly CodeRange[] Digits = [new('0', '9')];
    private static readonly CodeRange[] Words = [new('0', '9'), new('A', 'Z'), new('_', '_'), new('a', 'z')];
    private static readonly CodeRange[] Blanks = [new('\t', '\r'), new(' ', ' ')];
    private static readonly CodeRange[] LineFeed = [new('\n', '\n')];

    private readonly int[] _codes = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];
    private int _next, _depth;

    private bool AtEnd => _next == _codes.Length;

    /// <exception cref="ArgumentException">The expression is none; the message says where.</exception>
    /// <exception cref="NotSupportedException">It uses something else than the documented part; the message names it.</exception>
    public PatternNode Read()
    {
        if (IsNext('^'))
            _next++;
        PatternNode all = ReadChoice();
        return AtEnd ? all : throw Wrong("')' closes no group");
    }

    private bool IsNext(int code) => !AtEnd && _codes[_next] == code;

    private PatternNode ReadChoice()
    {
        List<PatternNode> options = [ReadSequence()];
        while (IsNext('|'))
        {
            _next++;
            options.Add(ReadSequence());
        }
        return options.Count == 1 ? options[0] : new ChoiceNode(options);
    }

    private SequenceNode ReadSequence()
    {
        List<PatternNode> parts = [];
        while (!AtEnd && _codes[_next] is not ('|' or ')'))
        {
            if (_codes[_next] == '$' && _next == _codes.Length - 1)
                _next++;
            else
                parts.Add(ReadRepeated());
        }
        return new SequenceNode(parts);
    }

    private PatternNode ReadRepeated()
    {
        PatternNode part = ReadAtom();
        if (!AtEnd && _codes[_next] is '*' or '+' or '?' or '{')
        {
            (int min, int? max) = ReadCount();
            if (IsNext('?') || IsNext('+'))
                throw Refused($"a lazy or possessive repetition ({(char)_codes[_next - 1]}{(char)_codes[_next]})");
            part = new RepeatNode(part, min, max);
        }
        return part;
    }

    private (int Min, int? Max) ReadCount()
    {
        switch (_codes[_next++])
        {
            case '*': return (0, null);
            case '+': return (1, null);
            case '?': return (0, 1);
        }
        int start = _next - 1;
        int? min = ReadNumber(), max = min;
        if (IsNext(','))
        {
            _next++;
            max = ReadNumber();
        }
        if (min is null || !IsNext('}'))
        {
            _next = start;
            throw Wrong("'{' begins no repetition such as {2}, {2,} or {2,5}; for the character write \\{");
        }
        _next++;
        if (max < min)
            throw Wrong($"the repetition {{{min},{max}}} has its larger number first");
        return (min.Value, max);
    }

    private int? ReadNumber()
    {
        int start = _next;
        while (!AtEnd && _codes[_next] is >= '0' and <= '9')
            _next++;
        if (start == _next)
            return null;
        string digits = string.Concat(_codes[start.._next].Select(code => (char)code));
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= MostRepeats
            ? number : throw Wrong($"the repetition {digits} is more than {MostRepeats}");
    }

    private PatternNode ReadAtom()
    {
        int code = _codes[_next];
        switch (code)
        {
            case '(': return ReadGroup();
            case '[': return ReadClass();
            case '\\': return new CharactersNode(ReadEscape());
            case '*' or '+' or '?' or '{': throw Wrong($"there is nothing before '{(char)code}' that it could repeat");
            case '^' or '$': throw Refused($"an anchor ({(char)code}) within the text; the whole text matches anyway");
        }
        _next++;
        return new CharactersNode(code == '.' ? CodeRange.Complement(LineFeed) : [new CodeRange(code, code)]);
    }

    private PatternNode ReadGroup()
    {
        _next++;
        if (++_depth > DeepestGroup)
            throw Wrong($"groups stand in one another more than {DeepestGroup} deep");
        if (IsNext('?'))
        {
            if (_next + 1 == _codes.Length || _codes[_next + 1] != ':')
                throw Refused($"a group of the kind (?{(_next + 1 < _codes.Length ? char.ConvertFromUtf32(_codes[_next + 1]) : "")}...)");
            _next += 2;
        }
        PatternNode inner = ReadChoice();
        if (!IsNext(')'))
            throw Wrong("a group is not closed");
        _next++;
        _depth--;
        return inner;
    }

    private CharactersNode ReadClass()
    {
        int start = _next++;
        bool isComplement = IsNext('^');
        if (isComplement)
            _next++;
        List<CodeRange> ranges = [];
        while (!IsNext(']'))
        {
            if (AtEnd)
                throw Wrong("a class of characters is not closed");
            if (ranges.Count > 0 && IsNext('-') && _next + 1 < _codes.Length && _codes[_next + 1] == '[')
                throw Refused("the subtraction of classes (-[...])");
            IReadOnlyList<CodeRange> item = ReadMember();
            if (IsNext('-') && _next + 1 < _codes.Length && _codes[_next + 1] != ']')
                item = [ReadRange(item)];
            ranges.AddRange(item);
        }
        _next++;
        IReadOnlyList<CodeRange> members = isComplement ? CodeRange.Complement(ranges) : CodeRange.Union(ranges);
        if (members.Count == 0)
        {
            _next = start;
            throw Wrong("a class of characters has none; for ']' in a class write \\]");
        }
        return new CharactersNode(members);
    }

    private IReadOnlyList<CodeRange> ReadMember() => IsNext('\\') ? ReadEscape() : [new CodeRange(_codes[_next], _codes[_next++])];

    private CodeRange ReadRange(IReadOnlyList<CodeRange> first)
    {
        _next++;
        if (IsNext('['))
            throw Refused("the subtraction of classes (-[...])");
        IReadOnlyList<CodeRange> last = ReadMember();
        if (first is not [{ } low] || last is not [{ } high] || low.Low != low.High || high.Low != high.High)
            throw Wrong("a range of characters has a class for a bound");
        return low.Low <= high.Low ? new CodeRange(low.Low, high.Low)
            : throw Wrong($"the range {char.ConvertFromUtf32(low.Low)}-{char.ConvertFromUtf32(high.Low)} has its larger bound first");
    }

    private IReadOnlyList<CodeRange> ReadEscape()
    {
        _next++;
        if (AtEnd)
            throw Wrong("the text ends with a backslash");
        int code = _codes[_next++];
        return code switch
        {
            'd' => Digits,
            'w' => Words,
            's' => Blanks,
            'D' => CodeRange.Complement(Digits),
            'W' => CodeRange.Complement(Words),
            'S' => CodeRange.Complement(Blanks),
            'n' => LineFeed,
            'r' => [new('\r', '\r')],
            't' => [new('\t', '\t')],
            'f' => [new('\f', '\f')],
            'v' => [new('\v', '\v')],
            'x' => ReadCode(2),
            'u' => ReadCode(4),
            _ when Rune.IsLetterOrDigit(new Rune(code)) => throw Refused($"the escape \\{new Rune(code)}"),
            _ => [new(code, code)],
        };
    }

    private CodeRange[] ReadCode(int digits)
    {
        int end = Math.Min(_next + digits, _codes.Length);
        string text = string.Concat(_codes[_next..end].Select(char.ConvertFromUtf32));
        if (text.Length != digits || !text.All(char.IsAsciiHexDigit))
            throw Wrong($"\\{(char)_codes[_next - 1]} must be followed by {digits} hexadecimal digits");
        int code = int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if (!Rune.IsValid(code))
            throw Wrong($"\\u{text} is half of a surrogate pair; write the character itself");
        _next = end;
        return [new(code, code)];
    }

    private ArgumentException Wrong(string what) =>
        new($"The regular expression '{pattern}' is none: {what} (at character {_next}).");

    private NotSupportedException Refused(string what) => new(
        $"The regular expression '{pattern}' uses {what} at character {_next}, which is not supported. Supported are characters, ., "
        + "[classes], \\d \\w \\s and their opposites, groups, |, *, +, ?, {m}, {m,} and {m,n}.");
}
