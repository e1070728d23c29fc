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

    private readonly ReferenceCount _uses;

    /// <summary>Puts the parts together.</summary>
    /// <param name="network">Owned from here on; set to evaluation.</param>
    /// <param name="tokenizer">Its tokens must all have a row in the network's embedding.</param>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies.</exception>
    public TextRewardModel(RewardModel network, TextTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, network.Config);
        Network = network;
        Tokenizer = tokenizer;
        Codec = new TextCodec(tokenizer, network.Config);
        _uses = new ReferenceCount(nameof(TextRewardModel), network.Dispose);
        network.SetDropout(null);
        network.eval();
    }

    /// <summary>The network. The reward model owns it.</summary>
    public RewardModel Network { get; }

    /// <summary>Name of the folder that it was loaded from, or <c>reward_model</c>.</summary>
    internal string Name { get; private init; } = "reward_model";

    /// <summary>Text to tokens.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>Texts of prompts and completions to token ids.</summary>
    internal TextCodec Codec { get; }

    /// <summary>Loads a sequence classifier with one label from a folder in Hugging Face's layout.</summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <param name="quantization">How matrices are held, but for the head; they are quantized one by one, while they are read.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="NotSupportedException">
    /// The weights are pickled, the family or the tokenizer is not supported, or weights are quantized on a GPU.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Tokenizer and network have different vocabularies, the folder has no name, the device is not there, or weights cannot have the type.
    /// </exception>
    public static TextRewardModel Load(
        string folder, Device? device = null, ScalarType? type = null, WeightQuantization quantization = WeightQuantization.None)
    {
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        TextCodec.CheckVocabulary(tokenizer, config);
        return new TextRewardModel(HuggingFaceFolder.LoadRewardModel(folder, device, type, quantization), tokenizer)
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
        };
    }

    /// <summary>Scores completions. Prompt and completion are one text when they become tokens, as in training.</summary>
    /// <param name="prompts">What they answer, one per completion; null scores the completions by themselves.</param>
    /// <param name="completions">The end token is added; what goes beyond the model's context is cut off.</param>
    /// <returns>One unbounded score per completion; higher is better.</returns>
    /// <exception cref="ArgumentException">There are not as many prompts as completions, or a text has no token.</exception>
    /// <exception cref="InvalidOperationException">A score is not a finite number: the weights are broken.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public float[] Score(IReadOnlyList<string>? prompts, IReadOnlyList<string> completions)
    {
        ArgumentNullException.ThrowIfNull(completions);
        if (prompts is not null && prompts.Count != completions.Count)
            throw new ArgumentException(
                $"There are {prompts.Count} prompts for {completions.Count} completions; give one per completion.", nameof(prompts));
        string text(int row) => Given(prompts, "Prompt", row) + Given(completions, "Completion", row);
        return Score([.. completions.Select((_, row) => Codec.Whole(text(row)))]);
    }

    /// <summary>Scores texts that are tokens already, such as a prompt with the very tokens that a policy has written.</summary>
    /// <param name="rows">Token ids, at least one per row; what goes beyond the model's context is cut off.</param>
    /// <returns>One unbounded score per row; higher is better.</returns>
    /// <exception cref="ArgumentException">A row has no token, or one outside of the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">A score is not a finite number: the weights are broken.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public float[] Score(IReadOnlyList<int[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using IDisposable use = Use();
        int[][] checkedRows = [.. rows.Select(Checked)];
        var scores = new List<float>(rows.Count);
        foreach (int[][] batch in checkedRows.Chunk(RowsAtOnce))
            scores.AddRange(ScoreBatch(batch));
        int broken = scores.FindIndex(score => !float.IsFinite(score));
        if (broken >= 0)
            throw new InvalidOperationException(
                $"The reward model scores row {broken} with {scores[broken]}; its weights are not finite numbers any more. "
                + "Load or train it again.");
        return [.. scores];
    }

    /// <summary>A second reward model that shares nothing but the tokenizer with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>Quantized weights are widened in the copy.</remarks>
    public TextRewardModel Copy(Device? device = null, ScalarType? type = null) => Copy(device, type, WeightQuantization.None);

    /// <summary>The same, with matrices that are held in a way of its own.</summary>
    internal TextRewardModel Copy(Device? device, ScalarType? type, WeightQuantization quantization)
    {
        using IDisposable use = Use();
        QuantizedWeights.Check(device ?? Network.Device, quantization);
        return new TextRewardModel(Network.Made(weights => QuantizedWeights.Of(weights, quantization), device, type), Tokenizer);
    }

    /// <summary>
    /// A second reward model with the same base in the same memory and the adapters that are on; nothing of it is trained.
    /// </summary>
    internal TextRewardModel Sharing()
    {
        using IDisposable use = Use();
        return new TextRewardModel(Network.Sharing(), Tokenizer);
    }

    /// <summary>Saves a folder that <see cref="Load"/> and transformers can read, and that scores alike in both.</summary>
    /// <remarks>
    /// transformers finds the token to score by <c>pad_token_id</c>. A network without a pad token is saved with one: the tokenizer's,
    /// where that is not an end token, else a token <c>[PAD]</c>, in a row of the embedding that no token uses or in one row more, of
    /// zeros. A network that has a pad token keeps it, even where it is an end token. Nothing in memory changes.
    /// </remarks>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        using IDisposable use = Use();
        (TextTokenizer tokenizer, ModelConfig config) = OwnPadToken.For(Tokenizer, Network.Config);
        HuggingFaceFolder.Save(folder, Network, config);
        tokenizer.Save(folder);
    }

    /// <summary>Keeps the model alive until the result is disposed, even where another thread disposes the model.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal IDisposable Use() => _uses.Enter();

    /// <summary>Frees the weights, as soon as no call that has begun uses them any more.</summary>
    public void Dispose() => _uses.Dispose();

    private static string Given(IReadOnlyList<string>? texts, string what, int row) => texts is null
        ? ""
        : texts[row] ?? throw new ArgumentException($"{what} {row} is null; give a text.");

    private int[] Checked(int[] ids, int row)
    {
        if (ids is null || ids.Length == 0)
            throw new ArgumentException($"Row {row} has no token; a text to be scored needs at least one.", nameof(ids));
        if (Array.FindIndex(ids, id => id < 0 || id >= Network.Config.VocabularySize) is >= 0 and int wrong)
            throw new ArgumentException(
                $"Row {row} holds the token {ids[wrong]}, but the vocabulary has the tokens 0 to {Network.Config.VocabularySize - 1}; "
                + "do tokenizer and model belong together?",
                nameof(ids));
        return ids.Length <= Codec.ContextLength ? ids : ids[..Codec.ContextLength];
    }

    private float[] ScoreBatch(int[][] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        using TokenBatch batch = TokenBatch.Create(rows, [.. rows.Select(row => row.Length)], Network.Device);
        return [.. Network.Score(batch.Ids, batch.Lengths).to_type(ScalarType.Float32).cpu().data<float>()];
    }
}
