namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// Cuts a template into text and tags as Jinja does with trim_blocks (the newline behind a block is dropped) and lstrip_blocks (so is white
/// space before a block that begins its line). What stands inside a tag is cut by <see cref="JinjaTagLexer"/>.
/// </summary>
internal sealed class JinjaLexer
{
    private readonly TemplateSource _source;
    private readonly string _text;
    private readonly List<JinjaToken> _tokens = [];
    private int _at;

    private JinjaLexer(TemplateSource source)
    {
        _source = source;
        _text = source.Text;
    }

    /// <summary>The tokens, the last one of the kind End.</summary>
    /// <exception cref="InvalidDataException">A tag or string has no end, or a character fits nowhere.</exception>
    public static IReadOnlyList<JinjaToken> Read(TemplateSource source)
    {
        var lexer = new JinjaLexer(source);
        while (lexer._at < lexer._text.Length)
            lexer.ReadPiece();
        lexer._tokens.Add(new JinjaToken(JinjaTokenKind.End, "", lexer._text.Length));
        return lexer._tokens;
    }

    private void ReadPiece()
    {
        int start = _at, open = FindOpening(start);
        if (open < 0)
        {
            AddData(start, _text.Length);
            _at = _text.Length;
            return;
        }
        char kind = _text[open + 1];
        AddStripped(start, open, SignAt(open + 2), isBlock: kind != '{');
        _at = open + (SignAt(open + 2) == '\0' ? 2 : 3);
        if (kind == '#')
            SkipComment(open);
        else if (kind == '%' && SkipRawBegin())
            ReadRaw(open);
        else
            ReadTag(open, isBlock: kind == '%');
    }

    private int FindOpening(int from)
    {
        for (int i = _text.IndexOf('{', from); i >= 0 && i + 1 < _text.Length; i = _text.IndexOf('{', i + 1))
            if (_text[i + 1] is '{' or '%' or '#')
                return i;
        return -1;
    }

    private char SignAt(int offset) => offset < _text.Length && _text[offset] is '-' or '+' ? _text[offset] : '\0';

    private void AddData(int start, int end)
    {
        if (end > start)
            _tokens.Add(new JinjaToken(JinjaTokenKind.Data, _text[start..end], start));
    }

    // text before a tag: what the tag's sign, or lstrip_blocks, takes away from its end
    private void AddStripped(int start, int end, char sign, bool isBlock)
    {
        if (sign == '-')
        {
            while (end > start && PythonSpace.Is(_text[end - 1]))
                end--;
        }
        else if (sign != '+' && isBlock)
        {
            int line = end;
            while (line > start && _text[line - 1] != '\n' && PythonSpace.Is(_text[line - 1]))
                line--;
            if (line == 0 || _text[line - 1] == '\n')
                end = line;
        }
        AddData(start, end);
    }

    private void SkipComment(int open)
    {
        int close = _text.IndexOf("#}", _at, StringComparison.Ordinal);
        if (close < 0)
            throw _source.Damaged(open, "this comment has no end; expected '#}'");
        bool isStripping = close > _at && _text[close - 1] == '-';
        _at = close + 2;
        SkipAfterBlock(isStripping);
    }

    private void SkipAfterBlock(bool isStripping)
    {
        if (isStripping)
            SkipSpace();
        else if (_at < _text.Length && _text[_at] == '\n')
            _at++;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && PythonSpace.Is(_text[_at]))
            _at++;
    }

    // "{% raw %}" up to its end; stays where it is when the tag is another one
    private bool SkipRawBegin()
    {
        int start = _at;
        SkipSpace();
        if (string.CompareOrdinal(_text, _at, "raw", 0, 3) == 0)
        {
            _at += 3;
            SkipSpace();
            bool isStripping = SignAt(_at) == '-';
            int end = isStripping ? _at + 1 : _at;
            if (string.CompareOrdinal(_text, end, "%}", 0, 2) == 0)
            {
                _at = end + 2;
                if (isStripping)
                    SkipSpace();
                return true;
            }
        }
        _at = start;
        return false;
    }

    private void ReadRaw(int open)
    {
        int start = _at;
        for (int tag = _text.IndexOf("{%", start, StringComparison.Ordinal); tag >= 0;
            tag = _text.IndexOf("{%", tag + 1, StringComparison.Ordinal))
        {
            char sign = SignAt(tag + 2);
            _at = tag + (sign == '\0' ? 2 : 3);
            SkipSpace();
            if (string.CompareOrdinal(_text, _at, "endraw", 0, 6) != 0)
                continue;
            _at += 6;
            SkipSpace();
            char endSign = SignAt(_at);
            int end = endSign == '\0' ? _at : _at + 1;
            if (string.CompareOrdinal(_text, end, "%}", 0, 2) != 0)
                continue;
            AddStripped(start, tag, sign, isBlock: true);
            _at = end + 2;
            if (endSign != '+')
                SkipAfterBlock(endSign == '-');
            return;
        }
        throw _source.Damaged(open, "this raw block has no end; expected '{% endraw %}'");
    }

    private void ReadTag(int open, bool isBlock)
    {
        _tokens.Add(new JinjaToken(isBlock ? JinjaTokenKind.BlockBegin : JinjaTokenKind.VariableBegin, "", open));
        var tag = new JinjaTagLexer(_source, _tokens, _at, isBlock ? "%}" : "}}");
        char sign = tag.Read();
        _at = tag.Position;
        if (isBlock && sign != '+')
            SkipAfterBlock(sign == '-');
        else if (sign == '-')
            SkipSpace();
    }
}
