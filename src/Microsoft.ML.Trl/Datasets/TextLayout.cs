using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>
/// How prompt and answer lie before a model: one behind the other in the decoder, or the prompt in an encoder and the answer in the
/// decoder. All that the two kinds of models need differently of a batch.
/// </summary>
/// <param name="DecoderStart">Token that the decoder begins an answer with where an encoder reads the prompt; null = no encoder.</param>
internal sealed record TextLayout(int? DecoderStart)
{
    /// <summary>Prompt and answer one behind the other.</summary>
    public static TextLayout OneBehindTheOther { get; } = new((int?)null);

    /// <summary>Whether an encoder reads the prompts.</summary>
    public bool HasEncoder => DecoderStart is not null;

    /// <summary>What the decoder reads before the answer.</summary>
    /// <param name="prompt">Token ids.</param>
    public int[] BeforeAnswer(int[] prompt) => DecoderStart is { } start ? [start] : prompt;

    /// <summary>What the decoder reads of a text: all of it, or the answer behind the start token.</summary>
    /// <param name="text">Prompt and answer.</param>
    public TokenExample DecoderRow(TokenExample text)
    {
        if (DecoderStart is not { } start)
            return text;
        int begin = Math.Min(text.PromptLength, text.Ids.Length);
        bool[] learned = [false, .. Enumerable.Range(begin, text.Ids.Length - begin).Select(text.Learns)];
        return new TokenExample([start, .. text.Ids[begin..]], 1) { Learned = learned };
    }

    /// <summary>What the encoder reads of texts; null where there is none. The tensors belong to the current scope.</summary>
    /// <param name="texts">Prompts and answers.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <exception cref="ArgumentException">A text has no prompt.</exception>
    public PromptBatch? Prompts(IReadOnlyList<TokenExample> texts, Device? device) =>
        HasEncoder ? PromptBatch.Create([.. texts.Select(text => text.Ids[..Math.Min(text.PromptLength, text.Ids.Length)])], device) : null;

    /// <summary>The same of prompts alone.</summary>
    public PromptBatch? Prompts(IReadOnlyList<int[]> prompts, Device? device) =>
        HasEncoder ? PromptBatch.Create(prompts, device) : null;
}
