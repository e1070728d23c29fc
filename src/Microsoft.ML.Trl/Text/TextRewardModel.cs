using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>A reward network and its tokenizer: texts in, scores out. Owns the network.</summary>
/// <remarks>
/// A text is scored at its last token that is not the pad token of the network's configuration: at the end token, unless the network was
/// loaded with that as its pad token. See the remarks on <see cref="RewardModel"/>.
/// </remarks>
public sealed class TextRewardModel : IDisposable
{
    private const int RowsAtOnce = 32;

    /// <summary>Puts the parts together.</summary>
    /// <param name="network">Owned from here on; set to evaluation.</param>
    /// <param name="tokenizer">Its tokens must all have a row in the network's embedding.</param>
    /// <param name="readsWholeTexts">True = trained on whole texts: prompt and completion are joined before they become tokens.</param>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies.</exception>
    public TextRewardModel(RewardModel network, TextTokenizer tokenizer, bool readsWholeTexts = false)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, network.Config);
        Network = network;
        Tokenizer = tokenizer;
        ReadsWholeTexts = readsWholeTexts;
        Codec = new TextCodec(tokenizer, network.Config);
        network.SetDropout(null);
        network.eval();
    }

    /// <summary>The network. The reward model owns it.</summary>
    public RewardModel Network { get; }

    /// <summary>Text to tokens.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>Texts of prompts and completions to token ids.</summary>
    internal TextCodec Codec { get; }

    /// <summary>Whether prompt and completion are joined before they become tokens.</summary>
    public bool ReadsWholeTexts { get; }

    /// <summary>Loads a sequence classifier with one label from a folder in Hugging Face's layout.</summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies.</exception>
    public static TextRewardModel Load(string folder, Device? device = null, ScalarType? type = null)
    {
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        TextCodec.CheckVocabulary(tokenizer, config);
        return new TextRewardModel(HuggingFaceFolder.LoadRewardModel(folder, device, type), tokenizer);
    }

    /// <summary>Scores completions.</summary>
    /// <param name="prompts">What they answer, one per completion; null scores the completions by themselves.</param>
    /// <param name="completions">The end token is added; what goes beyond the model's context is cut off.</param>
    /// <returns>One unbounded score per completion; higher is better.</returns>
    /// <exception cref="ArgumentException">There are not as many prompts as completions.</exception>
    /// <exception cref="InvalidOperationException">A score is not a finite number: the weights are broken.</exception>
    public float[] Score(IReadOnlyList<string>? prompts, IReadOnlyList<string> completions)
    {
        ArgumentNullException.ThrowIfNull(completions);
        if (prompts is not null && prompts.Count != completions.Count)
            throw new ArgumentException(
                $"There are {prompts.Count} prompts for {completions.Count} completions; give one per completion.", nameof(prompts));
        int[][] rows = [.. completions.Select((completion, row) => Tokens(prompts?[row], completion))];
        var scores = new List<float>(rows.Length);
        for (int start = 0; start < rows.Length; start += RowsAtOnce)
            scores.AddRange(Score(rows[start..Math.Min(rows.Length, start + RowsAtOnce)]));
        int broken = scores.FindIndex(score => !float.IsFinite(score));
        if (broken >= 0)
            throw new InvalidOperationException(
                $"The reward model scores completion {broken} with {scores[broken]}; its weights are broken. "
                + "Train it again with a lower learning rate.");
        return [.. scores];
    }

    /// <summary>Saves a folder that <see cref="Load"/> and transformers can read, and that scores alike in both.</summary>
    /// <remarks>
    /// transformers finds the token to score by <c>pad_token_id</c>. A network without a pad token is saved with one: the tokenizer's,
    /// where that is not an end token, else a token <c>[PAD]</c>, in a row of the embedding that no token uses or in one row more, of
    /// zeros. A network that has a pad token keeps it, even where it is an end token. Nothing in memory changes.
    /// </remarks>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    public void Save(string folder)
    {
        (TextTokenizer tokenizer, ModelConfig config) = OwnPadToken.For(Tokenizer, Network.Config);
        HuggingFaceFolder.Save(folder, Network, config);
        tokenizer.Save(folder);
    }

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();

    private int[] Tokens(string? prompt, string completion)
    {
        int[] ids = string.IsNullOrEmpty(prompt) || ReadsWholeTexts
            ? Codec.Whole(prompt + completion)
            : [.. Tokenizer.Encode(prompt, addSpecialTokens: true), .. Codec.Completion(completion)];
        if (ids.Length == 0)
            throw new ArgumentException("A completion without text cannot be scored by a model without an end token.", nameof(completion));
        return ids.Length <= Codec.ContextLength ? ids : ids[..Codec.ContextLength];
    }

    private float[] Score(int[][] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        using TokenBatch batch = TokenBatch.Create(rows, [.. rows.Select(row => row.Length)], Network.Device);
        return [.. Network.Score(batch.Ids, batch.Lengths).to_type(ScalarType.Float32).cpu().data<float>()];
    }
}
