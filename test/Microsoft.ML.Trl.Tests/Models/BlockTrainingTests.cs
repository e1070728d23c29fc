using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Blocks that are computed again in the backward pass, against the same pass without: bit by bit.</summary>
[TestClass]
public sealed class BlockTrainingTests
{
    private static readonly TokenExample[] Texts =
        [new([3, 4, 5, 6, 7, 8, 9, 10, 11], 3), new([20, 21, 22, 23], 2), new([9, 8, 7, 6, 5, 4, 3, 2, 1, 12, 13, 14], 4)];

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void Loss_and_gradients_are_those_without(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        Pass plain = Run(model, null), again = Run(model, new BlockTraining { Recomputes = true });
        Assert.AreEqual(plain.Loss, again.Loss, name);
        // padded prompts: the learned bias of T5's encoder is summed over rows before it is summed over blocks, and not behind
        Equal(plain, again, name, rounded: name == "t5" ? "relative_attention_bias" : null);
    }

    [TestMethod]
    [DataRow("llama")]
    [DataRow("t5")]
    [DataRow("mixtral")]
    public void A_base_that_is_frozen_lets_adapters_learn_alike(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        model.AddAdapter(new LoraOptions { R = 4, TargetModules = [LoraOptions.AllLinear], InitLoraWeights = LoraInitialization.Random });
        Pass plain = Run(model, null), again = Run(model, new BlockTraining { Recomputes = true });
        Assert.IsNotEmpty(again.Gradients);
        Equal(plain, again, name);
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void In_bfloat16_both_passes_take_the_same_kernels(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        model.to(ScalarType.BFloat16);
        Pass plain = Run(model, null), again = Run(model, new BlockTraining { Recomputes = true });
        Assert.AreEqual(plain.Loss, again.Loss, name);
        Equal(plain, again, name);
    }

    [TestMethod]
    public void Blocks_below_the_first_that_is_trained_are_not_computed_again()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        foreach (Tensor weight in model.Body.EmbeddingParameters().Concat(model.Body.Blocks[0].OwnParameters()))
            weight.requires_grad = false;
        List<Block> finished = [];
        Pass plain = Run(model, null), again = Run(model, new BlockTraining { Recomputes = true, Finished = finished.Add });
        Equal(plain, again, "upper half");
        Assert.HasCount(1, finished);
        Assert.AreSame(model.Body.Blocks[1], finished[0]);
    }

    [TestMethod]
    [DataRow("llama")]
    [DataRow("t5")]
    public void The_same_entries_are_dropped_again(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        using Generator first = new(5), second = new(5);
        model.train();
        model.SetDropout(0.3, first);
        Pass plain = Run(model, null);
        model.SetDropout(0.3, second);
        Pass again = Run(model, new BlockTraining { Recomputes = true });
        Assert.AreEqual(plain.Loss, again.Loss, name);
        Equal(plain, again, name, rounded: name == "t5" ? "relative_attention_bias" : null);
        using var scope = NewDisposeScope();
        Assert.IsTrue(first.get_state().equal(second.get_state()).all().item<bool>(), "the next pass draws the same");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Blocks_tell_from_the_last_to_the_first_when_their_gradients_are_there(bool recomputes)
    {
        using CausalLanguageModel model = Toys.Gpt2();
        var seen = new List<(Block Block, int Gradients)>();
        BlockTraining run = new()
        {
            Recomputes = recomputes,
            Finished = block => seen.Add((block, block.OwnParameters().Count(parameter => parameter.grad is not null))),
        };
        Run(model, run);
        Assert.HasCount(2, seen);
        Assert.AreSame(model.Body.Blocks[1], seen[0].Block);
        Assert.AreSame(model.Body.Blocks[0], seen[1].Block);
        foreach ((Block block, int gradients) in seen)
            Assert.AreEqual(12, gradients);
    }

    [TestMethod]
    public void What_fails_in_the_backward_pass_is_known_behind_it_and_ends_it()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        int calls = 0;
        BlockTraining run = new()
        {
            Recomputes = true,
            Finished = _ => throw new InvalidDataException($"call {++calls}"),
        };
        Run(model, run, end: false);
        Assert.IsTrue(run.HasFailed);
        Assert.AreEqual("call 1", run.EndPass()!.Message);
        Assert.AreEqual(1, calls);
        Assert.IsNull(run.EndPass());
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("t5")]
    [DataRow("qwen2_moe")]
    public void Inputs_that_do_not_come_back_are_an_error_behind_the_backward_pass(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        BlockTraining run = new() { Recomputes = true, Store = new LosingStore() };
        Assert.AreEqual("lost", Assert.ThrowsExactly<IOException>(() => Run(model, run)).Message);
        Assert.IsFalse(run.HasFailed);
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("t5")]
    [DataRow("qwen2_moe")]
    public void No_tensor_outlives_a_pass(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        BlockTraining run = new() { Recomputes = true };
        Leaks.None(() =>
        {
            Run(model, run);
            foreach (Tensor parameter in model.parameters())
                parameter.grad = null!;
        });
    }

    [TestMethod]
    public void Without_gradients_blocks_run_as_they_are()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        model.SetBlockTraining(new BlockTraining { Recomputes = true, Finished = _ => Assert.Fail("there is no backward pass") });
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Assert.IsFalse(model.Hidden(tensor(new long[] { 1, 2, 3 }).unsqueeze(0)).requires_grad);
    }

    private static Pass Run(CausalLanguageModel model, BlockTraining? run, bool end = true)
    {
        using var scope = NewDisposeScope();
        foreach (Tensor parameter in model.parameters())
            parameter.grad = null!;
        model.SetBlockTraining(run);
        using TokenBatch batch = model.Batch(Texts);
        RouterLoad? load = model.Config.Experts is null ? null : new RouterLoad(batch.Ids, batch.Lengths);
        Tensor loss = -LogProbs.OfHidden(model.HiddenAt(batch, load), model.Head, batch.Labels).mean();
        if (load is not null)
            loss += load.Loss() * 0.1;
        loss.backward();
        HandedGradients.Drop();
        model.SetBlockTraining(null);
        if (end && run?.EndPass() is { } failure)
            throw failure;
        return new Pass(loss.item<float>(), model.named_parameters().Where(pair => pair.parameter.grad is not null)
            .ToDictionary(pair => pair.name, pair => pair.parameter.grad!.to_type(ScalarType.Float32).data<float>().ToArray()));
    }

    private static void Equal(Pass expected, Pass actual, string what, string? rounded = null)
    {
        CollectionAssert.AreEquivalent(expected.Gradients.Keys.ToArray(), actual.Gradients.Keys.ToArray(), what);
        foreach ((string name, float[] gradient) in expected.Gradients)
            if (rounded is not null && name.Contains(rounded, StringComparison.Ordinal))
                Close.Relative(gradient, actual.Gradients[name], 1e-5, $"{what} {name}");
            else
                CollectionAssert.AreEqual(gradient, actual.Gradients[name], $"{what} {name}");
    }

    private sealed class LosingStore : IActivationStore
    {
        public Func<Tensor> Put(Tensor activation) => () => throw new IOException("lost");

        public void Clear() { }

        public void Dispose() { }
    }

    private sealed record Pass(float Loss, Dictionary<string, float[]> Gradients);
}
