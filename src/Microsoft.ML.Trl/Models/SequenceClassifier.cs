using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A model that gives a whole text a score for each label; a Hugging Face <c>*ForSequenceClassification</c>. Encoders read the text's first
/// token; decoders its last that is not the pad token.
/// </summary>
public sealed class SequenceClassifier : DecoderModel
{
    private static readonly string[] UsualLabels = ["LABEL_0", "LABEL_1"];

    private readonly LinearLayer? _dense;
    private readonly LinearLayer _output;
    private readonly Func<Tensor, Tensor> _activation;
    private Dropout _dropout = Models.Dropout.None;

    internal SequenceClassifier(ModelConfig config, WeightSource weights)
        : base(nameof(SequenceClassifier), WithoutEncoder(config), weights)
    {
        Labels = config.Labels.Count > 0 ? config.Labels : UsualLabels;
        ClassifierLayout layout = config.Family.Classifier;
        _activation = Activations.Named(layout.Activation);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        LinearLayer Layer(string path, long outputs, bool hasBias)
        {
            LinearLayer layer = new(
                new WeightPath(weights, path), config.OutputSize, outputs, initializer, hasBias ? Initializer.Zeros : null);
            this.Own(path, layer);
            return layer;
        }
        if (layout.Dense is { } dense)
            _dense = Layer(dense, config.OutputSize, hasBias: true);
        _output = Layer(layout.Output, Labels.Count, layout.HasBias);
    }

    /// <summary>
    /// Names of the labels, in the order of the scores; <c>LABEL_0</c> and <c>LABEL_1</c> where the configuration names none.
    /// </summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Type of the weights.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ScalarType Type => Tokens.Type;

    /// <summary>A model with random weights on the CPU in float32.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="labels">Names of the labels; a single one makes a model of one number.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <exception cref="ArgumentException">There is no label, or the model would be far larger than this machine's memory.</exception>
    /// <exception cref="InvalidDataException">The numbers of the configuration do not fit together, or one is out of range.</exception>
    /// <exception cref="NotSupportedException">There is no such activation or kind of rotary positions.</exception>
    public static SequenceClassifier Create(ModelConfig config, IReadOnlyList<string> labels, int seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        CheckLabels(labels);
        ModelSize.RequireMemory(config.Validated(nameof(Create)));
        using RandomWeights weights = new(seed);
        return new SequenceClassifier(config with { Labels = [.. labels] }, weights);
    }

