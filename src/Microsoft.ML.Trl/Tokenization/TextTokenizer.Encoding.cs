namespace Microsoft.ML.Trl;

/// <content>Text to ids and back.</content>
public sealed partial class TextTokenizer
{
    /// <summary>Token ids of a text. Special tokens written in the text become their ids.</summary>
    /// <param name="text">Any text, also an empty one.</param>
    /// <param name="addSpecialTokens">
    /// Put the tokens around it that the tokenizer's template asks for (often a begin token, often none).
    /// </param>
    /// <returns>Ids in [0, <see cref="VocabularySize"/>).</returns>
    /// <exception cref="InvalidDataException">A pattern of the tokenizer does not come to an end with this text.</exception>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3);
        if (addSpecialTokens)
            ids.AddRange(_definition.Template.Prefix);
        _encoder.Encode(text, ids);
        if (addSpecialTokens)
            ids.AddRange(_definition.Template.Suffix);
        return [.. ids];
    }

    /// <summary>Token ids of many texts, as <see cref="Encode"/> gives them one by one, by all cores.</summary>
    /// <param name="texts">Any texts.</param>
    /// <param name="addSpecialTokens">As for <see cref="Encode"/>.</param>
    /// <returns>The ids of each text, in the order of the texts.</returns>
    /// <exception cref="ArgumentException">A text is null.</exception>
    public int[][] EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Contains(null!))
            throw new ArgumentException("One of the texts is null; an empty text is allowed.", nameof(texts));
        int[][] ids = new int[texts.Count][];
        Parallel.For(0, texts.Count, i => ids[i] = Encode(texts[i], addSpecialTokens));
        return ids;
    }

    /// <summary>
    /// Token ids of a text in which special tokens are ordinary text: for what users wrote, who must not be able to end a sequence or to
    /// begin another speaker's turn.
    /// </summary>
    /// <param name="text">Any text, also an empty one.</param>
    /// <returns>Ids in [0, <see cref="VocabularySize"/>), without special tokens around them.</returns>
    /// <exception cref="InvalidDataException">A pattern of the tokenizer does not come to an end with this text.</exception>
    public int[] EncodeOrdinary(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3);
        _ordinary.Value.Encode(text, ids);
        return [.. ids];
    }

    /// <summary>Token ids of two texts with the special tokens that the tokenizer's template puts around them.</summary>
    /// <param name="text">The first text, e.g. a question.</param>
    /// <param name="pair">The second text, e.g. its answer.</param>
    /// <returns>The ids, and for each of them the token type that BERT-like models want: often 0, and 1 in the second text.</returns>
    /// <exception cref="NotSupportedException">The tokenizer has no template for two texts.</exception>
    /// <exception cref="InvalidDataException">A pattern of the tokenizer does not come to an end with this text.</exception>
    public (int[] Ids, int[] TypeIds) EncodePair(string text, string pair)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(pair);
        return _definition.Template.Pair(Encode(text), Encode(pair)) ?? throw new NotSupportedException(
            "The post-processor of this tokenizer has no template for a pair of texts. Encode both and join their ids, or add \"pair\".");
    }

    /// <summary>Text of token ids. Bytes that are no UTF-8 become U+FFFD; ids without a token say nothing.</summary>
    /// <param name="ids">Ids, at least 0.</param>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _tokens.Decode(ids, skipSpecialTokens);
    }

    /// <summary>
    /// Text of a finished completion: as <see cref="Decode"/>, but where generation stopped inside a character, the bytes of that
    /// character are left out instead of becoming U+FFFD. Bytes that no further ones could complete are not.
    /// </summary>
    /// <param name="ids">Ids, at least 0.</param>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string DecodeCompletion(IReadOnlyList<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        TokenStreamDecoder decoder = CreateStreamDecoder(skipSpecialTokens);
        return string.Concat(ids.Select(decoder.Append)) + decoder.End(dropsPartial: true);
    }

    /// <summary>A decoder that takes ids one by one and gives text as soon as its characters are complete.</summary>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    public TokenStreamDecoder CreateStreamDecoder(bool skipSpecialTokens = true) => new(_tokens, skipSpecialTokens);
}
