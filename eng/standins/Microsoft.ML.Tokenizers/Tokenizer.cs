using System.Buffers;

namespace Microsoft.ML.Tokenizers;

public abstract class Tokenizer
{
    protected Tokenizer()
    {
    }

    public virtual PreTokenizer PreTokenizer => null;

    public virtual Normalizer Normalizer => null;

    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(string text, int maxTokenCount, out string normalizedText, out int charsConsumed, bool considerPreTokenization = true, bool considerNormalization = true)
        => Unpack(EncodeToIds(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, maxTokenCount)), out normalizedText, out charsConsumed);

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, int maxTokenCount, out string normalizedText, out int charsConsumed, bool considerPreTokenization = true, bool considerNormalization = true)
        => Unpack(EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount)), out normalizedText, out charsConsumed);

    public IReadOnlyList<EncodedToken> EncodeToTokens(string text, out string normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
        => Unpack(EncodeToTokens(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization)), out normalizedText, out _);

    public IReadOnlyList<EncodedToken> EncodeToTokens(ReadOnlySpan<char> text, out string normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
        => Unpack(EncodeToTokens(null, text, Settings(considerPreTokenization, considerNormalization)), out normalizedText, out _);

    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true)
        => CountTokens(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization));

    public int CountTokens(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true)
        => CountTokens(null, text, Settings(considerPreTokenization, considerNormalization));

    public int GetIndexByTokenCount(string text, int maxTokenCount, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCount(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: false, out normalizedText, out tokenCount);

    public int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokenCount, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCount(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: false, out normalizedText, out tokenCount);

    public int GetIndexByTokenCountFromEnd(string text, int maxTokenCount, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCount(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: true, out normalizedText, out tokenCount);

    public int GetIndexByTokenCountFromEnd(ReadOnlySpan<char> text, int maxTokenCount, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCount(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: true, out normalizedText, out tokenCount);

    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int known = ids is ICollection<int> collection ? collection.Count : -1;
        if (known == 0)
            return string.Empty;
        for (int size = known > 0 ? known * 8 : 1024; ; size = checked(size * 2))
        {
            char[] room = new char[size];
            switch (Decode(ids, room, out _, out int written))
            {
                case OperationStatus.Done:
                    return new string(room, 0, written);
                case OperationStatus.DestinationTooSmall:
                    continue;
                default:
                    throw new InvalidOperationException("The provided token IDs could not be decoded.");
            }
        }
    }

    public abstract OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);

    protected abstract EncodeResults<EncodedToken> EncodeToTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    protected virtual EncodeResults<int> EncodeToIds(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        EncodeResults<EncodedToken> full = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int> { Tokens = full.Tokens.Select(token => token.Id).ToArray(), CharsConsumed = full.CharsConsumed, NormalizedText = full.NormalizedText };
    }

    protected virtual int CountTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => EncodeToTokens(text, textSpan, settings).Tokens.Count;

    protected virtual int GetIndexByTokenCount(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string normalizedText, out int tokenCount)
    {
        int wanted = settings.MaxTokenCount;
        if (fromEnd)
            settings.MaxTokenCount = int.MaxValue; // the end is known only when everything was read
        EncodeResults<EncodedToken> full = EncodeToTokens(text, textSpan, settings);
        normalizedText = full.NormalizedText;
        tokenCount = Math.Min(wanted, full.Tokens.Count);
        if (fromEnd)
            return tokenCount > 0 ? full.Tokens[^tokenCount].Offset.Start.Value : full.NormalizedText?.Length ?? textSpan.Length;
        return tokenCount > 0 ? full.Tokens[tokenCount - 1].Offset.End.Value : 0;
    }

    private static EncodeSettings Settings(bool preTokenize, bool normalize, int maxTokenCount = int.MaxValue)
        => new() { ConsiderPreTokenization = preTokenize, ConsiderNormalization = normalize, MaxTokenCount = maxTokenCount };

    private static IReadOnlyList<T> Unpack<T>(EncodeResults<T> results, out string normalizedText, out int charsConsumed)
    {
        normalizedText = results.NormalizedText;
        charsConsumed = results.CharsConsumed;
        return results.Tokens;
    }

    /// <summary>Normalizes and splits as asked for; null splits mean: the whole text is one piece.</summary>
    internal static IEnumerable<(int Offset, int Length)> Prepare(
        string text, ReadOnlySpan<char> textSpan, bool preTokenize, bool normalize, Normalizer normalizer, PreTokenizer preTokenizer, out string normalizedText, out ReadOnlySpan<char> toEncode)
    {
        normalizedText = null;
        string whole = text;
        if (normalize && normalizer is not null)
            whole = normalizedText = normalizer.Normalize(text ?? textSpan.ToString());
        toEncode = whole is null ? textSpan : whole.AsSpan();
        if (!preTokenize || preTokenizer is null)
            return null;
        return whole is null ? preTokenizer.PreTokenize(textSpan) : preTokenizer.PreTokenize(whole);
    }
}
