using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl;

/// <summary>
/// Makes a byte-level BPE tokenizer from text: GPT-2's cuts, then the most frequent pair of neighbours becomes a token, again and
/// again (arXiv:1508.07909). The same texts give the same tokenizer, and the one of Hugging Face's ByteLevelBPETokenizer.train.
/// </summary>
public static class BpeTrainer
{
    /// <summary>GPT-2's only special token: begin and end of every text.</summary>
    public const string DefaultSpecialToken = "<|endoftext|>";

    private const int Bytes = 256;

    /// <summary>Trains a tokenizer.</summary>
    /// <param name="texts">
    /// The texts, in one piece or line by line; they are read once. Special tokens in them separate texts and are not learned.
    /// </param>
    /// <param name="vocabularySize">
    /// Tokens wanted, at least 256 + the special tokens. Fewer come out when the texts hold too few frequent pairs.
    /// </param>
    /// <param name="specialTokens">
    /// Tokens with the first ids; the first of them is the begin and end of sequences. Null: <see cref="DefaultSpecialToken"/>.
    /// </param>
    /// <param name="minFrequency">How often a pair must occur to become a token, at least 1 (Hugging Face's default: 2).</param>
    /// <param name="specialTokensLast">Give the special tokens the last ids, as in GPT-2's own vocabulary, instead of the first.</param>
    /// <returns>A tokenizer in GPT-2's manner. Every byte is a token, so every text can be encoded.</returns>
    /// <exception cref="ArgumentException">The texts are empty, or a special token is empty or given twice.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary is too small, or minFrequency is below 1.</exception>
    public static TextTokenizer Train(
        IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string>? specialTokens = null,
        int minFrequency = 2, bool specialTokensLast = false)
    {
        ArgumentNullException.ThrowIfNull(texts);
        specialTokens ??= [DefaultSpecialToken];
        if (specialTokens.Any(token => token is null or { Length: < 2 }) || specialTokens.Distinct().Count() < specialTokens.Count)
        {
            string given = string.Join(", ", specialTokens.Select(token => $"\"{token}\""));
            throw new ArgumentException(
                $"The special tokens are [{given}]; each must be given once and be longer than one character.", nameof(specialTokens));
        }
        if (vocabularySize < Bytes + specialTokens.Count)
        {
            string needed = $"{Bytes + specialTokens.Count} tokens: {Bytes} for the bytes and {specialTokens.Count} special ones";
            throw new ArgumentOutOfRangeException(nameof(vocabularySize), vocabularySize, $"The vocabulary must have at least {needed}.");
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(minFrequency, 1);
        Dictionary<string, long> words = CountWords(texts, specialTokens);
        if (words.Count == 0)
            throw new ArgumentException(
                "The texts are empty: there is nothing to learn tokens from. Give at least one text with a character in it.",
                nameof(texts));
        var training = new BpeTraining(words, ByteAlphabet.InLetterOrder);
        training.Run(vocabularySize - specialTokens.Count, minFrequency);
        return TextTokenizer.FromFiles(Files(training, specialTokens, specialTokensLast));
    }

    private static Dictionary<string, long> CountWords(IEnumerable<string> texts, IReadOnlyList<string> specialTokens)
    {
        var special = new AddedTokenSplitter(specialTokens.Select(token => new AddedToken(0, token, Special: true)));
        var cut = new RulePreTokenizer([PreTokenizerJson.Gpt2Rule], special);
        var counts = new Dictionary<string, long>();
        Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string? text in texts)
        {
            if (text is null)
                throw new ArgumentException("One of the texts is null.", nameof(texts));
            foreach ((int offset, int length) in cut.PreTokenize(text))
                CollectionsMarshal.GetValueRefOrAddDefault(bySpan, text.AsSpan(offset, length), out _)++;
        }
        foreach (string token in specialTokens)
            counts.Remove(token);
        return counts;
    }

    private static Dictionary<string, string> Files(BpeTraining training, IReadOnlyList<string> specialTokens, bool specialTokensLast)
    {
        var ids = new JsonObject();
        foreach (string token in specialTokensLast ? training.Tokens.Concat(specialTokens) : specialTokens.Concat(training.Tokens))
            if (!ids.TryAdd(token, ids.Count))
                throw new ArgumentException(
                    $"The special token \"{token}\" is also a token that the texts gave; choose one that does not occur in them.",
                    nameof(specialTokens));
        IEnumerable<AddedToken> added = specialTokens.Select(token => new AddedToken((int)ids[token]!, token, Special: true));
        string? mark = specialTokens.Count > 0 ? specialTokens[0] : null;
        var names = new SpecialTokenNames(mark, mark, null, null);
        JsonObject tokenizer = TokenizerWriter.Gpt2(TokenizerWriter.Model(ids, training.Merges), TokenizerWriter.AddedTokens(added));
        return new Dictionary<string, string>
        {
            [TokenizerFiles.Tokenizer] = tokenizer.ToJsonString(TokenizerWriter.Options),
            [TokenizerFiles.Config] = TokenizerWriter.Config(names),
            [TokenizerFiles.SpecialTokens] = TokenizerWriter.SpecialTokens(names),
        };
    }
}
