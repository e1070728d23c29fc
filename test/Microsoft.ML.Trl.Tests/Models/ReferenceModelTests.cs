using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

[TestClass]
public sealed class ReferenceModelTests
{
    private static readonly string[] Gpt2Below = ["transformer.wte.weight", "transformer.wpe.weight"];

    private static ModelConfig Gpt2 => ModelConfig.Gpt2(40, 16, 3, 2, 32);

    private static ModelConfig Llama => ModelConfig.Llama(40, 16, 3, 2, 32);

    [TestMethod]
    public void Without_shared_layers_it_is_a_frozen_copy_and_the_model_stays_trainable() => Leaks.None(() =>
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Gpt2, 1);
        model.train();
        using CausalLanguageModel reference = model.CreateReferenceModel();
        CollectionAssert.AreEqual(Toys.Flat(model.Weights()), Toys.Flat(reference.Weights()));
        Assert.IsTrue(reference.parameters().All(weight => !weight.requires_grad));
        Assert.IsTrue(model.parameters().All(weight => weight.requires_grad));
        Assert.IsTrue(model.training && !reference.training);
        Assert.IsEmpty(SharedNames(model, reference));
    });

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(2)]
    public void The_first_layers_and_the_embeddings_are_shared_in_memory_and_frozen_in_both(int layers) => Leaks.None(() =>
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Gpt2, 1);
        using CausalLanguageModel reference = model.CreateReferenceModel(layers);
        string[] expected =
        [
            .. model.Weights().Select(weight => weight.Name).Where(name => Gpt2Below.Contains(name)
                || Enumerable.Range(0, layers).Any(layer => name.StartsWith($"transformer.h.{layer}.", StringComparison.Ordinal))),
        ];
        CollectionAssert.AreEqual(expected, SharedNames(model, reference));
        Assert.IsTrue(reference.parameters().All(weight => !weight.requires_grad));
        string[] frozen = [.. model.Weights().Where(weight => !weight.Value.requires_grad).Select(weight => weight.Name)];
        CollectionAssert.AreEqual(expected, frozen);
        CollectionAssert.AreEqual(Toys.Flat(model.Weights()), Toys.Flat(reference.Weights()));
    });

    [TestMethod]
    public void A_LLaMA_model_shares_no_vocabulary_projection()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Llama, 1);
        using CausalLanguageModel reference = model.CreateReferenceModel(1);
        string[] shared = SharedNames(model, reference);
        CollectionAssert.Contains(shared, "model.embed_tokens.weight");
        CollectionAssert.Contains(shared, "model.layers.0.mlp.down_proj.weight");
        Assert.IsFalse(shared.Any(name => name.Contains("layers.1", StringComparison.Ordinal) || name == "lm_head.weight"));
        Assert.IsTrue(model.HeadWeight.requires_grad);
    }

    [TestMethod]
    public void A_pattern_says_where_sharing_ends()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Gpt2, 1);
        using CausalLanguageModel reference = model.CreateReferenceModel(1, "transformer.h.{layer}.mlp");
        string[] shared = SharedNames(model, reference);
        CollectionAssert.Contains(shared, "transformer.h.1.attn.c_proj.weight");
        Assert.IsFalse(shared.Any(name => name.Contains("h.1.mlp", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void The_tenth_layer_is_not_taken_for_the_first()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(40, 8, 12, 2, 32), 1);
        using CausalLanguageModel reference = model.CreateReferenceModel(11);
        Assert.HasCount(2 + (11 * 12), SharedNames(model, reference)); // a block of GPT-2 has 12 tensors
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Either_model_may_be_disposed_first(bool modelFirst) => Leaks.None(() =>
    {
        CausalLanguageModel model = CausalLanguageModel.Create(Gpt2, 1), reference = model.CreateReferenceModel(2);
        float[] before = Toys.Flat(model.Weights());
        (CausalLanguageModel first, CausalLanguageModel second) = modelFirst ? (model, reference) : (reference, model);
        first.Dispose();
        using (second)
            CollectionAssert.AreEqual(before, Toys.Flat(second.Weights()));
    });

    [TestMethod]
    public void Layers_that_are_not_there_are_refused()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Gpt2, 1);
        foreach (int layers in (int[])[-1, 3, 50])
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => model.CreateReferenceModel(layers)).Message,
                $"numSharedLayers ({layers}) must lie between 0 and 2: the model has 3 layers, and the last one is left to be trained.");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.CreateReferenceModel(1, "decoder.block.{layer}")).Message,
            "No weight has 'decoder.block.1' in its name, so all would be shared; names are such as transformer.ln_f.bias.");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.CreateReferenceModel(pattern: "h.{layer}")).Message,
            "pattern ('h.{layer}') says where sharing ends, but nothing is shared; set numSharedLayers too.");
        Assert.IsTrue(model.parameters().All(weight => weight.requires_grad), "nothing was frozen");
    }

    /// <summary>Names of the weights that lie at one place in memory.</summary>
    private static string[] SharedNames(CausalLanguageModel model, CausalLanguageModel reference) =>
    [
        .. model.Weights().Zip(reference.Weights())
            .Where(pair => Unsafe.AreSame(ref Memory(pair.First.Value), ref Memory(pair.Second.Value)))
            .Select(pair => pair.First.Name),
    ];

    private static ref byte Memory(Tensor tensor) => ref MemoryMarshal.GetReference(tensor.bytes);
}
