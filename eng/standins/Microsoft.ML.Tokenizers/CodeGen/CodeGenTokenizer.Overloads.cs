namespace Microsoft.ML.Tokenizers;

public partial class CodeGenTokenizer
{
    public IReadOnlyList<EncodedToken> EncodeToTokens(string text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToTokens(text.AsSpan(), addPrefixSpace, addBeginningOfSentence, addEndOfSentence, out normalizedText, considerPreTokenization, considerNormalization);

    public IReadOnlyList<EncodedToken> EncodeToTokens(ReadOnlySpan<char> text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        normalizedText = null;
        return Tokens(text, new Manner(addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization)).Tokens;
    }

    public IReadOnlyList<int> EncodeToIds(string text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(text.AsSpan(), addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization, considerNormalization);

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(text, int.MaxValue, addPrefixSpace, addBeginningOfSentence, addEndOfSentence, out _, out _, considerPreTokenization, considerNormalization);

    public IReadOnlyList<int> EncodeToIds(string text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int charsConsumed, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(text.AsSpan(), maxTokenCount, addPrefixSpace, addBeginningOfSentence, addEndOfSentence, out normalizedText, out charsConsumed, considerPreTokenization, considerNormalization);

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int charsConsumed, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        normalizedText = null;
        var ids = new List<int>();
        Forward(text, new Manner(addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization), maxTokenCount, ids, out charsConsumed);
        return ids;
    }

    public int CountTokens(string text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true, bool considerNormalization = true)
        => CountTokens(text.AsSpan(), addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization, considerNormalization);

    public int CountTokens(ReadOnlySpan<char> text, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true, bool considerNormalization = true)
        => Forward(text, new Manner(addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization), int.MaxValue, null, out _);

    public int GetIndexByTokenCount(string text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCount(text.AsSpan(), maxTokenCount, addPrefixSpace, addBeginningOfSentence, addEndOfSentence, out normalizedText, out tokenCount, considerPreTokenization, considerNormalization);

    public int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        normalizedText = null;
        tokenCount = Forward(text, new Manner(addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization), maxTokenCount, null, out int consumed);
        return consumed;
    }

    public int GetIndexByTokenCountFromEnd(string text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
        => GetIndexByTokenCountFromEnd(text.AsSpan(), maxTokenCount, addPrefixSpace, addBeginningOfSentence, addEndOfSentence, out normalizedText, out tokenCount, considerPreTokenization, considerNormalization);

    public int GetIndexByTokenCountFromEnd(ReadOnlySpan<char> text, int maxTokenCount, bool addPrefixSpace, bool addBeginningOfSentence, bool addEndOfSentence, out string normalizedText, out int tokenCount, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        normalizedText = null;
        return Backward(text, new Manner(addPrefixSpace, addBeginningOfSentence, addEndOfSentence, considerPreTokenization), maxTokenCount, out tokenCount);
    }

    protected override EncodeResults<EncodedToken> EncodeToTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => Tokens(text ?? textSpan, OwnManner(settings));

    protected override EncodeResults<int> EncodeToIds(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var ids = new List<int>();
        Forward(text ?? textSpan, OwnManner(settings), settings.MaxTokenCount, ids, out int consumed);
        return new EncodeResults<int> { Tokens = ids, CharsConsumed = consumed };
    }

    protected override int CountTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => Forward(text ?? textSpan, OwnManner(settings), settings.MaxTokenCount, null, out _);

    protected override int GetIndexByTokenCount(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string normalizedText, out int tokenCount)
    {
        normalizedText = null;
        if (fromEnd)
            return Backward(text ?? textSpan, OwnManner(settings), settings.MaxTokenCount, out tokenCount);
        tokenCount = Forward(text ?? textSpan, OwnManner(settings), settings.MaxTokenCount, null, out int consumed);
        return consumed;
    }

    private Manner OwnManner(EncodeSettings settings) => new(AddPrefixSpace, AddBeginningOfSentence, AddEndOfSentence, settings.ConsiderPreTokenization);

    private readonly record struct Manner(bool PrefixSpace, bool Begin, bool End, bool PreTokenize);
}
