using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Finishing some positions only gives the numbers and gradients of finishing all.</summary>
[TestClass]
public sealed class HiddenAtTests
{
    private static readonly long[] Positions = [1, 4, 5, 9, 12];

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void Chosen_places_have_the_states_and_gradients_of_all_places(string family) => Leaks.None(() =>
    {
        ModelConfig config = family == "gpt2"
            ? ModelConfig.Gpt2(30, 16, 2, 2, 32)
            : ModelConfig.Llama(30, 16, 2, 4, 32, keyValueHeads: 2, intermediateSize: 24);
        using CausalLanguageModel model = CausalLanguageModel.Create(config, seed: 1);
        model.eval();
        using var scope = NewDisposeScope();
        Tensor ids = tensor([.. Enumerable.Range(1, 14).Select(id => (long)id)]).view(2, 7);
        Tensor positions = tensor(Positions);

        Tensor all = model.Hidden(ids).flatten(0, 1).index_select(0, positions);
        float[] expected = Gradients(model, all);
        Tensor some = model.HiddenAt(ids, positions);
        float[] actual = Gradients(model, some);

        Close.Absolute(all, some, 1e-6);
        Close.Absolute(expected, actual, 1e-5);
    });

    private static float[] Gradients(CausalLanguageModel model, Tensor states)
    {
        (states * arange(states.NumberOfElements).view(states.shape)).sum().backward();
        float[] all = [.. model.Body.parameters().SelectMany(weight => (weight.grad! / 1000).data<float>().ToArray())];
        foreach (Tensor weight in model.Body.parameters())
            weight.grad = null!;
        return all;
    }
}
