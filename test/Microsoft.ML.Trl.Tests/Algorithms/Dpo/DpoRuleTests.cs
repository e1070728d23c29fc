using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>What must hold of any run, whatever the numbers.</summary>
[TestClass]
public sealed class DpoRuleTests
{
    private static readonly DpoOptions Quick = new()
    {
        LearningRate = 1e-3,
        PerDeviceTrainBatchSize = 4,
        MaxSteps = 3,
        LoggingSteps = 1,
        LrSchedulerType = LrSchedulerType.Constant,
    };

    [TestMethod]
    public void At_step_0_with_policy_equal_to_reference_the_margin_is_0_and_the_loss_ln_2()
    {
        StepReport first = Run(Toys.Gpt2(), null, Quick with { MaxSteps = 1 }).Reports[0];
        Close.Absolute(Math.Log(2), first["loss"], 1e-7);
        Assert.AreEqual(0, first["rewards/margins"]);
        Assert.AreEqual(0, first["rewards/chosen"]);
        Assert.AreEqual(0, first["rewards/accuracies"]);
    }

    [TestMethod]
    public void Training_raises_the_margin_and_the_chosen_answers()
    {
        List<StepReport> reports = Run(Toys.Gpt2(), null, Quick with { MaxSteps = 60, LearningRate = 1e-2 }).Reports;
        Close.Above(1, reports[^1]["rewards/margins"]);
        Assert.AreEqual(1, reports[^1]["rewards/accuracies"]);
        Close.Below(0.3, reports[^1]["loss"]);
    }

