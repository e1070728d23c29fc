namespace Microsoft.ML.Tokenizers;

public partial class CodeGenTokenizer
{
    private const int LongestCached = 15, MostCached = 10_000;

    private readonly Dictionary<string, EncodedToken[]> _words = [];

    private EncodeResults<EncodedToken> Tokens(ReadOnlySpan<char> text, Manner manner)
    {
        if (text.IsEmpty)
            return new EncodeResults<EncodedToken> { Tokens = [] };
        string whole = Whole(text, manner);
        int shift = manner.PrefixSpace ? 1 : 0;
        var tokens = new List<EncodedToken>();
        if (manner.Begin)
            tokens.Add(new EncodedToken(BeginningOfSentenceId.Value, BeginningOfSentenceToken, new Range(0, 0)));
        foreach ((int offset, int length) in Pieces(whole, manner))
        {
            string piece = whole.Substring(offset, length);
            foreach (EncodedToken token in _special.TryGetValue(piece, out int id) ? [new EncodedToken(id, piece, new Range(0, length))] : Word(piece))
            {
                (int start, int end) = (token.Offset.Start.Value + offset - shift, token.Offset.End.Value + offset - shift);
                tokens.Add(new EncodedToken(token.Id, token.Value, new Range(Math.Max(start, 0), end)));
            }
        }
        if (manner.End)
            tokens.Add(new EncodedToken(EndOfSentenceId.Value, EndOfSentenceToken, new Range(whole.Length - shift, whole.Length - shift)));
        return new EncodeResults<EncodedToken> { Tokens = tokens, CharsConsumed = whole.Length };
    }

    // Without pre-tokenization the begin mark is limited but not counted: so does the real package.
    private int Forward(ReadOnlySpan<char> text, Manner manner, int most, List<int> ids, out int consumed)
    {
        CheckMost(most);
        consumed = 0;
        if (text.IsEmpty)
            return 0;
        string whole = Whole(text, manner);
        int count = manner.Begin ? 1 : 0;
        if (manner.Begin)
            ids?.Add(BeginningOfSentenceId.Value);
        foreach ((int offset, int length) in Pieces(whole, manner))
        {
            count += Take(whole.Substring(offset, length), ids, most - count, out int used);
            consumed = offset + used;
            if (used < length || count >= most)
                break;
        }
        if (!manner.PreTokenize && manner.Begin && ids is null)
            count--;
        if (manner.End && count < most)
        {
            ids?.Add(EndOfSentenceId.Value);
            count++;
        }
        if (manner.PrefixSpace && consumed > 0)
            consumed--;
        return count;
    }

    private int Backward(ReadOnlySpan<char> text, Manner manner, int most, out int count)
    {
        CheckMost(most);
        count = 0;
        if (text.IsEmpty)
            return 0;
        string whole = Whole(text, manner);
        int shift = manner.PrefixSpace ? 1 : 0, result = -1;
        count = manner.End ? 1 : 0;
        foreach ((int offset, int length) in Pieces(whole, manner).Reverse())
        {
            int taken = TakeFromEnd(whole.Substring(offset, length), most - count, out int index);
            count = manner.PreTokenize ? count + taken : taken;
            if (index > 0 || count >= most || !manner.PreTokenize)
            {
                result = offset + index - shift;
                break;
            }
        }
        if (manner.Begin && count < most)
            count++;
        return Math.Max(result, 0);
    }

    private static void CheckMost(int most)
    {
        if (most <= 0)
            throw new ArgumentOutOfRangeException("maxTokenCount", "The maximum number of tokens must be greater than zero.");
    }

    private static string Whole(ReadOnlySpan<char> text, Manner manner) => manner.PrefixSpace ? $" {text}" : text.ToString();

    private IEnumerable<(int Offset, int Length)> Pieces(string whole, Manner manner) => manner.PreTokenize ? _preTokenizer.PreTokenize(whole) : [(0, whole.Length)];

