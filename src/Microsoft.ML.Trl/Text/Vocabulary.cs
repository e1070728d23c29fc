
namespace Microsoft.ML.Trl.Text;

/// <summary>Whether a tokenizer and a network belong together.</summary>
internal static class Vocabulary
{
    /// <summary>Fails when the tokenizer has ids that the network has no embedding for. A larger embedding is allowed: many are padded.</summary>
    public static void Check(TextTokenizer tokenizer, ModelConfig config)
    {
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new ArgumentException($"The tokenizer has {tokenizer.VocabularySize} tokens, but the model's vocabulary has {config.VocabularySize}; tokenizer and model must belong together. Load both from one folder, or make the model with a vocabulary of {tokenizer.VocabularySize}.", nameof(tokenizer));
    }
}
