using System.Text.Json;

namespace Microsoft.ML.Tokenizers;

public sealed partial class BpeTokenizer
{
    public static BpeTokenizer Create(string vocabFile, string mergesFile)
        => Create(vocabFile, mergesFile, PreTokenizer.CreateWordOrNonWord());

    public static BpeTokenizer Create(
        string vocabFile,
        string mergesFile,
        PreTokenizer preTokenizer = null,
        Normalizer normalizer = null,
        IReadOnlyDictionary<string, int> specialTokens = null,
        string unknownToken = null,
        string continuingSubwordPrefix = null,
        string endOfWordSuffix = null,
        bool fuseUnknownTokens = false)
    {
        ArgumentNullException.ThrowIfNull(vocabFile);
        using Stream vocabulary = File.OpenRead(vocabFile);
        using Stream merges = mergesFile is null ? null : File.OpenRead(mergesFile);
        return Create(vocabulary, merges, preTokenizer, normalizer, specialTokens, unknownToken, continuingSubwordPrefix, endOfWordSuffix, fuseUnknownTokens);
    }

    public static BpeTokenizer Create(Stream vocabStream, Stream mergesStream)
        => Create(vocabStream, mergesStream, PreTokenizer.CreateWordOrNonWord());

    public static BpeTokenizer Create(
        Stream vocabStream,
        Stream mergesStream,
        PreTokenizer preTokenizer = null,
        Normalizer normalizer = null,
        IReadOnlyDictionary<string, int> specialTokens = null,
        string unknownToken = null,
        string continuingSubwordPrefix = null,
        string endOfWordSuffix = null,
        bool fuseUnknownTokens = false)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        Dictionary<string, int> vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(vocabStream) ?? [];
        var options = new BpeOptions(vocabulary)
        {
            PreTokenizer = preTokenizer,
            Normalizer = normalizer,
            SpecialTokens = specialTokens,
            UnknownToken = unknownToken,
            ContinuingSubwordPrefix = continuingSubwordPrefix,
            EndOfWordSuffix = endOfWordSuffix,
            FuseUnknownTokens = fuseUnknownTokens,
        };
        return new BpeTokenizer(vocabulary, MergesFile.Read(mergesStream, line => $"Invalid merger file format at line: {line}"), options);
    }

    public static async Task<BpeTokenizer> CreateAsync(
        Stream vocabStream,
        Stream mergesStream,
        PreTokenizer preTokenizer = null,
        Normalizer normalizer = null,
        IReadOnlyDictionary<string, int> specialTokens = null,
        string unknownToken = null,
        string continuingSubwordPrefix = null,
        string endOfWordSuffix = null,
        bool fuseUnknownTokens = false)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        using MemoryStream vocabulary = await InMemory(vocabStream).ConfigureAwait(false);
        using MemoryStream merges = await InMemory(mergesStream).ConfigureAwait(false);
        return Create(vocabulary, merges, preTokenizer, normalizer, specialTokens, unknownToken, continuingSubwordPrefix, endOfWordSuffix, fuseUnknownTokens);
    }

    public static BpeTokenizer Create(BpeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var vocabulary = new Dictionary<string, int>();
        foreach ((string token, int id) in options.Vocabulary)
            vocabulary.Add(token, id);
        if (vocabulary.Count == 0)
            throw new InvalidOperationException("The vocabulary cannot be empty.");
        var merges = new List<(string, string)>();
        foreach (string line in options.Merges ?? [])
        {
            if (line is null)
                throw new InvalidOperationException("The merge entries cannot be null.");
            merges.Add(MergesFile.Pair(line) ?? throw new InvalidOperationException("Invalid merger file format"));
        }
        return new BpeTokenizer(vocabulary, merges, options);
    }

    private static async Task<MemoryStream> InMemory(Stream stream)
    {
        if (stream is null)
            return null;
        var copy = new MemoryStream();
        await stream.CopyToAsync(copy).ConfigureAwait(false);
        copy.Position = 0;
        return copy;
    }
}
