using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>What a tokenizer.json says, as far as it concerns a byte-level BPE.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Token to id, without the added tokens that the model itself does not know.</summary>
    public required IReadOnlyDictionary<string, int> Vocabulary { get; init; }

    /// <summary>Pairs in the order in which they are joined, each once.</summary>
    public required IReadOnlyList<(string Left, string Right)> Merges { get; init; }

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    public string? UnknownToken { get; init; }

    public bool FusesUnknown { get; init; }

    /// <summary>A piece that is itself in the vocabulary is not taken apart.</summary>
    public bool IgnoresMerges { get; init; }

    public Normalizer? Normalizer { get; init; }

    public required PreTokenizerDefinition PreTokenizer { get; init; }

    /// <summary>Ids before a text that is encoded with special tokens.</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>Ids behind it.</summary>
    public IReadOnlyList<int> Suffix { get; init; } = [];
}

/// <summary>Where a text is cut before the merges.</summary>
/// <param name="AddsPrefixSpace">A blank is put in front of a text that does not begin with one.</param>
/// <param name="TextRules">Cuts of the text.</param>
/// <param name="LetterRules">Cuts after the text was written in the byte alphabet; these may part the bytes of a character.</param>
internal sealed record PreTokenizerDefinition(bool AddsPrefixSpace, IReadOnlyList<SplitRule> TextRules, IReadOnlyList<SplitRule> LetterRules);
