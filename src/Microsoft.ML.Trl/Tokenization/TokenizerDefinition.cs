using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>What a tokenizer.json says.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Token to id, without the added tokens that the model itself does not know.</summary>
    public required Dictionary<string, int> Vocab { get; init; }

    /// <summary>BPE: pairs in the order in which they are joined, each once.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; init; } = [];

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>The model of all kinds but byte-level BPE, of which it is null.</summary>
    public IWordModel? Words { get; init; }

    public string? UnknownToken { get; init; }

    public bool FusesUnknown { get; init; }

    /// <summary>A piece that is itself in the vocabulary is not taken apart.</summary>
    public bool IgnoresMerges { get; init; }

    public Normalizer? Normalizer { get; init; }

    public required PreTokenizerDefinition PreTokenizer { get; init; }

    public required TokenTemplate Template { get; init; }

    /// <summary>Makes the decoders for a text; null where text is made of the tokens' bytes.</summary>
    public Func<IDecoderStep[]>? Decoders { get; init; }

    /// <summary>Whether Hugging Face's libraries can read the vocabulary from vocab.json and merges.txt.</summary>
    public bool IsByteLevel => Words is null;
}
