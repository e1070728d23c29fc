using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Byte-level BPE: text gets its prefix blank and goes to a <see cref="BpeTokenizer"/>. What that class has no notion of (pieces not to
/// be merged, cuts within characters) goes, piece by piece, to a <see cref="MergeModel"/>.
/// </summary>
internal sealed class ByteLevelEncoder : ISegmentEncoder
{
    private readonly TokenizerDefinition _definition;
    private readonly Lazy<BpeTokenizer> _text;
    private readonly RulePreTokenizer _cut;
    private readonly MergeModel? _pieces; // for pieces that are written in the byte alphabet

    public ByteLevelEncoder(TokenizerDefinition definition)
    {
        _definition = definition;
        _text = new(() => BpeTokenizer.Create(Options()));
        _cut = new RulePreTokenizer(definition.PreTokenizer.TextRules, new AddedTokenSplitter([]));
        if (definition.PreTokenizer.LetterRules.Count == 0 && !definition.IgnoresMerges)
            _ = _text.Value; // not while a text waits
        else
            _pieces = new MergeModel(
                definition.Vocab, definition.Merges, definition.UnknownToken is { } unknown ? definition.Vocab[unknown] : null,
                definition.FusesUnknown, byteFallback: false, definition.IgnoresMerges);
    }

    public Tokenizer Inner => _text.Value;

    public void Encode(string text, bool isFirst, List<int> ids)
    {
        if (_definition.PreTokenizer.AddsPrefixSpace && text[0] != ' ')
            text = ' ' + text;
        if (_pieces is null)
            ids.AddRange(_text.Value.EncodeToIds(text, considerNormalization: false));
        else
            foreach ((int offset, int length) in _cut.PreTokenize(text))
                EncodePiece(ByteAlphabet.Write(text.AsSpan(offset, length)), ids);
    }

    private void EncodePiece(string letters, List<int> ids)
    {
        if (_definition.PreTokenizer.LetterRules.Count == 0)
            _pieces!.Encode(letters, ids);
        else
            foreach ((int start, int end) in RulePreTokenizer.Apply(_definition.PreTokenizer.LetterRules, letters))
                _pieces!.Encode(letters[start..end], ids);
    }

    private BpeOptions Options()
    {
        // Only tokens without conditions: these the splitters have always cut out before, so they change nothing for our own calls.
        AddedToken[] special = [.. _definition.AddedTokens
            .Where(token => token is { SingleWord: false, Lstrip: false, Rstrip: false })
            .Where(token => !token.Normalized || _definition.Normalizer is null)];
        return new BpeOptions(_definition.Vocab)
        {
            Merges = _definition.Merges.Select(pair => $"{pair.Left} {pair.Right}"),
            ByteLevel = true,
            UnknownToken = _definition.UnknownToken,
            FuseUnknownTokens = _definition.FusesUnknown,
            Normalizer = _definition.Normalizer,
            SpecialTokens = special.ToDictionary(token => token.Content, token => token.Id),
            PreTokenizer = new RulePreTokenizer(_definition.PreTokenizer.TextRules, new AddedTokenSplitter(special)),
        };
    }
}
