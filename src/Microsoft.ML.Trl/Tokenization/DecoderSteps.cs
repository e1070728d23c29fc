using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>One decoder of tokenizer.json at work on one text, token by token.</summary>
internal interface IDecoderStep
{
    /// <summary>Takes a token and hands on what can be said already.</summary>
    void Append(string token, Action<string> next);

    /// <summary>Hands on what was held back.</summary>
    /// <param name="dropsPartial">Leave out the bytes of a character that the end of the text cut.</param>
    /// <param name="next">The step behind.</param>
    void End(bool dropsPartial, Action<string> next);
}

/// <summary>No decoder: a blank between tokens.</summary>
internal sealed class JoinStep : IDecoderStep
{
    private bool _isFirst = true;

    public void Append(string token, Action<string> next)
    {
        next(_isFirst ? token : " " + token);
        _isFirst = false;
    }

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}

/// <summary>Tokens of the byte alphabet to text; a token outside of it stands for itself.</summary>
internal sealed class ByteLevelStep : IDecoderStep
{
    private readonly List<byte> _held = [];

    public void Append(string token, Action<string> next)
    {
        _held.AddRange(ByteAlphabet.Read(token));
        next(Complete(_held, isEnd: false));
    }

    public void End(bool dropsPartial, Action<string> next) => next(dropsPartial ? "" : Complete(_held, isEnd: true));

    /// <summary>Takes from the bytes those of complete characters.</summary>
    public static string Complete(List<byte> bytes, bool isEnd)
    {
        char[] characters = new char[bytes.Count]; // no byte gives more than one
        Utf8.ToUtf16(CollectionsMarshal.AsSpan(bytes), characters, out int read, out int written, replaceInvalidSequences: true, isEnd);
        bytes.RemoveRange(0, read);
        return new string(characters, 0, written);
    }
}

/// <summary>
/// Runs of byte tokens ("&lt;0x0A&gt;") to text. A run that is not UTF-8 as a whole becomes one U+FFFD per byte, so a run is held back
/// until it ends.
/// </summary>
internal sealed class ByteFallbackStep : IDecoderStep
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly List<byte> _run = [];

    public void Append(string token, Action<string> next)
    {
        if (ByteTokens.TryRead(token, out byte value))
        {
            _run.Add(value);
            return;
        }
        Flush(next);
        next(token);
    }

    public void End(bool dropsPartial, Action<string> next)
    {
        if (dropsPartial)
        {
            List<byte> rest = [.. _run];
            ByteLevelStep.Complete(rest, isEnd: false);
            _run.RemoveRange(_run.Count - rest.Count, rest.Count);
        }
        Flush(next);
    }

    private void Flush(Action<string> next)
    {
        if (_run.Count == 0)
            return;
        Span<byte> run = CollectionsMarshal.AsSpan(_run);
        if (Utf8.IsValid(run))
            next(Strict.GetString(run));
        else
            for (int i = 0; i < run.Length; i++)
                next("\uFFFD");
        _run.Clear();
    }
}

/// <summary>Blanks for the letter that stands for them; none at the beginning, where one was put in front.</summary>
internal sealed class MetaspaceStep(Metaspace metaspace) : IDecoderStep
{
    private bool _isFirst = true;

    public void Append(string token, Action<string> next)
    {
        next(_isFirst && metaspace.Prepends
            ? token.Replace(metaspace.Replacement.ToString(), "", StringComparison.Ordinal)
            : token.Replace(metaspace.Replacement, ' '));
        _isFirst = false;
    }

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}

/// <summary>A blank before every token but the first and those that continue a word.</summary>
internal sealed class WordPieceStep(string prefix, bool cleans) : IDecoderStep
{
    private static readonly (string Written, string Meant)[] Cleaned =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    private bool _isFirst = true;

    public void Append(string token, Action<string> next)
    {
        if (!_isFirst)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        _isFirst = false;
        next(cleans ? Cleaned.Aggregate(token, (text, one) => text.Replace(one.Written, one.Meant, StringComparison.Ordinal)) : token);
    }

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}

/// <summary>Replaces within each token.</summary>
internal sealed class ReplaceStep(Func<string, string> replace) : IDecoderStep
{
    public void Append(string token, Action<string> next) => next(replace(token));

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}

/// <summary>Holds everything back and hands it on as one token.</summary>
internal sealed class FuseStep : IDecoderStep
{
    private readonly StringBuilder _text = new();

    public void Append(string token, Action<string> next) => _text.Append(token);

    public void End(bool dropsPartial, Action<string> next) => next(_text.ToString());
}

/// <summary>Takes a letter off both ends of each token, so many times at most.</summary>
internal sealed class StripStep(char content, int start, int stop) : IDecoderStep
{
    public void Append(string token, Action<string> next)
    {
        (int from, int to) = (0, token.Length);
        while (from < to && from < start && token[from] == content)
            from++;
        while (to > from && token.Length - to < stop && token[to - 1] == content)
            to--;
        next(token[from..to]);
    }

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}

/// <summary>Takes a letter off both ends of the whole text, so many times at most.</summary>
internal sealed class FusedStripStep(char content, int start, int stop) : IDecoderStep
{
    private int _left = start; // letters that may still be taken off at the beginning
    private int _held; // such letters at the end so far, at most stop

    public void Append(string token, Action<string> next)
    {
        int from = 0;
        while (from < token.Length && _left > 0 && token[from] == content)
            (from, _left) = (from + 1, _left - 1);
        if (from == token.Length)
            return;
        _left = 0;
        int to = token.Length;
        while (to > from && token.Length - to < stop && token[to - 1] == content)
            to--;
        if (to > from)
        {
            next(new string(content, _held) + token[from..to]);
            _held = token.Length - to;
            return;
        }
        int letters = _held + token.Length - from;
        _held = Math.Min(stop, letters);
        next(new string(content, letters - _held));
    }

    public void End(bool dropsPartial, Action<string> next)
    {
    }
}
