using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TorchSharp;
using Microsoft.ML.Trl;
using static TorchSharp.torch;

namespace Interop.Tests; // outside Microsoft.ML, where TorchSharp would mean Microsoft.ML.TorchSharp

/// <summary>
/// Microsoft.ML.TorchSharp, which was built for TorchSharp 0.102, in one process with our stages on 0.107. Its trainers download weights
/// when fitted, so what runs here is a trainer's schema check and an encoder with random weights. (Its text classification, and what shares
/// the NasBert encoder with it, cannot be fitted on 0.107 at all: they dispose what torch.nn.init returns, which is now the weight itself.
/// Its object detection calls an overload of interpolate that 0.107 no longer has.)
/// </summary>
[TestClass]
public sealed class BesideMicrosoftMLTorchSharpTests
{
    private static readonly Example[] Rows =
    [
        new() { Prompt = "the film", Completion = " was good and warm", Label = "good" },
        new() { Prompt = "the plot", Completion = " was thin and cold", Label = "bad" },
    ];

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Their_classifier_takes_the_completions_of_our_stage()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows);
        var classifier = new SchemaOnly(_ml.MulticlassClassification.Trainers.TextClassification(sentence1ColumnName: "Completion"));
        using TransformerChain<ITransformer> fitted =
            _ml.Transforms.Conversion.MapValueToKey("Label").Append(Sft()).Append(classifier).Fit(data);
        Assert.IsNotNull(classifier.Output);
        Assert.Contains("PredictedLabel", classifier.Output.Select(column => column.Name));
        Assert.HasCount(2, fitted.Transform(data).GetColumn<string>("Completion").ToArray());
    }

    [TestMethod]
    public void Their_encoder_runs_before_and_after_a_step_of_ours()
    {
        using IDisposable scope = NewDisposeScope();
        nn.Module encoder = Roberta();
        Tensor tokens = tensor(new long[,] { { 0, 5, 6, 2 }, { 0, 7, 8, 2 } });
        Tensor Encoded() => ((nn.IModule<Tensor, Tensor, Tensor, Tensor, Tensor>)encoder).call(
            tokens, arange(4).expand(2, 4), zeros_like(tokens), zeros(2, 1, 1, 4)); // positions, token types, attention mask
        Tensor before = Encoded();
        CollectionAssert.AreEqual(new long[] { 2, 4, 16 }, before.shape);
        Assert.IsTrue(before.isfinite().all().item<bool>());

        using TextGenerationTransformer ours = Sft().Fit(_ml.Data.LoadFromEnumerable(Rows));
        Assert.IsTrue(double.IsFinite(ours.Reports[^1].Metrics["loss"]));

        Assert.IsTrue(before.Equals(Encoded()), "their weights changed");
        before.square().sum().backward();
        Assert.IsTrue(encoder.parameters().All(weight => weight.grad is { } gradient && gradient.isfinite().all().item<bool>()));
    }

    private SftTrainer Sft()
    {
        TextTokenizer tokenizer = BpeTrainer.Train(Rows.Select(row => row.Prompt + row.Completion), 270);
        ModelSource source = ModelSource.New(ModelConfig.Gpt2(tokenizer.VocabularySize, 16, 1, 2, 32), tokenizer);
        return _ml.Trl().Sft(source, new SftOptions { MaxSteps = 1, Generation = new GenerationOptions { MaxNewTokens = 4 } });
    }

    /// <summary>The encoder behind their question answering: one layer, width 16, no dropout. It is internal, hence by name.</summary>
    private static nn.Module Roberta()
    {
        const string Name = "Microsoft.ML.TorchSharp.Roberta.Models.RobertaEncoder";
        Type encoder = typeof(TorchSharpCatalog).Assembly.GetType(Name, throwOnError: true)!;
        return (nn.Module)encoder.GetConstructors().Single().Invoke([1, 2, 50L, 16L, 16L, 16L, 32L, 8L, 1L, 1e-5, 0.0, 0.0, 0.0, 0.0]);
    }

    /// <summary>Checks the schema as an estimator does, and trains nothing.</summary>
    private sealed class SchemaOnly(IEstimator<ITransformer> inner) : IEstimator<ITransformer>
    {
        public SchemaShape? Output { get; private set; }

        public ITransformer Fit(IDataView input) => new TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Output = inner.GetOutputSchema(inputSchema);
    }

    private sealed class Example
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
