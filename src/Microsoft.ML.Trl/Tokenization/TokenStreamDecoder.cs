using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Trl;

/// <summary>
/// Decodes a stream of ids: holds back what the next ones may still change, such as the bytes of a character until all of them are there.
/// What it gave, and <see cref="Flush"/> at the end, make the text that <see cref="TextTokenizer.Decode"/> gives for all ids at once. For
/// one stream, and one thread at a time.
/// </summary>
public sealed class TokenStreamDecoder
{
    private readonly TokenTable _tokens;
    private readonly bool _skipSpecialTokens;
    private readonly List<byte> _held = [];
    private DecoderChain? _chain;

    internal TokenStreamDecoder(TokenTable tokens, bool skipSpecialTokens) => (_tokens, _skipSpecialTokens) = (tokens, skipSpecialTokens);

    /// <summary>Takes the next id.</summary>
    /// <param name="id">At least 0.</param>
    /// <returns>The characters that are complete now; often one token's text, sometimes nothing.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public string Append(int id)
    {
        if (_tokens.Text(id, _skipSpecialTokens) is not { } token)
            return "";
        if (_tokens.Steps is { } steps)
            return (_chain ??= new DecoderChain(steps())).Append(token);
        _held.AddRange(_tokens.Bytes(id));
        return ByteLevelStep.Complete(_held, isEnd: false);
    }

    /// <summary>Ends the stream: an unfinished character becomes U+FFFD. The decoder can then be used again.</summary>
    /// <returns>What was held back, often nothing.</returns>
    public string Flush() => End(dropsPartial: false);

    /// <summary>Ends the stream; an unfinished character is left out.</summary>
    internal string End(bool dropsPartial)
    {
        string rest = _chain?.End(dropsPartial) ?? (dropsPartial ? "" : ByteLevelStep.Complete(_held, isEnd: true));
        _chain = null;
        _held.Clear();
        return rest;
    }
}

/// <summary>Decoder steps, each feeding the one behind it.</summary>
internal sealed class DecoderChain
{
    private readonly IDecoderStep[] _steps;
    private readonly Action<string>[] _inputs; // of each step, and of the text at the end
    private readonly StringBuilder _text = new();

    public DecoderChain(IDecoderStep[] steps)
    {
        _steps = steps;
        _inputs = new Action<string>[steps.Length + 1];
        _inputs[^1] = text => _text.Append(text);
        for (int i = steps.Length - 1; i >= 0; i--)
        {
            int at = i;
            _inputs[i] = token => _steps[at].Append(token, _inputs[at + 1]);
        }
    }

    public string Append(string token)
    {
        _inputs[0](token);
        return Take();
    }

    public string End(bool dropsPartial)
    {
        for (int i = 0; i < _steps.Length; i++)
            _steps[i].End(dropsPartial, _inputs[i + 1]);
        return Take();
    }

    private string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}

/// <summary>The token of every id, and how tokens become text.</summary>
internal sealed class TokenTable
{
    private readonly string?[] _texts;
    private readonly byte[]?[] _bytes = []; // byte-level tokenizers only
    private readonly HashSet<int> _special;

    public TokenTable(TokenizerDefinition definition)
    {
        int highest = definition.Vocab.Values.Concat(definition.AddedTokens.Select(token => token.Id)).Max();
        _texts = new string?[highest + 1];
        foreach ((string token, int id) in definition.Vocab)
            _texts[id] = token;
        foreach (AddedToken token in definition.AddedTokens)
            _texts[token.Id] = token.Content;
        _special = [.. definition.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        Steps = definition.Decoders;
        if (Steps is null)
            _bytes = Array.ConvertAll(_texts, token => token is null ? null : ByteAlphabet.Read(token));
    }

    public int Count => _texts.Length;

    /// <summary>The decoders for a new text; null where it is made of the tokens' bytes.</summary>
    public Func<IDecoderStep[]>? Steps { get; }

    /// <summary>Whether another table has the same token, written the same way, for every id that this one has.</summary>
    public bool IsPartOf(TokenTable other) => Count <= other.Count && Steps is null == other.Steps is null
        && Enumerable.Range(0, Count).All(id => _texts[id] is not { } token || token == other._texts[id]);

    /// <summary>Null for ids without a token, and for special ones when they are to be skipped.</summary>
    public string? Text(int id, bool skipSpecialTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return id >= _texts.Length || (skipSpecialTokens && _special.Contains(id)) ? null : _texts[id];
    }

    public ReadOnlySpan<byte> Bytes(int id) => _bytes[id];

    /// <summary>The bytes that a token stands for in the text, SentencePiece's blanks as blanks; none for ids without a token.</summary>
    public ReadOnlySpan<byte> Spelled(int id)
    {
        if (Steps is null)
            return _bytes[id];
        string token = _texts[id] ?? "";
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte value)
                ? new[] { value }
                : Encoding.UTF8.GetBytes(token.Replace('▁', ' '));
    }

    /// <summary>What all tokens but special ones say, at the beginning of a text and behind other tokens.</summary>
    public TokenTrie Trie()
    {
        if (Steps is null)
            return new TokenTrie([.. Enumerable.Range(0, Count).Select(id => Text(id, true) is null ? [] : _bytes[id]!)]);
        int before = Array.FindIndex(_texts, token => token is not null && token.All(char.IsAsciiLetter));
        return new TokenTrie(SaidBehind(before < 0 ? null : before), new TokenTrie(SaidBehind(null)));
    }

    private byte[][] SaidBehind(int? before)
    {
        int[] start = before is { } one ? [one] : [];
        string said = Decode(start, skipSpecialTokens: true);
        return [.. Enumerable.Range(0, Count).Select(id =>
        {
            if (Text(id, true) is not { } token || Decode([.. start, id], true) is not { } text
                || !text.StartsWith(said, StringComparison.Ordinal))
                return [];
            text = text[said.Length..];
            return ByteTokens.TryRead(token, out byte value) && value > sbyte.MaxValue && text != token // part of a character
                ? [value] : Encoding.UTF8.GetBytes(text);
        })];
    }

    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens)
    {
        if (Steps is not null)
        {
            var chain = new DecoderChain(Steps());
            var text = new StringBuilder();
            foreach (int id in ids)
                if (Text(id, skipSpecialTokens) is { } token)
                    text.Append(chain.Append(token));
            return text.Append(chain.End(dropsPartial: false)).ToString();
        }
        var bytes = new List<byte>(ids.Count * 4);
        foreach (int id in ids)
            if (Text(id, skipSpecialTokens) is not null)
                bytes.AddRange(_bytes[id]!);
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }
}
