using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental.EpisodeRuns;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>What the loop refuses, and what it leaves behind when it ends early.</summary>
[TestClass]
public sealed class EpisodeLoopTests
{
    [TestMethod]
    public void A_reward_that_fails_is_named_with_its_step_and_nothing_is_lost()
    {
        int calls = 0;
        float[] last = [];
        using CausalLanguageModel policy = Toys.Gpt2();
        var progress = new Collected(_ => last = Toys.Flat(policy.Weights()));
        var scorer = new Scorer(response => ++calls > 16 ? throw new InvalidDataException("no such word") : response.Length);
        var error = Assert.ThrowsExactly<RewardFunctionException>(() => Run(policy, Quick with { MaxSteps = 4 }, scorer, progress));
        StringAssert.Contains(error.Message, "Step 3: the reward function threw InvalidDataException: no such word");
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
        error = Assert.ThrowsExactly<RewardFunctionException>(() => Run(policy, Quick, new Scorer(_ => double.NaN)));
        StringAssert.Contains(error.Message, "gave NaN for row 0");
    }

    [TestMethod]
    public void Cancelling_stops_before_the_weights_change()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] last = [];
        var progress = new Collected(report =>
        {
            last = Toys.Flat(policy.Weights());
            if (report.Step == 2)
                source.Cancel();
        });
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(
            () => Run(policy, Quick with { MaxSteps = 5 }, new Scorer(SmallIds), progress, source.Token));
        Assert.AreEqual(2, canceled.Step);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void A_step_that_diverges_in_its_second_update_is_taken_back_in_both_models()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using RewardModel value = Value();
        float[] before = [.. Toys.Flat(policy.Weights()), .. Toys.Flat(value.Weights())];
        ExperimentalPpoOptions run = Quick with { Optim = OptimizerKind.Sgd, LearningRate = 1e30, MaxGradNorm = 0 };
        Assert.ThrowsExactly<TrainingDivergedException>(
            () => new EpisodeLoop(policy, value, run).Run(new EpisodeWork(Prompts, new Scorer(SmallIds))));
        CollectionAssert.AreEqual(before, (float[])[.. Toys.Flat(policy.Weights()), .. Toys.Flat(value.Weights())]);
    }

    [TestMethod]
    public void What_cannot_be_answered_or_read_is_refused_before_the_first_step()
    {
        StringAssert.Contains(Refused([]), "There are no prompts to train on");
        StringAssert.Contains(Refused([[1], []]), "The prompt of row 1 is empty");
        StringAssert.Contains(Refused([[40]]), "The prompt of row 0 has token id 40, but the model's vocabulary is 0 to 39");
        using RewardModel few = RewardModel.Create(ModelConfig.Gpt2(39, 16, 2, 2, 32), 1);
        StringAssert.Contains(Refused(Prompts, few), "The value model has a vocabulary of 39 tokens, the policy one of 40");
        using RewardModel narrow = RewardModel.Create(ModelConfig.Gpt2(40, 16, 2, 2, 12), 1);
        StringAssert.Contains(Refused([[1, 2, 3, 4, 5]], narrow), "can be 13 tokens long, but the value model reads 12 at most");
        using CausalLanguageModel encoder = TinyT5.Network();
        using RewardModel value = Value();
        var error = Assert.ThrowsExactly<NotSupportedException>(
            () => new EpisodeLoop(encoder, value, Quick).Run(new EpisodeWork(Prompts, new Scorer(SmallIds))));
        StringAssert.Contains(error.Message, "is not supported for a t5 model");
    }

    [TestMethod]
    public void A_value_model_that_is_broken_is_named()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using RewardModel value = Value();
        using (TorchSharp.torch.no_grad())
            value.ScoreWeight.fill_(float.NaN);
        var error = Assert.ThrowsExactly<TrainingDivergedException>(
            () => new EpisodeLoop(policy, value, Quick).Run(new EpisodeWork(Prompts, new Scorer(SmallIds))));
        StringAssert.Contains(error.Message, "The value model holds NaN in 'score.weight'");
    }

    [TestMethod]
    public void Steps_follow_from_episodes_epochs_or_their_number()
    {
        Assert.AreEqual(7, (Quick with { MaxSteps = 7, TotalEpisodes = 1 }).TotalSteps(100));
        Assert.AreEqual(3, (Quick with { MaxSteps = -1, TotalEpisodes = 17 }).TotalSteps(100));
        Assert.AreEqual(38, (Quick with { MaxSteps = -1 }).TotalSteps(100)); // 3 passes over 100, 8 at a time
        Assert.AreEqual(1, (Quick with { MaxSteps = -1, NumTrainEpochs = 0.001 }).TotalSteps(100));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => (Quick with { MaxSteps = -1, NumTrainEpochs = 1e12 }).TotalSteps(100)).Message,
            "NumTrainEpochs (1E+12) asks for");
    }

    private static string Refused(int[][] prompts, RewardModel? given = null)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using RewardModel? own = given is null ? Value() : null;
        return Assert.ThrowsExactly<ArgumentException>(
            () => new EpisodeLoop(policy, given ?? own!, Quick).Run(new EpisodeWork(prompts, new Scorer(SmallIds)))).Message;
    }

    private static void Run(
        CausalLanguageModel policy, ExperimentalPpoOptions options, IRolloutScorer scorer, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        using RewardModel value = Value();
        new EpisodeLoop(policy, value, options, progress).Run(new EpisodeWork(Prompts, scorer), null, cancel);
    }
}
