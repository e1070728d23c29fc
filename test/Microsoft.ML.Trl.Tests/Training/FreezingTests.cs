using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>Which weights runs change, and what is left of that afterwards.</summary>
[TestClass]
public sealed class FreezingTests
{
    private const float Rate = 1e-3f;

    private static readonly SftOptions Options = new()
    {
        MaxSteps = 12,
        PerDeviceTrainBatchSize = 4,
        LearningRate = Rate,
        LrSchedulerType = LrSchedulerType.Constant,
        LoggingSteps = 1,
        MaxGradNorm = 0,
    };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Frozen_weights_stay_as_they_are_bit_by_bit(bool recomputes)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        Dictionary<string, float[]> before = Values(model);
        SftOptions options = Options with { FreezeFirstLayers = 1, FreezeEmbeddings = true, GradientCheckpointing = recomputes };
        new SftLoop(model, options).Run(TinyModels.Texts(8));
        foreach ((string name, float[] values) in Values(model))
        {
            bool isFrozen = name.Contains("wte", StringComparison.Ordinal) || name.Contains("wpe", StringComparison.Ordinal)
                || name.Contains("h.0.", StringComparison.Ordinal);
            Assert.AreEqual(isFrozen, values.SequenceEqual(before[name]), name);
        }
        Assert.IsTrue(model.parameters().All(parameter => parameter.requires_grad), "all can be trained again");
    }

    [TestMethod]
    public void Frozen_weights_get_no_gradient()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyT5.Network();
        using (MemorySaving.Begin(model, Options with { FreezeFirstLayers = 1, FreezeEmbeddings = true }))
        {
            using TokenBatch batch = model.Batch(TinyModels.Texts(3));
            LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels).sum().backward();
            HandedGradients.Drop();
            string[] trained = [.. model.named_parameters().Where(pair => pair.parameter.grad is not null).Select(pair => pair.name)];
            Assert.IsNotEmpty(trained);
            foreach (string name in trained)
                Assert.IsTrue(
                    name.Contains("block.1.", StringComparison.Ordinal) || name.Contains("final", StringComparison.Ordinal), name);
        }
        Assert.IsTrue(model.parameters().All(parameter => parameter.requires_grad));
    }

    [TestMethod]
    public void Ppo_leaves_frozen_weights_alone_and_lets_them_train_afterwards()
    {
        using CausalLanguageModel policy = TinyModels.Gpt2();
        Dictionary<string, float[]> before = Values(policy);
        var options = new PpoOptions
        {
            BatchSize = 2,
            MiniBatchSize = 2,
            LearningRate = 1e-2,
            FreezeFirstLayers = 2,
            LisaActivatedLayers = null,
        };
        using (var session = new PpoSession(policy, options))
            session.Step([[1, 2], [3]], [[4, 5], [6]], [1, -1]);
        foreach ((string name, float[] values) in Values(policy))
            Assert.AreEqual(name.Contains(".h.", StringComparison.Ordinal), values.SequenceEqual(before[name]), name);
        Assert.IsTrue(policy.parameters().All(parameter => parameter.requires_grad));
    }

    [TestMethod]
    public void Lisa_trains_as_many_blocks_at_a_time_as_it_is_told_and_each_begins_anew()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(50, 16, 5, 2, 32, dropout: 0), 1);
        var steps = new List<Dictionary<string, float[]>> { Values(model) };
        var progress = new Told(_ => steps.Add(Values(model)));
        SftOptions options = Options with { LisaActivatedLayers = 2, LisaIntervalSteps = 3 };
        new SftLoop(model, options, progress).Run(TinyModels.Texts(8));
        int[][] awake = [.. steps.Zip(steps.Skip(1), (then, now) => Changed(then, now))];
        Assert.HasCount(12, awake);
        foreach (int[] blocks in awake)
            Assert.HasCount(2, blocks);
        for (int step = 0; step < 12; step++)
            CollectionAssert.AreEqual(awake[step - (step % 3)], awake[step], $"step {step + 1}");
        Assert.IsGreaterThan(1, awake.DistinctBy(blocks => string.Join(' ', blocks)).Count(), "the choice changes");
        for (int step = 3; step < 12; step += 3)
            foreach (int woken in awake[step].Except(awake[step - 1]))
                BeginsAnew(steps[step], steps[step + 1], woken);
        Assert.IsTrue(model.parameters().All(parameter => parameter.requires_grad));
        foreach (string always in new[] { "transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f.weight" })
            for (int step = 0; step < 12; step++)
                Assert.IsFalse(steps[step][always].SequenceEqual(steps[step + 1][always]), $"{always} in step {step + 1}");
    }

    [TestMethod]
    public void Lisa_with_all_blocks_is_training_without()
    {
        float[] Run(SftOptions options)
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            new SftLoop(model, options).Run(TinyModels.Texts(8));
            return TinyModels.Flat(model.Weights());
        }
        float[] plain = Run(Options);
        CollectionAssert.AreEqual(plain, Run(Options with { LisaActivatedLayers = 2, LisaIntervalSteps = 2 }));
        SftOptions half = Options with { LisaActivatedLayers = 1, LisaIntervalSteps = 2 };
        float[] seeded = Run(half);
        CollectionAssert.AreEqual(seeded, Run(half), "the choice is a function of the seed");
        CollectionAssert.AreEqual(seeded, Run(half with { OptimizerInBackward = true }), "updated in the backward pass");
    }

    /// <summary>Adam's first step is the learning rate in the direction of the gradient, however long it is.</summary>
    private static void BeginsAnew(Dictionary<string, float[]> then, Dictionary<string, float[]> now, int block)
    {
        string name = $"transformer.h.{block}.mlp.c_fc.weight";
        float[] moves = [.. then[name].Zip(now[name], (from, to) => Math.Abs(to - from))];
        Close.Absolute(Rate, moves.Order().ElementAt(moves.Length / 2), 1e-2 * Rate, $"block {block}");
        Close.Below(1.01 * Rate, moves.Max(), $"block {block}");
    }

    private static int[] Changed(Dictionary<string, float[]> then, Dictionary<string, float[]> now) =>
        [.. Enumerable.Range(0, 5).Where(block => then.Keys.Any(
            name => name.Contains($".h.{block}.", StringComparison.Ordinal) && !then[name].SequenceEqual(now[name])))];

    private static Dictionary<string, float[]> Values(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        return model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value.detach().data<float>().ToArray());
    }

    private sealed class Told(Action<StepReport> act) : IProgress<StepReport>
    {
        public void Report(StepReport value) => act(value);
    }
}