    private int Take(string piece, List<int> ids, int most, out int consumed)
    {
        consumed = piece.Length;
        if (most > 0 && _special.TryGetValue(piece, out int special))
        {
            ids?.Add(special);
            return 1;
        }
        EncodedToken[] word = Word(piece);
        if (word.Length <= most)
        {
            ids?.AddRange(word.Select(token => token.Id));
            return word.Length;
        }
        consumed = 0;
        int taken = 0;
        while (taken < most)
        {
            int next = taken + 1; // the tokens of one character go together or not at all
            while (next < word.Length && Start(word[next]) == Start(word[taken]))
                next++;
            if (next > most)
                break;
            for (; taken < next; taken++)
            {
                ids?.Add(word[taken].Id);
                consumed += word[taken].Offset.End.Value - Start(word[taken]);
            }
        }
        return taken;
    }

    private int TakeFromEnd(string piece, int most, out int index)
    {
        index = 0;
        if (most > 0 && _special.ContainsKey(piece))
            return 1;
        EncodedToken[] word = Word(piece);
        if (word.Length <= most)
            return word.Length;
        int first = word.Length - most;
        while (first < word.Length && Start(word[first]) == Start(word[first - 1]))
            first++;
        index = piece.Length - word.Skip(first).Sum(token => token.Offset.End.Value - Start(token));
        return word.Length - first;
    }

    private static int Start(EncodedToken token) => token.Offset.Start.Value;

    private EncodedToken[] Word(string piece)
    {
        lock (_words)
            if (_words.TryGetValue(piece, out EncodedToken[] known))
                return known;
        EncodedToken[] word = Merge(piece);
        if (piece.Length <= LongestCached)
            lock (_words)
                if (_words.Count < MostCached)
                    _words[piece] = word;
        return word;
    }

    private EncodedToken[] Merge(string piece)
    {
        string letters = ByteAlphabet.Transform(piece, out int[] sources).ToString();
        if (letters.Length == 1)
            return [new EncodedToken(_ids[letters], letters, new Range(0, 1))];
        int[] lengths = Enumerable.Repeat(1, letters.Length).ToArray(), previous = [.. Enumerable.Range(-1, letters.Length)], next = [.. Enumerable.Range(1, letters.Length)];
        var queue = new PriorityQueue<(int Left, int Right, int Length), (int Rank, int Left)>();
        for (int i = 1; i < letters.Length; i++)
            Offer(i - 1, i);
        while (queue.TryDequeue(out (int Left, int Right, int Length) best, out _))
        {
            if (lengths[best.Left] == 0 || lengths[best.Right] == 0 || lengths[best.Left] + lengths[best.Right] != best.Length)
                continue; // what was queued is gone
            lengths[best.Left] = best.Length;
            lengths[best.Right] = 0;
            next[best.Left] = next[best.Right];
            if (next[best.Left] < letters.Length)
                previous[next[best.Left]] = best.Left;
            Offer(previous[best.Left], best.Left);
            Offer(best.Left, next[best.Left]);
        }
        var tokens = new List<EncodedToken>();
        for (int at = 0; at < letters.Length; at = next[at])
        {
            string token = letters.Substring(at, lengths[at]);
            bool known = _ids.TryGetValue(token, out int id);
            int end = at + lengths[at] < letters.Length ? sources[at + lengths[at]] : piece.Length;
            tokens.Add(new EncodedToken(known ? id : UnknownTokenId.Value, known ? token : UnknownToken, new Range(sources[at], end)));
        }
        return [.. tokens];

        void Offer(int left, int right)
        {
            if (left >= 0 && right < letters.Length && _ranks.TryGetValue((letters.Substring(left, lengths[left]), letters.Substring(right, lengths[right])), out int rank))
                queue.Enqueue((left, right, lengths[left] + lengths[right]), (rank, left));
        }
    }
}
