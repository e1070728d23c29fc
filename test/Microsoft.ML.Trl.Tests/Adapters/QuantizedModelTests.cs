using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Models with quantized weights: against their own widened copies, which compute as every float model does.</summary>
[TestClass]
public sealed class QuantizedModelTests
{
    private static readonly MLContext Ml = new(seed: 1);

    /// <summary>Without AVX-512 libtorch's product stands in, which is one of bfloat16.</summary>
    private static bool IsExact => SmallBatchKernel<sbyte>.IsSupported;

    public static IEnumerable<object[]> Models =>
        from decoder in ModelFixture.Writers
        from quantization in Enum.GetValues<WeightQuantization>().Except([WeightQuantization.None])
        select new object[] { decoder[0], quantization };

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void A_quantized_model_computes_what_its_widened_copy_does(string name, WeightQuantization quantization)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel original = HuggingFaceFolder.LoadModel(fixture.Folder);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder, null, null, quantization);
        using CausalLanguageModel widened = model.Copy();
        Assert.AreEqual(quantization, model.Quantization);
        Assert.AreEqual(original.ParameterCount, model.ParameterCount);
        Assert.AreEqual(WeightQuantization.None, widened.Quantization);
        CollectionAssert.AreEquivalent(original.Weights().Select(weight => weight.Name).ToArray(), Names(model));
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor logits = Logits(model);
        Close.Absolute(Logits(widened), logits, IsExact ? 1e-4 : 0.5, $"{name} logits");
        Assert.IsGreaterThan(1e-4, (logits - Logits(original)).abs().max().item<float>(), "nothing was rounded");
        if (!IsExact)
            return;
        int[][] prompts = [[5, 6, 7], [9, 8]];
        GenerationOptions greedy = new() { DoSample = false, MaxNewTokens = 8, EosTokenIds = [] };
        int[][] expected = [.. new TokenGenerator(widened).Generate(prompts, greedy).Tokens];
        int[][] found = [.. new TokenGenerator(model).Generate(prompts, greedy).Tokens];
        for (int row = 0; row < prompts.Length; row++)
            CollectionAssert.AreEqual(expected[row], found[row], $"{name} row {row}");
    }

    [TestMethod]
    [DataRow(WeightQuantization.Int8, 0.03)]
    [DataRow(WeightQuantization.Int4, 0.4)]
    [DataRow(WeightQuantization.Nf4, 0.4)]
    [DataRow(WeightQuantization.Nf4Nested, 0.4)]
    public void Log_probabilities_stay_close_on_average(WeightQuantization quantization, double bound)
    {
        using ModelFixture fixture = new("llama");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder, null, null, quantization);
        using var scope = NewDisposeScope();
        Tensor expected = fixture["a.logits"].log_softmax(-1), found = ModelFixture.Logits(model, fixture["a.input_ids"]).log_softmax(-1);
        Assert.IsLessThan(bound, (expected - found).abs().mean().item<float>());
    }

    [TestMethod]
    [DataRow(WeightQuantization.Int8)]
    [DataRow(WeightQuantization.Int4)]
    [DataRow(WeightQuantization.Nf4)]
    [DataRow(WeightQuantization.Nf4Nested)]
    public void A_quantized_transformer_answers_equally_from_its_file(WeightQuantization quantization)
    {
        string path = Path.GetTempFileName();
        IDataView rows = Ml.Data.LoadFromEnumerable(Tiny.Pairs);
        using TextGenerationTransformer transformer =
            Ml.Trl().TextGeneration(Tiny.Source(), Tiny.Greedy, quantization: quantization).Fit(rows);
        Assert.AreEqual(quantization, transformer.Model.Network.Quantization);
        Ml.Trl().Save(transformer, rows.Schema, path);
        using var loaded = (TextGenerationTransformer)Ml.Trl().Load(path, out _);
        Assert.AreEqual(quantization, loaded.Model.Network.Quantization);
        CollectionAssert.AreEqual(Answers(transformer, rows), Answers(loaded, rows));
        File.Delete(path);
    }

    [TestMethod]
    public void A_trainer_widens_a_quantized_source()
    {
        using LanguageModel quantized = Tiny.Model().Copy(quantization: WeightQuantization.Int8);
        using var trained = Ml.Trl().Sft(ModelSource.FromModel(quantized), new SftOptions { MaxSteps = 1 })
            .Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs));
        Assert.AreEqual(WeightQuantization.None, trained.Model.Network.Quantization);
        Assert.AreEqual(WeightQuantization.Int8, quantized.Copy().Network.Quantization);
    }

    [TestMethod]
    public void Quantized_weights_are_not_trained()
    {
        using LanguageModel model = Tiny.Model().Copy(quantization: WeightQuantization.Int4);
        TokenExample[] examples = [new TokenExample([1, 2, 3], 1)];
        var sft = Assert.ThrowsExactly<NotSupportedException>(
            () => new SftLoop(model.Network, new SftOptions(), new Collected()).Run(examples, CancellationToken.None));
        StringAssert.Contains(sft.Message, "quantized");
        StringAssert.Contains(sft.Message, "Copy()");
        var ppo = Assert.ThrowsExactly<NotSupportedException>(() => new PpoSession(model.Network, new PpoOptions()));
        StringAssert.Contains(ppo.Message, "The policy has quantized weights");
    }

    [TestMethod]
    public void Quantized_weights_stay_on_the_CPU()
    {
        var refused = Assert.ThrowsExactly<NotSupportedException>(
            () => QuantizedWeights.Check(new Device(TorchSharp.DeviceType.CUDA), WeightQuantization.Int8));
        StringAssert.Contains(refused.Message, "CPU");
        var unknown = Assert.ThrowsExactly<ArgumentException>(() => Tiny.Model().Copy(quantization: (WeightQuantization)9));
        StringAssert.Contains(unknown.Message, "None, Int8, Int4, Nf4, Nf4Nested");
    }

    [TestMethod]
    public void A_quantized_model_leaves_no_tensor_behind() => Leaks.None(() =>
    {
        using LanguageModel plain = Tiny.Model();
        using LanguageModel model = plain.Copy(quantization: WeightQuantization.Int4);
        model.Complete("the film", Tiny.Greedy);
    });

    private static Tensor Logits(CausalLanguageModel model)
    {
        Tensor ids = tensor(new long[,] { { 5, 6, 7, 8, 9 }, { 11, 12, 13, 14, 15 } });
        using EncodedPrompts? prompts = model.Encoder is null ? null : model.Encode(ids);
        return model.Logits(model.Hidden(ids, prompts: prompts));
    }

    private static string[] Names(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        return [.. model.Weights().Select(weight => weight.Name)];
    }

    private static string[] Answers(TextGenerationTransformer transformer, IDataView rows) =>
        [.. Ml.Data.CreateEnumerable<Tiny.Answer>(transformer.Transform(rows), false).Select(answer => answer.Completion)];
}
