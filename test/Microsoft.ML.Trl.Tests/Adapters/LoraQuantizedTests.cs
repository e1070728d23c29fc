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
}