    /// <summary>A classifier that begins with the layers of another model, copied, and a new projection onto the labels.</summary>
    /// <param name="model">A language model, a reward model, or a classifier of other labels; stays as it is.</param>
    /// <param name="labels">Names of the labels.</param>
    /// <param name="seed">The new projection is a function of it.</param>
    /// <exception cref="ArgumentException">There is no label, or two are the same.</exception>
    /// <exception cref="NotSupportedException">The model is an encoder-decoder.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static SequenceClassifier FromModel(DecoderModel model, IReadOnlyList<string> labels, int seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckLabels(labels);
        string output = model.Config.Family.Classifier.Output + ".";
        using RandomWeights drawn = new(seed);
        using var scope = NewDisposeScope();
        return new SequenceClassifier(
            model.Config with { Labels = [.. labels] },
            new CopiedWeights(model.LazyWeights().Where(weight => !weight.Name.StartsWith(output, StringComparison.Ordinal)), drawn));
    }

    /// <summary>
    /// As <see cref="FromModel"/>, with the layers in the model's memory, held as they are there; they are not trained.
    /// </summary>
    internal static SequenceClassifier Beside(DecoderModel model, IReadOnlyList<string> labels, int seed)
    {
        string output = model.Config.Family.Classifier.Output + ".";
        using RandomWeights drawn = new(seed);
        var weights = new CopiedWeights(
            model.LazyBase().Where(weight => !weight.Name.StartsWith(output, StringComparison.Ordinal)), drawn, shares: true);
        return model.ShareTo(
            new SequenceClassifier(model.Config with { Labels = [.. labels] }, model.Holding(weights)), withTrained: true);
    }

    /// <summary>A second model with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>Adapters that are on are merged into the copy.</remarks>
    public SequenceClassifier Copy(Device? device = null, ScalarType? type = null) => Made(source => source, device, type);

    /// <summary>The same model with weights that another source makes of its copied ones.</summary>
    internal SequenceClassifier Made(Func<WeightSource, WeightSource> change, Device? device, ScalarType? type)
    {
        using var scope = NewDisposeScope();
        SequenceClassifier copy = new(Config, change(new CopiedWeights(LazyWeights(), null, device, type)));
        copy.train(training);
        return copy;
    }

    /// <summary>Scores of all labels for each text.</summary>
    /// <param name="ids">[B, T] int64 token ids, padded on the right with anything.</param>
    /// <param name="lengths">Real tokens of each row, from 1 to T.</param>
    /// <param name="tokenTypes">
    /// [B, T] int64 which side of a pair each token belongs to, for encoders that tell them apart; null = all to the first.
    /// </param>
    /// <returns>[B, labels] in the type of the weights; unbounded. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// There are not as many lengths as rows, one is out of range, the ids are no tokens of the vocabulary (see
    /// <see cref="Decoder.Hidden"/>), or the kinds of tokens do not fit.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor Logits(Tensor ids, IReadOnlyList<int> lengths, Tensor? tokenTypes = null)
    {
        Body.CheckIds(ids);
        ScoredTokens.Check(ids, lengths);
        using var scope = NewDisposeScope();
        bool isEncoder = Config.Family.IsEncoder;
        Tensor read = isEncoder ? ScoredTokens.Firsts(ids) : ScoredTokens.Last(ids, lengths, Config.PadTokenId);
        Tensor state = Body.HiddenAt(ids, read, isEncoder ? ScoredTokens.Mask(ids, lengths) : null, tokenTypes); // [B, H]
        return Project(state).MoveToOuterDisposeScope();
    }

    /// <summary>Scores of all labels where some tokens are.</summary>
    /// <param name="ids">[B, T] int64 token ids, padded on the right with anything.</param>
    /// <param name="lengths">Real tokens of each row, from 1 to T.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, counted row by row.</param>
    /// <returns>[N, labels] in the type of the weights; unbounded. The caller owns it.</returns>
    internal Tensor LogitsAt(Tensor ids, IReadOnlyList<int> lengths, Tensor positions)
    {
        using var scope = NewDisposeScope();
        Tensor? mask = Config.Family.IsEncoder ? ScoredTokens.Mask(ids, lengths) : null;
        return Project(Body.HiddenAt(ids, positions, mask)).MoveToOuterDisposeScope();
    }

    /// <summary>From the states of the tokens that are read, [B, H], to scores, [B, labels]. The caller owns them.</summary>
    internal Tensor Project(Tensor states)
    {
        using var scope = NewDisposeScope();
        Tensor read = _dense is null ? states : _activation(_dense.Forward(states));
        return _output.Forward(_dropout.Apply(read, training)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void SetDropout(Generator? generator)
    {
        base.SetDropout(generator);
        _dropout = new Dropout(Config.ClassifierDropout, generator);
    }

    private static ModelConfig WithoutEncoder(ModelConfig config) => !config.IsEncoderDecoder ? config
        : throw new NotSupportedException(
            $"A {config.ModelType} model, whose encoder reads the prompt, is not supported as a classifier; train one from an encoder, "
            + "such as BERT, or a decoder, such as GPT-2.");

    /// <summary>Fails unless each label has a name of its own.</summary>
    internal static void CheckLabels(IReadOnlyList<string> labels, [CallerArgumentExpression(nameof(labels))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(labels, name);
        if (labels.Count == 0 || labels.Any(string.IsNullOrEmpty) || labels.Distinct().Count() != labels.Count)
            throw new ArgumentException(
                $"{name} are [{string.Join(", ", labels)}]; give at least one, each with a name of its own.", name);
    }
}
