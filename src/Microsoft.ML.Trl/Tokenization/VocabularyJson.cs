using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "vocab" and "merges" of the model in tokenizer.json, and "added_tokens".</summary>
internal static class VocabularyJson
{
    // The largest known vocabularies have a sixtieth of that.
    private const int HighestId = (1 << 24) - 1;
    private const int FreeIds = 65_535, IdsPerToken = 64;

    /// <summary>An object of tokens and their ids.</summary>
    public static Dictionary<string, int> Read(JsonElement vocab, string source)
    {
        var vocabulary = new Dictionary<string, int>();
        var owners = new Dictionary<int, string>();
        foreach (JsonProperty entry in vocab.EnumerateObject())
        {
            int id = entry.Value.GetInt32();
            CheckId(id, entry.Name, source);
            if (id < 0 || !owners.TryAdd(id, entry.Name) || !vocabulary.TryAdd(entry.Name, id))
            {
                string owner = owners.TryGetValue(id, out string? other) ? $" (\"{other}\")" : "";
                throw new InvalidDataException(
                    $"{source}: the vocabulary gives \"{entry.Name}\" the id {id}, which is negative or given twice{owner}.");
            }
        }
        return vocabulary.Count > 0 ? vocabulary : throw Empty(source);
    }

    /// <summary>A list of tokens, in the order of their ids, and their scores: log probabilities.</summary>
    public static (Dictionary<string, int> Vocabulary, double[] Scores) ReadScored(JsonElement vocab, string source)
    {
        var vocabulary = new Dictionary<string, int>();
        var scores = new List<double>();
        foreach (JsonElement entry in vocab.EnumerateArray())
        {
            string token = entry[0].GetString() ?? throw new FormatException($"token {scores.Count} of the vocabulary has no text.");
            vocabulary[token] = scores.Count; // of a token that is listed twice the last place counts
            scores.Add(entry[1].GetDouble());
        }
        if (scores.FindIndex(score => !double.IsFinite(score)) is int wrong and >= 0)
            throw new FormatException($"token {wrong} of the vocabulary has the score {scores[wrong]}; a finite number is needed.");
        return scores.Count > 0 ? (vocabulary, [.. scores]) : throw Empty(source);
    }

    public static List<(string Left, string Right)> ReadMerges(JsonElement merges, Dictionary<string, int> vocabulary, string source)
    {
        var list = new List<(string Left, string Right)>();
        foreach (JsonElement entry in merges.EnumerateArray())
        {
            bool isText = entry.ValueKind == JsonValueKind.String;
            string[] pair = isText ? entry.GetString()!.Split(' ') : [.. entry.EnumerateArray().Select(part => part.GetString() ?? "")];
            if (pair.Length != 2 || pair.Any(part => part.Length == 0 || part.Contains(' ')))
                throw Damaged($"is {entry.GetRawText()}; two tokens without blanks are needed");
            foreach (string token in new[] { pair[0], pair[1], pair[0] + pair[1] })
                if (!vocabulary.ContainsKey(token))
                    throw Damaged($"({pair[0]} + {pair[1]}) needs the token \"{token}\", which is not in the vocabulary");
            list.Add((pair[0], pair[1]));
        }
        return [.. list.AsEnumerable().Reverse().Distinct().Reverse()]; // of a pair that is listed twice the later place counts

        InvalidDataException Damaged(string how) => new($"{source}: merge {list.Count} {how}.");
    }

    public static List<AddedToken> ReadAddedTokens(JsonElement? tokens, Dictionary<string, int> vocabulary, string source)
    {
        var added = new List<AddedToken>();
        var contents = new HashSet<string>();
        foreach (JsonElement entry in tokens?.EnumerateArray() ?? [])
        {
            if (entry.Deserialize<AddedToken>(TokenizerWriter.Options) is not { Content: not null } token)
                throw new InvalidDataException($"{source}: an added token has no \"content\": {entry.GetRawText()}");
            if (vocabulary.TryGetValue(token.Content, out int id))
                token = token with { Id = id };
            CheckId(token.Id, token.Content, source);
            if (token.Id < 0 || !contents.Add(token.Content))
                throw new InvalidDataException(
                    $"{source}: the added token \"{token.Content}\" (id {token.Id}) is there twice, or has no id or a negative one.");
            added.Add(token);
        }
        return added;
    }

    /// <summary>The highest id. There are tables with a place for every id, so it must not be far beyond the number of tokens.</summary>
    /// <exception cref="InvalidDataException">It is.</exception>
    public static int HighestIdOf(Dictionary<string, int> vocabulary, List<AddedToken> added, string source)
    {
        int highest = vocabulary.Values.Concat(added.Select(token => token.Id)).Max(), count = vocabulary.Count + added.Count;
        long limit = FreeIds + ((long)IdsPerToken * count);
        return highest <= limit ? highest : throw new InvalidDataException(
            $"{source}: of {count} tokens the highest id is {highest}; at most {limit} is allowed. Number the tokens without such gaps.");
    }

    private static void CheckId(int id, string token, string source)
    {
        if (id > HighestId)
            throw new InvalidDataException($"{source}: the token \"{token}\" has the id {id}; the highest that is allowed is {HighestId}.");
    }

    private static InvalidDataException Empty(string source) => new($"{source}: the vocabulary is empty.");
}
