using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Adapters beside quantized weights: against the widened copy, which is an ordinary model.</summary>
[TestClass]
public sealed class LoraQuantizedTests
{
    [TestMethod]
    [DataRow("gpt2", WeightQuantization.Int8)]
    [DataRow("llama", WeightQuantization.Int4)]
    [DataRow("gpt2", WeightQuantization.Nf4)]
    [DataRow("llama", WeightQuantization.Nf4Nested)]
    [DataRow("qwen2", WeightQuantization.Nf4Nested)]
    [DataRow("phi3", WeightQuantization.Nf4)]
    public void They_compute_and_learn_as_beside_the_widened_weights(string name, WeightQuantization quantization)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder, null, null, quantization), wide = model.Copy();
        LoraOptions options = new() { R = 4, TargetModules = [LoraOptions.AllLinear], InitLoraWeights = LoraInitialization.Random };
        model.AddAdapter(options);
        wide.AddAdapter(options);
        Tensor ids = fixture["a.input_ids"];
        foreach (CausalLanguageModel one in new[] { model, wide })
            one.Logits(one.Hidden(ids)).square().mean().backward();
        foreach (((string weight, Tensor value), (_, Tensor same)) in wide.AdapterWeights().Zip(model.AdapterWeights()))
            Close.Relative(value.grad!, same.grad!, 1e-3, weight);
        var reports = new Collected();
        var sft = new SftOptions { MaxSteps = 6, LearningRate = 1e-2, LoggingSteps = 1, MaxLength = 32 };
        new SftLoop(model, sft, reports).Run([new TokenExample([3, 4, 5, 6, 7])]);
        Close.Below(reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
    }

    /// <summary>Every family, experts among them: its few bits stay as they are while the adapter learns.</summary>
    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void Adapters_learn_a_text_beside_nf4(string name)
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel plain = MadeModels.Load(name);
        using CausalLanguageModel model = plain.Made(source => QuantizedWeights.Of(source, WeightQuantization.Nf4Nested), null, null);
        model.eval();
        (string Name, Tensor Value)[] before = [.. model.HeldWeights().Select(weight => (weight.Name, weight.Value.clone()))];
        model.AddAdapter(new LoraOptions { R = 4, LoraAlpha = 16, TargetModules = [LoraOptions.AllLinear] });
        var reports = new Collected();
        var options = new SftOptions { MaxSteps = 12, LearningRate = 1e-2, LoggingSteps = 1, MaxLength = 32 };
        new SftLoop(model, options, reports).Run([new TokenExample([3, 4, 5, 7, 8, 9, 10], 3)]);
        Close.Below(0.8 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
        Held.Equal(before, model.HeldWeights());
    }

    [TestMethod]
    public void Adapters_learn_a_text_beside_nf4_in_an_encoder_decoder()
    {
        using var scope = NewDisposeScope();
        using LanguageModel plain = TinyT5.Model();
        using LanguageModel model = plain.Copy(quantization: WeightQuantization.Nf4);
        model.Network.AddAdapter(new LoraOptions { R = 4, LoraAlpha = 16, TargetModules = [LoraOptions.AllLinear] });
        var reports = new Collected();
        var options = new SftOptions { MaxSteps = 12, LearningRate = 2e-2, LoggingSteps = 1, MaxLength = 32 };
        new SftLoop(model.Network, options, reports).Run([new TokenExample([3, 4, 5, 7, 8, 9, 10], 3)]);
        Close.Below(0.8 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], "t5");
    }
}