    [TestMethod]
    public void One_batch_of_8_and_accumulation_of_smaller_ones_give_the_same_weights()
    {
        // plain descent: Adam would blow the rounding noise of the key biases, whose true gradient is 0, up to whole steps
        DpoOptions options = Quick with
        {
            MaxSteps = 2,
            TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
            LossType = [DpoLossType.Sigmoid, DpoLossType.Ipo],
            Optim = OptimizerKind.Sgd,
            LearningRate = 0.05,
        };
        float[] whole = Run(Toys.Gpt2(), null, options with { PerDeviceTrainBatchSize = 8 }, Pairs(8)).Weights;
        foreach ((int size, int accumulate) in new[] { (4, 2), (2, 4), (1, 8), (3, 3) })
        {
            DpoOptions parts = options with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = accumulate };
            Close.Absolute(whole, Run(Toys.Gpt2(), null, parts, Pairs(8)).Weights, 1e-6);
        }
    }

    [TestMethod]
    public void Same_seed_same_weights_other_seed_other_weights()
    {
        DpoOptions options = Quick with { DisableDropout = false };
        float[] first = Run(Toys.Gpt2(), null, options).Weights;
        CollectionAssert.AreEqual(first, Run(Toys.Gpt2(), null, options).Weights);
        CollectionAssert.AreNotEqual(first, Run(Toys.Gpt2(), null, options with { Seed = 43 }).Weights);
    }

    [TestMethod]
    public void A_precomputed_reference_a_given_one_and_a_copy_train_alike()
    {
        float[] copy = Run(Toys.Gpt2(), null, Quick).Weights;
        Close.Absolute(copy, Run(Toys.Gpt2(), Toys.Gpt2(), Quick).Weights, 1e-6);
        Close.Absolute(copy, Run(Toys.Gpt2(), null, Quick with { PrecomputeRefLogProbs = true, PrecomputeRefBatchSize = 3 }).Weights, 1e-5);
    }

    [TestMethod]
    public void A_given_reference_is_left_as_it_was_unless_it_follows()
    {
        using CausalLanguageModel reference = Toys.Gpt2(7);
        float[] before = Toys.Flat(reference.Weights());
        Run(Toys.Gpt2(), reference, Quick);
        CollectionAssert.AreEqual(before, Toys.Flat(reference.Weights()));
        using CausalLanguageModel policy = Toys.Gpt2();
        new DpoLoop(policy, reference, Quick with { SyncRefModel = true, RefModelMixupAlpha = 1, RefModelSyncSteps = 3 }).Run(Pairs(8));
        Close.Absolute(Toys.Flat(policy.Weights()), Toys.Flat(reference.Weights()), 0);
    }

    [TestMethod]
    public void Without_a_reference_its_log_probabilities_count_as_0()
    {
        StepReport first = Run(Toys.Gpt2(), null, Quick with { ReferenceFree = true, MaxSteps = 1, Beta = 0.5 }).Reports[0];
        Close.Absolute(0.5 * first["logps/chosen"], first["rewards/chosen"], 1e-5);
        Close.Absolute(0.5 * first["logps/rejected"], first["rewards/rejected"], 1e-5);
    }

    [TestMethod]
    public void RpoAlpha_adds_the_likelihood_of_the_chosen_answers()
    {
        DpoOptions plain = Quick with { MaxSteps = 2 };
        (List<StepReport> reports, float[] weights) = Run(Toys.Gpt2(), null, plain with { RpoAlpha = 0.7 });
        float[] expected =
            Run(Toys.Gpt2(), null, plain with { LossType = [DpoLossType.Sigmoid, DpoLossType.Sft], LossWeights = [1, 0.7] }).Weights;
        Close.Absolute(expected, weights, 1e-6);
        Close.Absolute(Math.Log(2) + (0.7 * reports[0]["nll_loss"]), reports[0]["loss"], 1e-5);
    }

    [TestMethod]
    public void The_gradient_is_the_finite_difference_for_every_loss()
    {
        foreach (DpoLossType loss in Enum.GetValues<DpoLossType>())
        {
            DpoOptions options = new() { LossType = [loss], Beta = 0.3, LabelSmoothing = 0.1, MaxLength = null };
            using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(2);
            var objective = new DpoObjective(options);
            Tensor weight = policy.Body.TokenEmbedding;
            using var scope = NewDisposeScope();
            using var batch = new PairBatch(Pairs(3), [0, 1, 2], options.Layout, rows => TokenBatch.Of(rows));
            Forward().Loss.backward();
            float[] gradient = weight.grad!.data<float>().ToArray();
            int place = Array.IndexOf(gradient, gradient.MaxBy(Math.Abs));
            const float Nudge = 3e-3f;
            double difference = (Nudged(Nudge) - Nudged(-Nudge)) / (2 * Nudge);
            Close.Absolute(difference, gradient[place], (0.02 * Math.Abs(difference)) + 1e-3, $"{loss}");

            (Tensor Loss, Dictionary<string, float> Metrics) Forward()
            {
                (TokenLogProbs tokens, Tensor meanLogits) = AnswerPass.Tokens(policy, batch.Tokens);
                return objective.Compare(batch, batch.Split(AnswerPass.Score(reference, batch.Answers)), tokens, meanLogits);
            }

            double Nudged(float by)
            {
                using var frozen = no_grad();
                using var inner = NewDisposeScope();
                Tensor entry = weight.view(-1).narrow(0, place, 1);
                entry.add_(by);
                double value = Forward().Metrics["loss"];
                entry.add_(-by);
                return value;
            }
        }
    }

    [TestMethod]
    public void No_tensor_outlives_a_run() =>
        Leaks.None(() => Run(Toys.Gpt2(), null, Quick with { MaxSteps = 2, UseWeighting = true, LdAlpha = 0.5, DisableDropout = false }));

    [TestMethod]
    public void Live_tensors_are_flat_over_200_steps()
    {
        var live = new List<long>();
        using CausalLanguageModel policy = Toys.Gpt2();
        var progress = new Recorder(_ => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount));
        new DpoLoop(policy, null, Quick with { MaxSteps = 200 }, progress).Run(Pairs(8));
        Assert.HasCount(200, live);
        Assert.AreEqual(live[0], live[^1]);
    }

    [TestMethod]
    public void Cancelling_stops_between_two_steps_and_keeps_the_last_one()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] last = [];
        var progress = new Recorder(report =>
        {
            last = Toys.Flat(policy.Weights());
            if (report.Step == 2)
                source.Cancel();
        });
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(
            () => new DpoLoop(policy, null, Quick, progress).Run(Pairs(8), source.Token));
        Assert.AreEqual(2, canceled.Step);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    private static (List<StepReport> Reports, float[] Weights) Run(
        CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, List<PreferenceExample>? pairs = null)
    {
        using (policy)
        {
            var reports = new List<StepReport>();
            new DpoLoop(policy, reference, options, new Recorder(reports.Add)).Run(pairs ?? Pairs(16));
            return (reports, Toys.Flat(policy.Weights()));
        }
    }

    private static List<PreferenceExample> Pairs(int count)
    {
        int[][] prompts = Toys.Rows(3, count, 2, 6), chosen = Toys.Rows(4, count, 1, 8), rejected = Toys.Rows(5, count, 1, 8);
        return [.. Enumerable.Range(0, count).Select(i => new PreferenceExample(prompts[i], chosen[i], [.. rejected[i], 39]))];
    }

    private sealed class Recorder(Action<StepReport> report) : IProgress<StepReport>
    {
        public void Report(StepReport value) => report(value);
    }
}
