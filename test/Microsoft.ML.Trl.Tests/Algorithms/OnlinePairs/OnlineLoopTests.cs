using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs.OnlineRuns;

namespace Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;

[TestClass]
public sealed class OnlineLoopTests
{
    [TestMethod]
    public void Metrics_have_the_names_of_TRL()
    {
        string[] both = ["logps/chosen", "logps/rejected", "rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins",
            "objective/entropy", "beta", "loss", "grad_norm", "learning_rate", "epoch"];
        Has("OnlineDpo", [.. both, "objective/kl", "objective/non_score_reward", "objective/rlhf_reward", "objective/scores",
            "objective/scores_margin", "val/contain_eos_token"]);
        Has("Xpo", [.. both, "objective/kl", "loss/dpo", "loss/xpo", "objective/model_scores", "objective/ref_scores",
            "objective/scores_margin", "val/model_contain_eos_token", "val/ref_contain_eos_token", "alpha"]);
        Has("NashMd", [.. both, "loss/kl", "loss/score", "rewards/probabilities", "val/model_contain_eos_token",
            "val/ref_contain_eos_token", "mixture_coef"]);

        static void Has(string method, string[] names)
        {
            StepReport report = Run(method, new Settings { Steps = 1 }, WantedScores).Reports[0];
            string[] missing = [.. names.Where(name => !double.IsFinite(report[name]))];
            Assert.IsEmpty(missing, $"{method} lacks {string.Join(", ", missing)}");
        }
    }

    [TestMethod]
    public void An_answer_without_an_end_loses_the_penalty()
    {
        StepReport Report(double? penalty) => Run(
            "OnlineDpo", new Settings { Steps = 1, BatchSize = 8, Change = options => options with { MissingEosPenalty = penalty } },
            WantedScores).Reports[0];
        (StepReport plain, StepReport penalised) = (Report(null), Report(3));
        double without = 1 - plain["val/contain_eos_token"];
        Close.Above(0, without);
        Close.Absolute(plain["objective/scores"] - (3 * without), penalised["objective/scores"], 1e-9);
    }

    [TestMethod]
    public void Reward_of_the_run_is_score_and_distance_together()
    {
        var run = new Settings { Steps = 4, BatchSize = 8, LearningRate = 1e-2, Change = options => options with { Beta = [0.5] } };
        StepReport last = Run("OnlineDpo", run, WantedScores).Reports[^1];
        Close.Absolute(-0.5 * last["objective/kl"], last["objective/non_score_reward"], 1e-5);
        Close.Absolute(last["objective/scores"] + last["objective/non_score_reward"], last["objective/rlhf_reward"], 1e-5);
        Close.Above(1e-4, Math.Abs(last["objective/kl"]));
    }

    [TestMethod]
    public void Of_a_long_prompt_only_its_end_is_learnt_from()
    {
        int[] end = [3, 4, 5, 6], prompt = [1, 2, .. end];
        (double whole, _) = LogProb(prompt, 64);
        (double cut, int[] answer) = LogProb(prompt, 9); // 5 of them are the answer's
        using CausalLanguageModel policy = Toys.Gpt2();
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var alone = new AnswerBatch(policy.Batch([new TokenExample([.. end, .. answer], end.Length)]), [0]);
        Close.Absolute(AnswerPass.Score(policy, alone).item<float>(), cut, 1e-5);
        Close.Above(1e-4, Math.Abs(whole - cut));
    }

    private static (double LogProb, int[] Answer) LogProb(int[] prompt, int maxLength)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var judge = new FakeJudge((_, _) => 1);
        var run = new Settings
        {
            Steps = 1, BatchSize = 1, Prompts = [prompt], Generation = Short with { DoSample = false, EosTokenIds = [] },
            Change = options => options with { MaxLength = maxLength },
        };
        StepReport report = Run("NashMd", policy, run, judge)[0];
        return (report["logps/chosen"], judge.Seen[0].First.Responses[0]);
    }

    [TestMethod]
    public void A_judge_that_fails_ends_the_run_and_nothing_is_lost()
    {
        int calls = 0;
        float[] last = [];
        using CausalLanguageModel policy = Toys.Gpt2();
        var judge = new FakeJudge((_, _) => ++calls > 8 ? throw new RewardFunctionException(3, "the judge threw") : 1);
        var error = Assert.ThrowsExactly<RewardFunctionException>(() => Run(
            "OnlineDpo", policy, new Settings(), judge, hooks: new(new Collected(_ => last = Toys.Flat(policy.Weights())))));
        Assert.AreEqual(3, error.Step);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Cancelling_stops_before_the_weights_change()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] last = [];
        var hooks = new SamplingHooks(new Collected(report =>
        {
            last = Toys.Flat(policy.Weights());
            if (report.Step == 2)
                source.Cancel();
        }));
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(
            () => Run("Xpo", policy, new Settings(), MoreWanted, hooks: hooks, cancel: source.Token));
        Assert.AreEqual(2, canceled.Step);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Prompts_that_cannot_be_answered_are_refused_before_the_first_step()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        ArgumentException Refused(params int[][] prompts) => Assert.Throws<ArgumentException>(
            () => Run("OnlineDpo", policy, new Settings { Prompts = prompts }, MoreWanted));
        StringAssert.Contains(Refused([1], []).Message, "The prompt of row 1 is empty");
        StringAssert.Contains(Refused([.. Enumerable.Repeat(1, 32)]).Message, "leaves no room for a response in the model's context of 32");
        StringAssert.Contains(Refused().Message, "There are no prompts to train on");
    }
}
