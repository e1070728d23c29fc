using System.Buffers;

namespace Microsoft.ML.Tokenizers;

public sealed partial class BpeTokenizer : Tokenizer
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly Dictionary<int, string> _tokens = [];
    private readonly Dictionary<(int, int), (int Rank, int Id)> _merges = [];
    private readonly Dictionary<string, int> _special;
    private readonly Dictionary<int, string> _specialOfId;
    private readonly string _endOfSentence;
    private readonly int _beginId, _endId;
    private readonly int? _unknownId;
    private readonly PreTokenizer _preTokenizer;
    private readonly Normalizer _normalizer;
    private IReadOnlyDictionary<string, int> _vocabulary;

    private BpeTokenizer(Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges, BpeOptions options)
    {
        FuseUnknownTokens = options.FuseUnknownTokens;
        ContinuingSubwordPrefix = options.ContinuingSubwordPrefix;
        EndOfWordSuffix = options.EndOfWordSuffix;
        ByteLevel = options.ByteLevel;
        _preTokenizer = options.PreTokenizer ?? PreTokenizer.CreateWordOrNonWord();
        _normalizer = options.Normalizer;
        _ids = vocabulary;
        _idsBySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        SpecialTokens = options.SpecialTokens;
        BeginningOfSentenceToken = options.BeginningOfSentenceToken;
        _beginId = IdOfMark(BeginningOfSentenceToken, "beginning");
        _endOfSentence = options.EndOfSentenceToken;
        _endId = IdOfMark(_endOfSentence, "end");
        foreach ((string token, int id) in _ids)
            _tokens.Add(id, token);
        if (SpecialTokens is not null)
        {
            _special = SpecialTokens.ToDictionary();
            _specialOfId = SpecialTokens.ToDictionary(pair => pair.Value, pair => pair.Key);
        }
        UnknownToken = options.UnknownToken;
        if (UnknownToken is not null)
            _unknownId = _ids.TryGetValue(UnknownToken, out int unknown) ? unknown : throw new InvalidOperationException($"Unknown Token '{UnknownToken}' was not present in '{nameof(Vocabulary)}'.");
        AddMerges(merges);
        _words = new Dictionary<string, BpeWord>();
        _wordsBySpan = _words.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IReadOnlyDictionary<string, int> SpecialTokens { get; }

    public string UnknownToken { get; }

    public string ContinuingSubwordPrefix { get; }

    public string EndOfWordSuffix { get; }

    public bool FuseUnknownTokens { get; }

    public bool ByteLevel { get; }

    public string BeginningOfSentenceToken { get; }

    public override PreTokenizer PreTokenizer => _preTokenizer;

    public override Normalizer Normalizer => _normalizer;

    public IReadOnlyDictionary<string, int> Vocabulary => _vocabulary ??= _ids.AsReadOnly();

    private void AddMerges(List<(string Left, string Right)> merges)
    {
        int prefix = ContinuingSubwordPrefix?.Length ?? 0;
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            (int first, int second) = (Existing(left), Existing(right));
            if (right.Length <= prefix)
                throw new InvalidOperationException($"The merge value '{right}' is too short to be merged with a prefix of length {prefix}. This implies that the merge file is either damaged or missing the prefix in its entries.");
            _merges.Add((first, second), (rank, Existing(left + right[prefix..])));
        }

        int Existing(string token) => _ids.TryGetValue(token, out int id) ? id : throw new InvalidOperationException($"Trying to merge a token '{token}' which not exist in the vocabulary.");
    }

    // The real package notices a missing mark only when special tokens are given; without any the id is 0.
    private int IdOfMark(string token, string which)
    {
        int id = 0;
        if (token is not null && !_ids.TryGetValue(token, out id) && SpecialTokens?.TryGetValue(token, out id) is false)
            throw new InvalidOperationException($"The {which} of sentence token '{token}' was not present in the vocabulary.");
        return id;
    }
}
