using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>Blocks that are updated in the backward pass: what exists when, and what becomes of steps that fail on the way.</summary>
[TestClass]
public sealed class OptimizerInBackwardTests
{
    private static readonly SftOptions Options = new()
    {
        MaxSteps = 3,
        PerDeviceTrainBatchSize = 4,
        LearningRate = 1e-3,
        MaxGradNorm = 0,
        OptimizerInBackward = true,
    };

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_step_that_fails_on_the_way_says_that_it_is_half_done(bool recomputes)
    {
        using CausalLanguageModel model = Exploding();
        float[] upper = Block(model, 1), lower = Block(model, 0);
        var error = Assert.ThrowsExactly<TrainingDivergedException>(
            () => new SftLoop(model, Options with { GradientCheckpointing = recomputes }).Run(TinyModels.Texts(4)));
        Assert.AreEqual(1, error.Step);
        Assert.Contains("had updated 1 of the blocks before this was seen: the step is half done", error.Message);
        Assert.Contains("neither those of step 0 nor of step 1. Train again from the start.", error.Message);
        CollectionAssert.AreEqual(lower, Block(model, 0));
        CollectionAssert.AreNotEqual(upper, Block(model, 1));
        Assert.IsTrue(model.parameters().All(parameter => parameter.grad is null && parameter.requires_grad));
    }

    [TestMethod]
    public void A_loss_that_is_no_number_is_refused_before_the_backward_pass()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        var error = Assert.ThrowsExactly<TrainingDivergedException>(
            () => new SftLoop(model, Options with { LearningRate = 1e30, LrSchedulerType = LrSchedulerType.Constant })
                .Run(TinyModels.Texts(8)));
        Assert.AreEqual(2, error.Step);
        Assert.Contains("The step was not applied, the model keeps the weights of step 1.", error.Message);
    }

    [TestMethod]
    public void Ppo_takes_a_half_done_step_back()
    {
        using CausalLanguageModel policy = Exploding();
        var options = new PpoOptions { BatchSize = 2, MiniBatchSize = 2, OptimizerInBackward = true, GradientCheckpointing = true };
        using var session = new PpoSession(policy, options);
        float[] before = TinyModels.Flat(policy.Weights());
        var error = Assert.ThrowsExactly<TrainingDivergedException>(() => session.Step([[1, 2], [3]], [[4, 5], [6]], [1, -1]));
        Assert.Contains("The step was not applied", error.Message);
        CollectionAssert.AreEqual(before, TinyModels.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Gradients_of_all_blocks_never_exist_at_once()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyModels.Gpt2();
        using MemorySaving memory = MemorySaving.Begin(model, Options);
        using GradientStep gradients = new(ParameterRates.Of(model, [], Options), Options, 1, memory);
        using TokenBatch batch = model.Batch(TinyModels.Texts(4));
        gradients.Begin();
        gradients.Accumulate(-LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels).mean());
        Assert.IsTrue(model.Body.Blocks.SelectMany(block => block.OwnParameters()).All(parameter => parameter.grad is null));
        Assert.IsNotNull(model.Body.TokenEmbedding.grad);
        Close.Above(0, gradients.Update(1), "the norm covers what is gone");
        Assert.IsNull(model.Body.TokenEmbedding.grad);
    }

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void No_tensor_outlives_a_run(bool recomputes, bool offloads) => Leaks.None(() =>
    {
        using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.1);
        SftOptions options = Options with
        {
            GradientCheckpointing = recomputes,
            ActivationOffloading = offloads,
            OffloadFolder = offloads ? Path.GetTempPath() : null,
            LisaActivatedLayers = 1,
            LisaIntervalSteps = 1,
        };
        new SftLoop(model, options).Run(TinyModels.Texts(8));
    });

    /// <summary>A model whose forward pass is finite, while the gradient of its first block is not.</summary>
    private static CausalLanguageModel Exploding()
    {
        using var noGrad = no_grad();
        CausalLanguageModel model = TinyModels.Gpt2();
        Dictionary<string, Tensor> weights = model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        weights["transformer.h.0.mlp.c_fc.weight"].zero_();
        weights["transformer.h.0.mlp.c_fc.bias"].zero_(); // so that what follows is multiplied by 0
        weights["transformer.h.0.mlp.c_proj.weight"].fill_(3e38);
        return model;
    }

    private static float[] Block(CausalLanguageModel model, int block) =>
        TinyModels.Flat(model.Weights().Where(weight => weight.Name.Contains($".h.{block}.", StringComparison.Ordinal)));
}
