using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Makes the tokenizer.json that a tiktoken file stands for: a line per token, its bytes in base64 and its rank, which is its id and the
/// order in which it is made. The file does not say how text is cut; that is known by the name of the encoding.
/// </summary>
internal static class TiktokenFile
{
    private const string End = BpeTrainer.DefaultSpecialToken;

    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Cl100k = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        + @"|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly Dictionary<string, (string Pattern, Dictionary<string, int> Special)> Encodings = new()
    {
        ["gpt2"] = (Gpt2, new() { [End] = 50256 }),
        ["r50k_base"] = (Gpt2, new() { [End] = 50256 }),
        ["p50k_base"] = (Gpt2, new() { [End] = 50256 }),
        ["cl100k_base"] = (Cl100k, new()
        {
            [End] = 100257,
            ["<|fim_prefix|>"] = 100258,
            ["<|fim_middle|>"] = 100259,
            ["<|fim_suffix|>"] = 100260,
            ["<|endofprompt|>"] = 100276,
        }),
        ["o200k_base"] = (O200k, new() { [End] = 199999, ["<|endofprompt|>"] = 200018 }),
    };

    /// <summary>Whether these are the bytes of such a file.</summary>
    public static bool IsOne(ReadOnlySpan<byte> bytes)
    {
        int blank = bytes.IndexOf((byte)' ');
        return blank > 0 && blank + 1 < bytes.Length && Base64.IsValid(bytes[..blank]) && char.IsAsciiDigit((char)bytes[blank + 1]);
    }

    /// <exception cref="ArgumentException">The encoding is not known.</exception>
    /// <exception cref="InvalidDataException">A line is damaged.</exception>
    public static Dictionary<string, string> Files(
        string text, string encoding, IReadOnlyDictionary<string, int>? specialTokens, string source)
    {
        if (!Encodings.TryGetValue(encoding, out (string Pattern, Dictionary<string, int> Special) known))
            throw new ArgumentException($"The encoding \"{encoding}\" is not known. Known are {string.Join(", ", Encodings.Keys)}; "
                + "give the one that cuts text in the same way, and the special tokens.", nameof(encoding));
        Dictionary<string, int> ranks = Read(text, source);
        IReadOnlyDictionary<string, int> special = specialTokens ?? known.Special;
        HashSet<int> taken = [.. ranks.Values];
        if (special.FirstOrDefault(token => !taken.Add(token.Value)) is { Key: not null } twice)
            throw new InvalidDataException($"{source}: the special token \"{twice.Key}\" has the id {twice.Value}, which another token has."
                + " Give the special tokens that belong to the file.");
        var vocab = new JsonObject();
        foreach ((string token, int rank) in ranks)
            vocab[token] = rank;
        JsonObject model = TokenizerWriter.Model(vocab, Merges(ranks));
        model["ignore_merges"] = true;
        JsonObject tokenizer = TokenizerWriter.Gpt2(model, TokenizerWriter.AddedTokens(
            special.OrderBy(token => token.Value).Select(token => new AddedToken(token.Value, token.Key, Special: true))));
        tokenizer["pre_tokenizer"] = TokenizerWriter.Sequence(
            "pretokenizers", LegacyVocabulary.Split(known.Pattern), TokenizerWriter.ByteLevel(addsPrefixSpace: false, cuts: false));
        var names = new SpecialTokenNames(null, special.ContainsKey(End) ? End : null, null, null);
        return new Dictionary<string, string>
        {
            [TokenizerFiles.Tokenizer] = tokenizer.ToJsonString(TokenizerWriter.Options),
            [TokenizerFiles.Config] = TokenizerWriter.Config(names),
            [TokenizerFiles.SpecialTokens] = TokenizerWriter.SpecialTokens(names),
        };
    }

    // tokens in the byte alphabet
    private static Dictionary<string, int> Read(string text, string source)
    {
        var ranks = new Dictionary<string, int>();
        int number = 0;
        foreach (string line in text.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            number++;
            if (line.Length == 0)
                continue;
            string[] parts = line.Split(' ');
            byte[] bytes = new byte[line.Length];
            if (parts.Length != 2 || !Convert.TryFromBase64String(parts[0], bytes, out int length) || length == 0
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int rank))
                throw new InvalidDataException($"{source}: line {number} is \"{line}\"; the bytes of a token in base64, a blank and its "
                    + "rank are needed.");
            if (!ranks.TryAdd(ByteAlphabet.Write(bytes.AsSpan(0, length)), rank))
                throw new InvalidDataException($"{source}: line {number} has a token that was there before, \"{parts[0]}\".");
        }
        int missing = ByteAlphabet.InLetterOrder.Count(letter => !ranks.ContainsKey(letter.ToString()));
        return missing == 0
            ? ranks
            : throw new InvalidDataException($"{source}: {missing} of the 256 bytes are no tokens; all are needed.");
    }

    /// <summary>Every way to make a token of two others, in the order of the tokens' ranks and then of the parts' ranks.</summary>
    private static IEnumerable<(string Left, string Right)> Merges(Dictionary<string, int> ranks)
    {
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        var ways = new List<(int Left, int Right, int At)>();
        foreach ((string token, _) in ranks.OrderBy(pair => pair.Value))
        {
            ways.Clear();
            for (int at = 1; at < token.Length; at++)
                if (lookup.TryGetValue(token.AsSpan(0, at), out int left) && lookup.TryGetValue(token.AsSpan(at), out int right))
                    ways.Add((left, right, at));
            ways.Sort();
            foreach ((_, _, int at) in ways)
                yield return (token[..at], token[at..]);
        }
    }
}
