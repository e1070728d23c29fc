using System.Text;
using Google.Protobuf;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>What a token of a SentencePiece model is; the numbers are the file's.</summary>
internal enum PieceType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>A SentencePiece model (tokenizer.model, spiece.model): the fields of sentencepiece_model.proto that encoding needs.</summary>
internal sealed class SentencePieceModel
{
    /// <summary>The number of the Unigram algorithm, and of BPE.</summary>
    public const int Unigram = 1, Bpe = 2;

    private readonly List<(string Text, float Score, PieceType Type)> _pieces = [];

    private SentencePieceModel()
    {
    }

    /// <summary>Tokens in the order of their ids.</summary>
    public IReadOnlyList<(string Text, float Score, PieceType Type)> Pieces => _pieces;

    public int Algorithm { get; private set; } = Unigram;

    public bool ByteFallback { get; private set; }

    /// <summary>Blanks stand at the end of words.</summary>
    public bool BlanksAreSuffixes { get; private set; }

    /// <summary>Ids of begin, end and padding; negative where there is none.</summary>
    public (int Begin, int End, int Padding) Special { get; private set; } = (1, 2, -1);

    /// <summary>Whether unused tokens have no place in the vocabulary: in GGUF they fill it up.</summary>
    public bool OmitsUnused { get; private init; }

    /// <summary>What the unknown token is decoded to.</summary>
    public string UnknownSurface { get; private set; } = " \u2047 ";

    /// <summary>Replacements of characters, empty for none (<see cref="PrecompiledCharsMap"/>).</summary>
    public byte[] CharsMap { get; private set; } = [];

    public bool AddsDummyPrefix { get; private set; } = true;

    public bool RemovesExtraBlanks { get; private set; } = true;

    public bool EscapesBlanks { get; private set; } = true;

    /// <summary>A BPE model of tokens that come from elsewhere; texts are taken as they are.</summary>
    /// <param name="pieces">Tokens in the order of their ids.</param>
    /// <param name="addsPrefix">Whether a blank is put in front of texts.</param>
    /// <param name="source">What they come from, for messages.</param>
    /// <exception cref="InvalidDataException">Not exactly one is the unknown token, or one is empty or without a finite score.</exception>
    public static SentencePieceModel Of(IReadOnlyList<(string Text, float Score, PieceType Type)> pieces, bool addsPrefix, string source)
    {
        for (int id = 0; id < pieces.Count; id++)
            if (pieces[id] is var (text, score, type) && (text.Length == 0 || !float.IsFinite(score) || !Enum.IsDefined(type)))
                throw new InvalidDataException(FormattableString.Invariant(
                    $"{source}: token {id} is \"{text}\" with the score {score} and the type {(int)type}; a text, a finite score and a ")
                    + "type from 1 to 6 are needed.");
        var model = new SentencePieceModel
        {
            Algorithm = Bpe,
            ByteFallback = pieces.Any(piece => piece.Type == PieceType.Byte),
            AddsDummyPrefix = addsPrefix,
            RemovesExtraBlanks = false,
            OmitsUnused = true,
        };
        model._pieces.AddRange(pieces);
        model.CheckUnknown(source);
        model.UnknownSurface = model._pieces.First(piece => piece.Type == PieceType.Unknown).Text;
        return model;
    }

    /// <exception cref="InvalidDataException">The bytes are no such model, or a damaged one.</exception>
    public static SentencePieceModel Read(byte[] bytes, string source)
    {
        var model = new SentencePieceModel();
        try
        {
            model.ReadFields(bytes);
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException($"{source} is not a SentencePiece model that can be read: {e.Message}", e);
        }
        model.CheckUnknown(source);
        return model;
    }

    private void CheckUnknown(string source)
    {
        int unknown = _pieces.Count(piece => piece.Type == PieceType.Unknown);
        if (unknown != 1)
            throw new InvalidDataException($"{source} is not a SentencePiece model that can be read: of its {_pieces.Count} tokens "
                + $"{unknown} are the unknown one; one is needed.");
    }

    private void ReadFields(byte[] bytes)
    {
        var input = new CodedInputStream(bytes);
        foreach (int field in Fields(input))
            switch (field)
            {
                case 1:
                    ReadPiece(new CodedInputStream(input.ReadBytes().ToByteArray()));
                    break;
                case 2:
                    ReadTrainer(new CodedInputStream(input.ReadBytes().ToByteArray()));
                    break;
                case 3:
                    ReadNormalizer(new CodedInputStream(input.ReadBytes().ToByteArray()));
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
    }

    private void ReadPiece(CodedInputStream input)
    {
        (string text, float score, PieceType type) = ("", 0, PieceType.Normal);
        foreach (int field in Fields(input))
            switch (field)
            {
                case 1:
                    text = ReadText(input);
                    break;
                case 2:
                    score = input.ReadFloat();
                    break;
                case 3:
                    type = (PieceType)input.ReadEnum();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        if (text.Length == 0 || !float.IsFinite(score) || !Enum.IsDefined(type))
            throw new InvalidOperationException($"token {_pieces.Count} is \"{text}\" with the score {score} and the type {(int)type}.");
        _pieces.Add((text, score, type));
    }

    private void ReadTrainer(CodedInputStream input)
    {
        (int begin, int end, int padding) = Special;
        foreach (int field in Fields(input))
            switch (field)
            {
                case 3:
                    Algorithm = input.ReadEnum();
                    break;
                case 24:
                    BlanksAreSuffixes = input.ReadBool();
                    break;
                case 35:
                    ByteFallback = input.ReadBool();
                    break;
                case 41:
                    begin = input.ReadInt32();
                    break;
                case 42:
                    end = input.ReadInt32();
                    break;
                case 43:
                    padding = input.ReadInt32();
                    break;
                case 44:
                    UnknownSurface = ReadText(input);
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        Special = (begin, end, padding);
    }

    private void ReadNormalizer(CodedInputStream input)
    {
        foreach (int field in Fields(input))
            switch (field)
            {
                case 2:
                    CharsMap = input.ReadBytes().ToByteArray();
                    break;
                case 3:
                    AddsDummyPrefix = input.ReadBool();
                    break;
                case 4:
                    RemovesExtraBlanks = input.ReadBool();
                    break;
                case 5:
                    EscapesBlanks = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
    }

    private static IEnumerable<int> Fields(CodedInputStream input)
    {
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
            yield return WireFormat.GetTagFieldNumber(tag);
    }

    private static string ReadText(CodedInputStream input)
        => new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(input.ReadBytes().Span);
}
