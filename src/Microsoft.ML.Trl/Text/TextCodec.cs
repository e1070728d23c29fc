namespace Microsoft.ML.Trl.Text;

/// <summary>Texts of prompts and completions to the token ids of one model, in training and afterwards alike.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="config">Tells the context and, where the tokenizer has none, the end token.</param>
internal sealed class TextCodec(TextTokenizer tokenizer, ModelConfig config)
{
    private readonly int? _end = tokenizer.EosTokenId ?? (config.EosTokenIds.Count > 0 ? config.EosTokenIds[0] : null);

    /// <summary>Tokens the model reads at most.</summary>
    public int ContextLength => config.ContextLength;

    /// <summary>A prompt to be answered: encoded by itself, since generation has nothing else.</summary>
    /// <param name="text">Not empty.</param>
    /// <param name="row">Its place in the data, for messages.</param>
    /// <param name="limit">Tokens that prompt and answer may have together.</param>
    /// <exception cref="ArgumentException">It is empty, or leaves no room for an answer.</exception>
    public int[] Prompt(string text, long row, int limit)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw new ArgumentException(
                $"Row {row}: the prompt is empty; it needs at least one character that is no white space. "
                + "Leave the row out or give it a prompt.",
                nameof(text));
        int[] ids = tokenizer.Encode(text, addSpecialTokens: true);
        if (ids.Length >= limit)
            throw new ArgumentException(
                $"Row {row}: the prompt is {ids.Length} tokens long and leaves no room for an answer within {limit} "
                + $"(the model's context is {config.ContextLength}); shorten it to {limit - 1} tokens or less.",
                nameof(text));
        return ids;
    }

    /// <summary>The answer to a prompt, with the end token.</summary>
    public int[] Completion(string text) => Ended(tokenizer.Encode(text));

    /// <summary>A whole text, with the tokens that begin and end one.</summary>
    public int[] Whole(string text) => Ended(tokenizer.Encode(text, addSpecialTokens: true));

    private int[] Ended(int[] ids) => _end is { } end && (ids.Length == 0 || ids[^1] != end) ? [.. ids, end] : ids;

    /// <summary>Fails when the tokenizer has ids without an embedding in the network. A larger one is allowed: many are padded.</summary>
    public static void CheckVocabulary(TextTokenizer tokenizer, ModelConfig config)
    {
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new ArgumentException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens, but the model's vocabulary has {config.VocabularySize}; "
                + "tokenizer and model must belong together. "
                + $"Load both from one folder, or make the model with a vocabulary of {tokenizer.VocabularySize}.",
                nameof(tokenizer));
    }
}
