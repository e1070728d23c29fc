namespace Microsoft.ML.Trl.Text;

/// <summary>
/// A pad token that ends no text. transformers finds the end of a text in a batch by it: without one it scores single texts only, and
/// with an end token in its place it scores the token before.
/// </summary>
internal static class OwnPadToken
{
    private const string Name = "[PAD]";

    /// <summary>Tokenizer and configuration under which transformers scores a batch as a reward model without a pad token does.</summary>
    /// <param name="tokenizer">Stays as it is; returned itself where it needs no new token.</param>
    /// <param name="config">Stays as it is; returned itself where it has a pad token.</param>
    /// <returns>The vocabulary is larger by one where every row of the embedding has its token.</returns>
    public static (TextTokenizer Tokenizer, ModelConfig Config) For(TextTokenizer tokenizer, ModelConfig config)
    {
        if (config.PadTokenId is not null)
            return (tokenizer, config);
        if (tokenizer.PadTokenId is { } own && !EndsTexts(own))
            return (tokenizer, config with { PadTokenId = own });
        string name = Name;
        while (tokenizer.IdOf(name) is { } taken && EndsTexts(taken))
            name = $"[{name}]";
        int id = tokenizer.IdOf(name) ?? tokenizer.VocabularySize;
        int rows = Math.Max(config.VocabularySize, id + 1);
        return (tokenizer.WithPadToken(name, id), config with { PadTokenId = id, VocabularySize = rows });

        bool EndsTexts(int token) => token == tokenizer.EosTokenId || config.EosTokenIds.Contains(token);
    }
}
