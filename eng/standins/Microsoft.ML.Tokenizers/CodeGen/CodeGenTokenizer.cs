using System.Text.Json;

namespace Microsoft.ML.Tokenizers;

public partial class CodeGenTokenizer : Tokenizer
{
    private const string DefaultSpecialToken = "<|endoftext|>";

    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens;
    private readonly Dictionary<(string, string), int> _ranks;
    private readonly Dictionary<string, int> _special;
    private readonly Dictionary<int, string> _specialOfId;
    private readonly PreTokenizer _preTokenizer;

    private CodeGenTokenizer(Stream vocabulary, Stream merges, bool addPrefixSpace, bool addBeginning, bool addEnd)
    {
        _ids = ReadVocabulary(vocabulary);
        _tokens = _ids.ToDictionary(pair => pair.Value, pair => pair.Key);
        _ranks = ReadRanks(merges);
        _special = CodeGenSpecialTokens.Create();
        _specialOfId = _special.ToDictionary(pair => pair.Value, pair => pair.Key);
        _preTokenizer = new RegexPreTokenizer(PreTokenizer.Gpt2Pieces(), _special);
        UnknownToken = BeginningOfSentenceToken = EndOfSentenceToken = DefaultSpecialToken;
        UnknownTokenId = IdOf(UnknownToken, "Unknown");
        BeginningOfSentenceId = IdOf(BeginningOfSentenceToken, "beginning of sentence");
        EndOfSentenceId = IdOf(EndOfSentenceToken, "end of sentence");
        (AddPrefixSpace, AddBeginningOfSentence, AddEndOfSentence) = (addPrefixSpace, addBeginning, addEnd);
    }

    public IReadOnlyDictionary<string, int> SpecialTokens => _special;

    public string UnknownToken { get; }

    public int? UnknownTokenId { get; }

    public bool AddBeginningOfSentence { get; }

    public bool AddEndOfSentence { get; }

    public string BeginningOfSentenceToken { get; }

    public int? BeginningOfSentenceId { get; }

    public int? EndOfSentenceId { get; }

    public string EndOfSentenceToken { get; }

    public bool AddPrefixSpace { get; }

    public override PreTokenizer PreTokenizer => _preTokenizer;

    public override Normalizer Normalizer => null;

    public IReadOnlyDictionary<string, int> Vocabulary => _ids.AsReadOnly();

    public static CodeGenTokenizer Create(Stream vocabStream, Stream mergesStream, bool addPrefixSpace = false, bool addBeginOfSentence = false, bool addEndOfSentence = false)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        ArgumentNullException.ThrowIfNull(mergesStream);
        return new CodeGenTokenizer(vocabStream, mergesStream, addPrefixSpace, addBeginOfSentence, addEndOfSentence);
    }

    private int IdOf(string token, string role) => _ids.TryGetValue(token, out int id) ? id : throw new ArgumentException($"The {role} token '{token}' is not found in the vocabulary.");

    private static Dictionary<string, int> ReadVocabulary(Stream stream)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, int>>(stream) ?? throw new ArgumentException("Failed to read the vocabulary file.");
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            throw new ArgumentException($"Problems met when parsing JSON vocabulary object.{Environment.NewLine}Error message: {e.Message}");
        }
    }

    // The first line is a version and never a merge; the stream is closed, as by the real package.
    private static Dictionary<(string, string), int> ReadRanks(Stream stream)
    {
        var ranks = new Dictionary<(string, string), int>();
        try
        {
            using var reader = new StreamReader(stream);
            reader.ReadLine();
            while (reader.ReadLine() is string line)
            {
                if (line.StartsWith(' ') || MergesFile.Pair(line) is not (string, string) pair)
                    throw new FormatException($"Invalid format of merge file at line: \"{line}\"");
                ranks.Add(pair, ranks.Count + 1);
            }
        }
        catch (Exception e)
        {
            throw new IOException($"Cannot read the file Merge file.{Environment.NewLine}Error message: {e.Message}", e);
        }
        return ranks;
    }
}
