using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Text to ids: added tokens are cut out, the rest is normalized and goes to the encoder of the tokenizer's kind.</summary>
internal sealed class TextEncoder
{
    private readonly Normalizer? _normalizer;
    private readonly AddedTokenSplitter _raw, _normalized;
    private readonly ISegmentEncoder _segments;

    public TextEncoder(TokenizerDefinition definition)
    {
        _normalizer = definition.Normalizer;
        _raw = new AddedTokenSplitter(definition.AddedTokens.Where(token => !token.Normalized));
        _normalized = new AddedTokenSplitter(definition.AddedTokens.Where(token => token.Normalized)
            .Select(token => token with { Content = _normalizer?.Normalize(token.Content) ?? token.Content }));
        _segments = definition.Words is { } words ? new PieceEncoder(definition.PreTokenizer, words) : new ByteLevelEncoder(definition);
    }

    public Tokenizer Inner => _segments.Inner;

    public void Encode(string text, List<int> ids)
    {
        string whole = UnicodeNormalizer.WithoutLoneSurrogates(text);
        foreach (AddedTokenSplitter.Part part in _raw.Split(whole))
        {
            if (part.Token is not null)
                ids.Add(part.Token.Id);
            else
                EncodeRest(part.End - part.Start == whole.Length ? whole : whole[part.Start..part.End], part.Start == 0, ids);
        }
    }

    private void EncodeRest(string rest, bool isFirst, List<int> ids)
    {
        string text = _normalizer?.Normalize(rest) ?? rest;
        foreach (AddedTokenSplitter.Part part in _normalized.Split(text))
        {
            if (part.Token is not null)
                ids.Add(part.Token.Id);
            else
                _segments.Encode(
                    part.End - part.Start == text.Length ? text : text[part.Start..part.End], isFirst && part.Start == 0, ids);
        }
    }
}

/// <summary>Encodes normalized text between added tokens. Used by several threads at once.</summary>
internal interface ISegmentEncoder
{
    /// <summary>The tokenizer of Microsoft.ML.Tokenizers that does the work.</summary>
    /// <exception cref="NotSupportedException">None does.</exception>
    Tokenizer Inner { get; }

    /// <param name="text">Never empty.</param>
    /// <param name="isFirst">The whole text begins with it.</param>
    /// <param name="ids">Gets the ids at its end.</param>
    void Encode(string text, bool isFirst, List<int> ids);
}

/// <summary>Encodes a piece of text that the pre-tokenizer made. Used by several threads at once.</summary>
internal interface IWordModel
{
    /// <inheritdoc cref="ISegmentEncoder.Inner"/>
    Tokenizer Inner { get; }

    /// <param name="piece">Never empty.</param>
    /// <param name="ids">Gets the ids at its end.</param>
    void Encode(string piece, List<int> ids);
}

/// <summary>Cuts text into pieces and gives each to the model.</summary>
internal sealed class PieceEncoder(PreTokenizerDefinition cuts, IWordModel model) : ISegmentEncoder
{
    private readonly RulePreTokenizer _cut = new(cuts.TextRules, new AddedTokenSplitter([]));
    private readonly RulePreTokenizer _cutWritten = new(cuts.LetterRules, new AddedTokenSplitter([]));

    public Tokenizer Inner => model.Inner;

    public void Encode(string text, bool isFirst, List<int> ids)
    {
        foreach (string piece in Pieces(_cut, cuts.TextRules, text))
        {
            if (cuts.Metaspace is null)
                model.Encode(piece, ids);
            else
                foreach (string part in Pieces(_cutWritten, cuts.LetterRules, cuts.Metaspace.Write(piece, isFirst)))
                    model.Encode(part, ids);
            isFirst = false;
        }
    }

    private static IEnumerable<string> Pieces(RulePreTokenizer cut, IReadOnlyList<SplitRule> rules, string text) => rules.Count == 0
        ? [text]
        : cut.PreTokenize(text).Select(piece => text.Substring(piece.Offset, piece.Length));
}
