using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// WordPiece (arXiv:1609.08144): of each word the longest token that it begins with, then the longest that goes on, by the
/// <see cref="WordPieceTokenizer"/> of Microsoft.ML.Tokenizers. That counts UTF-16 units where the limit of a word is in characters,
/// so the limit is checked here.
/// </summary>
internal sealed class WordPieceModel : IWordModel
{
    private readonly WordPieceTokenizer _words;
    private readonly int _longestWord;

    /// <param name="definition">Vocabulary, special tokens, and what is done to a text before.</param>
    /// <param name="prefix">Begins tokens that continue a word.</param>
    /// <param name="longestWord">Most characters of a word; a longer one is unknown.</param>
    public WordPieceModel(TokenizerDefinition definition, string prefix, int longestWord)
    {
        _longestWord = longestWord;
        string[] lines = Enumerable.Repeat("", definition.Vocab.Values.Max() + 1).ToArray();
        foreach ((string token, int id) in definition.Vocab)
            lines[id] = token;
        AddedToken[] special = [.. definition.AddedTokens.Where(token => token is { SingleWord: false, Normalized: false })];
        using var vocabulary = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        _words = WordPieceTokenizer.Create(vocabulary, new WordPieceOptions
        {
            UnknownToken = definition.UnknownToken!,
            ContinuingSubwordPrefix = prefix,
            MaxInputCharsPerWord = 2 * longestWord,
            Normalizer = definition.Normalizer,
            PreTokenizer = new RulePreTokenizer(definition.PreTokenizer.TextRules, new AddedTokenSplitter(special)),
            SpecialTokens = special.ToDictionary(token => token.Content, token => token.Id),
        });
    }

    public Tokenizer Inner => _words;

    public void Encode(string piece, List<int> ids)
    {
        if (piece.Length > _longestWord && piece.EnumerateRunes().Count() > _longestWord)
            ids.Add(_words.UnknownTokenId);
        else
            ids.AddRange(_words.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false));
    }
}
