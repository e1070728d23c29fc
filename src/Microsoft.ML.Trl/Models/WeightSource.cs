using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Where a model under construction gets its parameters from: drawn at random, copied, or read from a checkpoint.</summary>
internal abstract class WeightSource
{
    /// <summary>A parameter in the device and type of the source.</summary>
    /// <param name="name">Name in a Hugging Face checkpoint, from the root of the model.</param>
    /// <param name="initializer">How it is drawn when there is no stored value.</param>
    /// <param name="shape">Its sizes.</param>
    /// <returns>A parameter outside of every dispose scope. The module that asks owns it.</returns>
    public Parameter Take(string name, Initializer initializer, params long[] shape)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Parameter parameter = new(Make(name, initializer, shape));
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>How the matrices that it gives are held.</summary>
    public virtual WeightQuantization Quantization => WeightQuantization.None;

    /// <summary>Makes a source that holds what another one gives as this one does.</summary>
    public virtual Func<WeightSource, WeightSource> Holding => Plain;

    /// <summary>Type of the parameters that it gives; null = as they are where it has them from.</summary>
    public virtual ScalarType? Type => null;

    /// <summary>What <see cref="Take"/> would give, to be read only: perhaps of another type, and perhaps somebody else's memory.</summary>
    /// <returns>Belongs to the current scope, or to somebody else.</returns>
    public virtual Tensor Read(string name, Initializer initializer, params long[] shape) => Take(name, initializer, shape);

    /// <summary>The rows of a matrix that is only read, as <see cref="Read"/> gives them, some at a time.</summary>
    /// <param name="name">Of the weight.</param>
    /// <param name="initializer">How it is drawn when there is no stored value.</param>
    /// <param name="atOnce">Rows of a part; the last one may have fewer.</param>
    /// <param name="outputs">Rows in all.</param>
    /// <param name="inputs">Columns.</param>
    /// <returns>The number of a part's first row, and the part, which lives until the next one.</returns>
    public virtual IEnumerable<(long From, Tensor Rows)> ReadRows(
        string name, Initializer initializer, long atOnce, long outputs, long inputs)
    {
        Tensor whole = Read(name, initializer, outputs, inputs);
        for (long from = 0; from < outputs; from += atOnce)
        {
            using Tensor part = whole.narrow(0, from, Math.Min(atOnce, outputs - from));
            yield return (from, part);
        }
    }

    /// <summary>A matrix that the source has quantized already. The caller owns it.</summary>
    /// <param name="name">Of the weight.</param>
    /// <param name="quantization">How it is to be held.</param>
    /// <param name="outputs">Its rows.</param>
    /// <param name="inputs">Its columns.</param>
    /// <returns>Null where there is none that is held so.</returns>
    public virtual QuantizedMatrix? Held(string name, WeightQuantization quantization, long outputs, long inputs) => null;

    /// <summary>A linear layer at a place; without a way to draw a bias it has none.</summary>
    public virtual ILinear Linear(
        WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias, WeightLayout layout) =>
        new LinearLayer(at, inputs, outputs, weight, bias, layout);

    /// <summary>The vocabulary projection at a place; without a way to draw a bias it has none.</summary>
    public virtual ILinear Head(WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias) =>
        Linear(at, inputs, outputs, weight, bias, WeightLayout.OutputsByInputs);

    /// <summary>The embedding of tokens at a place.</summary>
    public virtual TokenEmbedding Embedding(WeightPath at, long tokens, long width, Initializer initializer, double factor) =>
        new ParameterEmbedding(at, tokens, width, initializer, factor);

    /// <summary>A new tensor that nobody else uses.</summary>
    protected abstract Tensor Make(string name, Initializer initializer, long[] shape);

    private static WeightSource Plain(WeightSource source) => source;
}

/// <summary>A place in the tree of a checkpoint's names, such as <c>transformer.h.0.attn</c>, and where its weights come from.</summary>
/// <param name="Source">Gives the weights.</param>
/// <param name="Path">Full name of the place.</param>
/// <param name="NameParts">Parts of the path that <see cref="Name"/> has.</param>
internal sealed record WeightPath(WeightSource Source, string Path, int NameParts = 1)
{
    /// <summary>Last part of the path, or last parts: what the module at this place is called by the one that holds it.</summary>
    public string Name => string.Join('.', Path.Split('.')[^NameParts..]);

    /// <summary>A place below this one.</summary>
    /// <param name="child">Its name, or path.</param>
    /// <param name="nameParts">Parts at the path's end that the holder of the module calls it by.</param>
    public WeightPath At(string child, int nameParts = 1) => this with { Path = $"{Path}.{child}", NameParts = nameParts };

    /// <summary>A parameter at this place.</summary>
    public Parameter Take(string child, Initializer initializer, params long[] shape) => Source.Take($"{Path}.{child}", initializer, shape);

    /// <summary>The blocks of a decoder at this place, each made at its own.</summary>
    /// <param name="config">Says how many, and what their list is called.</param>
    /// <param name="compose">Makes a block of its place and its number, from 0.</param>
    public Block[] Blocks(ModelConfig config, Func<WeightPath, int, Block> compose) =>
        [.. Enumerable.Range(0, config.LayerCount).Select(layer => compose(At($"{config.Family.BlocksName}.{layer}"), layer))];

    /// <summary>
    /// A linear layer below this place; a bias begins at 0. All of a model's are made here, so that a name may get another kind of layer.
    /// </summary>
    public ILinear Linear(
        string child, long inputs, long outputs, Initializer initializer, bool hasBias,
        WeightLayout layout = WeightLayout.OutputsByInputs, int nameParts = 1) =>
        Source.Linear(At(child, nameParts), inputs, outputs, initializer, hasBias ? Initializer.Zeros : null, layout);

    /// <summary>The embedding of tokens at this place.</summary>
    /// <param name="tokens">V.</param>
    /// <param name="width">H.</param>
    /// <param name="initializer">How fresh rows are drawn.</param>
    /// <param name="factor">Of the rows that are read.</param>
    /// <param name="isShared">Whether it serves more than one stack of blocks.</param>
    public TokenEmbedding Embedding(long tokens, long width, Initializer initializer, double factor = 1, bool isShared = false)
    {
        TokenEmbedding embedding = Source.Embedding(this, tokens, width, initializer, factor);
        embedding.IsShared = isShared;
        return embedding;
    }
}

/// <summary>Draws weights on the CPU, float32, as a function of the seed alone.</summary>
internal sealed class RandomWeights(int seed) : WeightSource, IDisposable
{
    private readonly Generator _rng = new((ulong)(uint)seed);

    public void Dispose() => _rng.Dispose();

    protected override Tensor Make(string name, Initializer initializer, long[] shape) =>
        initializer.Fill(empty(shape, ScalarType.Float32), _rng);
}

/// <summary>Gives empty tensors, whatever the shape, and counts what a model would hold.</summary>
internal sealed class CountedWeights : WeightSource
{
    public Int128 Count { get; private set; }

    protected override Tensor Make(string name, Initializer initializer, long[] shape)
    {
        Count += shape.Aggregate(Int128.One, (product, size) => product * size);
        return empty(0);
    }
}
