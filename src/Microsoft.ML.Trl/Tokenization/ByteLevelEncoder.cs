using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Byte-level BPE: text gets its prefix blank and goes to a <see cref="BpeTokenizer"/>. What that class has no notion of (pieces not to
/// be merged, cuts within characters) is done piece by piece around it.
/// </summary>
internal sealed class ByteLevelEncoder : ISegmentEncoder
{
    private readonly TokenizerDefinition _definition;
    private readonly BpeTokenizer _text;
    private readonly BpeTokenizer? _letters; // for pieces that are written in the byte alphabet already

    public ByteLevelEncoder(TokenizerDefinition definition)
    {
        _definition = definition;
        _text = Create(byteLevel: true);
        if (definition.PreTokenizer.LetterRules.Count > 0)
            _letters = Create(byteLevel: false);
    }

    public Tokenizer Inner => _text;

    public void Encode(string text, bool isFirst, List<int> ids)
    {
        if (_definition.PreTokenizer.AddsPrefixSpace && text[0] != ' ')
            text = ' ' + text;
        if (_letters is null && !_definition.IgnoresMerges)
            ids.AddRange(_text.EncodeToIds(text, considerNormalization: false));
        else
            foreach ((int offset, int length) in _text.PreTokenizer!.PreTokenize(text))
                EncodePiece(text.AsSpan(offset, length), ids);
    }

    private void EncodePiece(ReadOnlySpan<char> piece, List<int> ids)
    {
        string letters = ByteAlphabet.Write(piece);
        if (_letters is null)
        {
            if (_definition.Vocab.TryGetValue(letters, out int whole))
                ids.Add(whole);
            else
                ids.AddRange(_text.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false));
            return;
        }
        foreach ((int start, int end) in RulePreTokenizer.Apply(_definition.PreTokenizer.LetterRules, letters))
        {
            string part = letters[start..end];
            if (_definition.IgnoresMerges && _definition.Vocab.TryGetValue(part, out int whole))
                ids.Add(whole);
            else
                ids.AddRange(_letters.EncodeToIds(part, considerPreTokenization: false));
        }
    }

    // Only tokens without conditions: these the splitters have always cut out before, so they change nothing for our own calls.
    private BpeTokenizer Create(bool byteLevel)
    {
        AddedToken[] special = [.. _definition.AddedTokens
            .Where(token => token is { SingleWord: false, Lstrip: false, Rstrip: false })
            .Where(token => !token.Normalized || _definition.Normalizer is null)];
        return BpeTokenizer.Create(Options(byteLevel, special));
    }

    private BpeOptions Options(bool byteLevel, AddedToken[] special) => new(_definition.Vocab)
    {
        Merges = _definition.Merges.Select(pair => $"{pair.Left} {pair.Right}"),
        ByteLevel = byteLevel,
        UnknownToken = _definition.UnknownToken,
        FuseUnknownTokens = _definition.FusesUnknown,
        Normalizer = byteLevel ? _definition.Normalizer : null,
        SpecialTokens = byteLevel ? special.ToDictionary(token => token.Content, token => token.Id) : null,
        PreTokenizer = new RulePreTokenizer(_definition.PreTokenizer.TextRules, new AddedTokenSplitter(special)),
    };
}
