namespace Microsoft.ML.Tokenizers;

public sealed partial class BpeTokenizer
{
    private const int LongestCached = 15, MostCached = 10_000;

    private readonly Dictionary<string, BpeWord> _words;
    private readonly Dictionary<string, BpeWord>.AlternateLookup<ReadOnlySpan<char>> _wordsBySpan;

    protected override EncodeResults<EncodedToken> EncodeToTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (string.IsNullOrEmpty(text) && textSpan.IsEmpty)
            return new EncodeResults<EncodedToken> { Tokens = [] };
        IEnumerable<(int Offset, int Length)> pieces = Prepare(text, textSpan, settings.ConsiderPreTokenization, settings.ConsiderNormalization, _normalizer, _preTokenizer, out string normalized, out ReadOnlySpan<char> whole);
        var tokens = new List<EncodedToken>();
        if (BeginningOfSentenceToken is not null)
            tokens.Add(new EncodedToken(_beginId, BeginningOfSentenceToken, new Range(0, 0)));
        foreach ((int offset, int length) in pieces ?? [(0, whole.Length)])
            AddTokens(whole.Slice(offset, length), offset, tokens);
        if (_endOfSentence is not null)
            tokens.Add(new EncodedToken(_endId, _endOfSentence, new Range(whole.Length, whole.Length)));
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = whole.Length };
    }

    protected override EncodeResults<int> EncodeToIds(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        CheckMost(settings.MaxTokenCount, nameof(settings.MaxTokenCount));
        if (string.IsNullOrEmpty(text) && textSpan.IsEmpty)
            return new EncodeResults<int> { Tokens = [] };
        var ids = new List<int>();
        Forward(text, textSpan, settings, ids, out string normalized, out int consumed);
        return new EncodeResults<int> { Tokens = ids, NormalizedText = normalized, CharsConsumed = consumed };
    }

    protected override int CountTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        CheckMost(settings.MaxTokenCount, nameof(settings.MaxTokenCount));
        return Forward(text, textSpan, settings, null, out _, out _);
    }

    protected override int GetIndexByTokenCount(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string normalizedText, out int tokenCount)
    {
        if (fromEnd)
            return Backward(text, textSpan, settings, out normalizedText, out tokenCount);
        CheckMost(settings.MaxTokenCount, "maxTokenCount");
        tokenCount = Forward(text, textSpan, settings, null, out normalizedText, out int consumed);
        return consumed;
    }

    private static void CheckMost(int most, string name)
    {
        if (most <= 0)
            throw new ArgumentOutOfRangeException(name, "The maximum number of tokens must be greater than zero.");
    }

    // Counts, and fills ids when given. Without pre-tokenization the begin mark is neither in the count nor in the limit: so does the real package.
    private int Forward(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings, List<int> ids, out string normalized, out int consumed)
    {
        (normalized, consumed) = (null, 0);
        if (string.IsNullOrEmpty(text) && textSpan.IsEmpty)
            return 0;
        int most = settings.MaxTokenCount;
        IEnumerable<(int Offset, int Length)> pieces = Prepare(text, textSpan, settings.ConsiderPreTokenization, settings.ConsiderNormalization, _normalizer, _preTokenizer, out normalized, out ReadOnlySpan<char> whole);
        int count = BeginningOfSentenceToken is null ? 0 : 1;
        if (count > 0)
            ids?.Add(_beginId);
        if (pieces is null)
        {
            int taken = Take(whole, ids, most, out consumed);
            count = ids is null ? taken : ids.Count;
        }
        else
        {
            foreach ((int offset, int length) in pieces)
            {
                count += Take(whole.Slice(offset, length), ids, most - count, out int used);
                consumed = offset + used;
                if (used < length || count >= most)
                    break;
            }
        }
        if (_endOfSentence is not null && count < most)
        {
            ids?.Add(_endId);
            count++;
        }
        return count;
    }

    private int Backward(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings, out string normalized, out int count)
    {
        int most = settings.MaxTokenCount;
        if (most <= 0)
            throw new ArgumentOutOfRangeException("maxTokenCount", "The max token count must be greater than 0.");
        (normalized, count) = (null, 0);
        if (string.IsNullOrEmpty(text) && textSpan.IsEmpty)
            return 0;
        IEnumerable<(int Offset, int Length)> pieces = Prepare(text, textSpan, settings.ConsiderPreTokenization, settings.ConsiderNormalization, _normalizer, _preTokenizer, out normalized, out ReadOnlySpan<char> whole);
        int marks = _endOfSentence is null ? 0 : 1, index = 0;
        if (pieces is null)
            count = TakeFromEnd(whole, most - marks, out index);
        else
        {
            count = marks;
            foreach ((int offset, int length) in pieces.Reverse())
            {
                count += TakeFromEnd(whole.Slice(offset, length), most - count, out index);
                if (index > 0 || count >= most)
                    return offset + index;
            }
            index = 0;
        }
        if (count < most && BeginningOfSentenceToken is not null)
            count++;
        return index;
    }

    private int Take(ReadOnlySpan<char> piece, List<int> ids, int most, out int consumed)
    {
        if (most > 0 && IsSpecial(piece, out int special, out _))
        {
            ids?.Add(special);
            consumed = piece.Length;
            return 1;
        }
        ReadOnlySpan<char> letters = Letters(piece, out int[] sources);
        BpeWord word = Word(letters);
        int count = Math.Min(word.Count, most);
        ids?.AddRange(word.Ids.AsSpan(0, Math.Max(count, 0)));
        int used = count == word.Count ? letters.Length : count > 0 ? word.LengthOfFirst(count) : 0;
        consumed = sources is null ? used : used >= letters.Length ? piece.Length : sources[used];
        return count;
    }

    private int TakeFromEnd(ReadOnlySpan<char> piece, int most, out int index)
    {
        index = 0;
        if (most > 0 && IsSpecial(piece, out _, out _))
            return 1;
        ReadOnlySpan<char> letters = Letters(piece, out int[] sources);
        BpeWord word = Word(letters);
        int count = Math.Min(word.Count, most);
        if (count < word.Count)
            index = letters.Length - (count > 0 ? word.LengthOfLast(count) : 0);
        if (sources is not null)
            index = index >= letters.Length ? piece.Length : sources[index];
        return count;
    }

    private void AddTokens(ReadOnlySpan<char> piece, int offset, List<EncodedToken> tokens)
    {
        if (IsSpecial(piece, out int special, out string name))
        {
            tokens.Add(new EncodedToken(special, name, new Range(offset, offset + piece.Length)));
            return;
        }
        BpeWord word = Word(Letters(piece, out int[] sources));
        for (int i = 0, start = 0; i < word.Count; i++)
        {
            int end = start + word.Lengths[i];
            Range range = sources is null ? new Range(offset + start, offset + end) : new Range(offset + sources[start], offset + sources[end - 1] + 1);
            tokens.Add(new EncodedToken(word.Ids[i], _tokens[word.Ids[i]], range));
            start = end;
        }
    }

    private bool IsSpecial(ReadOnlySpan<char> piece, out int id, out string token)
    {
        (id, token) = (0, null);
        return _special is not null && _special.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out token, out id);
    }

    private ReadOnlySpan<char> Letters(ReadOnlySpan<char> piece, out int[] sources)
    {
        sources = null;
        return ByteLevel ? ByteAlphabet.Transform(piece, out sources) : piece;
    }

    private BpeWord Word(ReadOnlySpan<char> letters)
    {
        lock (_words)
            if (_wordsBySpan.TryGetValue(letters, out BpeWord known))
                return known;
        BpeWord word = Merge(letters);
        if (letters.Length <= LongestCached)
            lock (_words)
                if (_words.Count < MostCached)
                    _words[letters.ToString()] = word;
        return word;
    }

    private BpeWord Merge(ReadOnlySpan<char> letters)
    {
        List<int> ids = new(letters.Length), lengths = new(letters.Length);
        bool unknownOpen = false; // only an unknown that directly follows another one can join it
        for (int at = 0, size; at < letters.Length; at += size)
        {
            size = char.IsHighSurrogate(letters[at]) && at + 1 < letters.Length && char.IsLowSurrogate(letters[at + 1]) ? 2 : 1;
            ReadOnlySpan<char> symbol = letters.Slice(at, size);
            if (at > 0 && ContinuingSubwordPrefix is not null)
                symbol = $"{ContinuingSubwordPrefix}{symbol}";
            if (at + size >= letters.Length && EndOfWordSuffix is not null)
                symbol = $"{symbol}{EndOfWordSuffix}";
            bool known = _idsBySpan.TryGetValue(symbol, out int id);
            if (!known && _unknownId is null)
                continue;
            if (!known && unknownOpen && FuseUnknownTokens)
                lengths[^1] += size;
            else
            {
                ids.Add(known ? id : _unknownId.Value);
                lengths.Add(size);
            }
            unknownOpen = !known;
        }
        return BpeWord.Merge(ids, lengths, _merges);
    }
}
