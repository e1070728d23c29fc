using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>A sequence classifier and its tokenizer: texts in, labels with scores and probabilities out. Owns the network.</summary>
public sealed class TextClassifier : IDisposable
{
    private const int RowsAtOnce = 32;

    private readonly ReferenceCount _uses;

    /// <summary>Puts the parts together.</summary>
    /// <param name="network">Owned from here on; set to evaluation.</param>
    /// <param name="tokenizer">Its tokens must all have a row in the network's embedding.</param>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies.</exception>
    public TextClassifier(SequenceClassifier network, TextTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, network.Config);
        (Network, Tokenizer) = (network, tokenizer);
        _uses = new ReferenceCount(nameof(TextClassifier), network.Dispose);
        network.SetDropout(null);
        network.eval();
    }

    /// <summary>The network. The classifier owns it.</summary>
    public SequenceClassifier Network { get; }

    /// <summary>Text to tokens.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>Names of the labels, in the order of scores and probabilities.</summary>
    public IReadOnlyList<string> Labels => Network.Labels;

    /// <summary>Loads a sequence classifier from a folder in Hugging Face's layout.</summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <param name="quantization">How matrices are held, but for the head; they are quantized one by one, while they are read.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="NotSupportedException">
    /// The family, the tokenizer or the kind of weights is not supported, or weights are quantized on a GPU.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Tokenizer and network have different vocabularies, the folder has no name, the device is not there, or weights cannot have the type.
    /// </exception>
    public static TextClassifier Load(
        string folder, Device? device = null, ScalarType? type = null, WeightQuantization quantization = WeightQuantization.None)
    {
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        TextCodec.CheckVocabulary(tokenizer, config);
        return new TextClassifier(HuggingFaceFolder.LoadClassifier(folder, device, type, quantization), tokenizer);
    }

    /// <summary>Classifies texts.</summary>
    /// <param name="texts">Each with a token at least; what goes beyond the model's context is cut off.</param>
    /// <returns>One for each text.</returns>
    /// <exception cref="ArgumentException">A text is null, or has no token.</exception>
    /// <exception cref="InvalidOperationException">A score is not a finite number: the weights are broken.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IReadOnlyList<LabelPrediction> Classify(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return Classify([.. texts.Select(Tokens)]);
    }

    /// <summary>A second classifier that shares nothing but the tokenizer with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>Quantized weights are widened in the copy.</remarks>
    public TextClassifier Copy(Device? device = null, ScalarType? type = null) => Copy(device, type, WeightQuantization.None);

    /// <summary>The same, with matrices that are held in a way of its own.</summary>
    internal TextClassifier Copy(Device? device, ScalarType? type, WeightQuantization quantization)
    {
        using IDisposable use = Use();
        QuantizedWeights.Check(device ?? Network.Device, quantization);
        return new TextClassifier(Network.Made(weights => QuantizedWeights.Of(weights, quantization), device, type), Tokenizer);
    }

    /// <summary>Saves a folder that <see cref="Load"/> and transformers can read.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        using IDisposable use = Use();
        HuggingFaceFolder.Save(folder, Network);
        Tokenizer.Save(folder);
    }

    /// <summary>Frees the weights, as soon as no call that has begun uses them any more.</summary>
    public void Dispose() => _uses.Dispose();

    /// <summary>Keeps the model alive until the result is disposed, even where another thread disposes the model.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal IDisposable Use() => _uses.Enter();

    /// <summary>The tokens of a text with those that begin and end one; its end, but not the token that ends it, is cut off.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="limit">Tokens at most; null = the model's context.</param>
    /// <returns>None where the text has none.</returns>
    internal int[] Encode(string text, int? limit = null)
    {
        int most = Math.Min(limit ?? int.MaxValue, Network.Config.ContextLength);
        int[] ids = Tokenizer.Encode(text, addSpecialTokens: true);
        if (ids.Length <= most)
            return ids;
        return Network.Config.Family.IsEncoder ? [.. ids[..(most - 1)], ids[^1]] : ids[..most];
    }

    /// <summary>Classifies texts that are tokens already, at least one in each.</summary>
    internal IReadOnlyList<LabelPrediction> Classify(IReadOnlyList<int[]> rows)
    {
        using IDisposable use = Use();
        return [.. rows.Chunk(RowsAtOnce).SelectMany(ClassifyBatch)];
    }

    private int[] Tokens(string text, int row)
    {
        int[] ids = Encode(text ?? throw new ArgumentException($"Text {row} is null; give a text."));
        return ids.Length > 0 ? ids : throw new ArgumentException($"Text {row} has no token; give it at least one character.");
    }

    private LabelPrediction[] ClassifyBatch(int[][] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        using TokenBatch batch = TokenBatch.Create(rows, [.. rows.Select(row => row.Length)], Network.Device);
        Tensor scores = Network.Logits(batch.Ids, batch.Lengths).to_type(ScalarType.Float32); // [B, labels]
        Tensor probabilities = Labels.Count == 1 ? scores.sigmoid() : scores.softmax(-1);
        float[][] scored = [.. scores.cpu().data<float>().ToArray().Chunk(Labels.Count)];
        float[][] likely = [.. probabilities.cpu().data<float>().ToArray().Chunk(Labels.Count)];
        if (scored.Any(row => !row.All(float.IsFinite)))
            throw new InvalidOperationException(
                "The classifier's scores are not finite numbers; its weights are not any more. Load or train it again.");
        return [.. scored.Zip(likely, (row, share) => new LabelPrediction(Labels[Array.IndexOf(row, row.Max())], row, share))];
    }
}
