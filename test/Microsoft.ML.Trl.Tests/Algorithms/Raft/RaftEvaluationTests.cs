using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Raft;

/// <summary>RAFT is evaluated by what its answers to held-out prompts are worth.</summary>
[TestClass]
public sealed class RaftEvaluationTests
{
    private static readonly string[] HeldOut = ["the film", "a", "the plot"];

    private static readonly RaftOptions Watched = RaftRuns.Quick with
    {
        EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true, Generation = new() { MaxNewTokens = 7, Temperature = 0.85 },
    };

    [TestMethod]
    public void Before_the_first_step_it_is_the_mean_reward_of_what_the_starting_model_answers()
    {
        RaftOptions options = Watched with { Generation = Tiny.Greedy, PerDeviceEvalBatchSize = 2 };
        using LanguageModel model = Tiny.Model();
        string[] answers = [.. model.Complete(HeldOut, Tiny.Greedy)];
        RewardFunction[] rewards = [RewardFunction.Of((_, text) => RaftRuns.Reward(text)), RewardFunction.Of((_, text) => text.Length)];
        var set = new RewardSet(rewards, [2, 1]);
        StepReport told = RaftRuns.Run(model, options with { RewardWeights = [2, 1] }, set, heldOut: HeldOut)[0];
        Assert.AreEqual(0, told.Step);
        CollectionAssert.AreEqual(answers, told.Completions.Select(sample => sample.Completion).ToArray());
        Close.Absolute(answers.Average(text => (2 * RaftRuns.Reward(text)) + text.Length), told["eval_reward"], 1e-9);
        Close.Absolute(answers.Average(RaftRuns.Reward), told["eval_rewards/reward_1/mean"], 1e-9);
        Close.Absolute(answers.Average(text => text.Length), told["eval_rewards/reward_2/mean"], 1e-9);
    }

    [TestMethod]
    public void Answers_are_cleaned_as_those_that_are_learnt()
    {
        using LanguageModel model = Tiny.Model();
        List<PromptRow> rows = RaftRuns.Rows(model, ["###Human: the film ###Assistant:", "the film"]);
        int[] drawn = model.Tokenizer.Encode("good ###Human: bad");
        var answers = new CleanedAnswers(rows, new CompletionCleaner(model, new RaftOptions()));
        RolloutDraw draw = answers.Draw(
            new RolloutTask(1, [1, 0], [rows[1].Prompt.Ids, rows[0].Prompt.Ids]),
            (texts, places, most, cancel) => [.. texts.Select(_ => drawn)], default);
        Assert.AreEqual("good ###Human: bad", model.Tokenizer.DecodeCompletion(draw.Completions[0].Ids), "no marked data");
        Assert.AreEqual("good", model.Tokenizer.DecodeCompletion(draw.Completions[1].Ids).Trim(), "up to the next turn");
        CollectionAssert.AreEqual(rows[1].Prompt.Ids, draw.Completions[0].Query);
    }

    [TestMethod]
    public void Evaluating_leaves_training_bit_equal_and_the_best_weights_come_back() => Leaks.None(() =>
    {
        (_, float[] plain) = RaftRuns.Fresh(RaftRuns.Quick with { Generation = Watched.Generation });
        (double[] scores, float[] weights) = Run(Watched);
        CollectionAssert.AreEqual(plain, weights);
        Assert.HasCount(5, scores);
        Close.Absolute(scores, Run(Watched with { PerDeviceEvalBatchSize = 1 }).Scores, 1e-9);
        int best = Array.IndexOf(scores, scores.Skip(1).Max(), 1);
        float[] restored = Run(Watched with { LoadBestModelAtEnd = true }).Weights;
        CollectionAssert.AreEqual(Run(Watched with { Callbacks = [new StopAt(best)] }).Weights, restored);
    });

    [TestMethod]
    public void A_stage_scores_the_prompts_of_its_evaluation_data()
    {
        MLContext ml = new(1);
        RaftOptions options = Watched with { MaxPromptLength = 3, NumRaftIteration = 1, EvalSteps = 2 };
        TextGenerationTransformer Fit(IDataView? data) => ml.Trl().Raft(
            Tiny.Source(), [RewardFunction.Of((_, answer) => answer.Length)], options with { EvaluationData = data })
            .Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs));
        string tooLong = string.Join(' ', Enumerable.Repeat("the film", 9));
        IDataView held = ml.Data.LoadFromEnumerable(
            HeldOut.Append(tooLong).Select(prompt => new Tiny.PromptRow { Prompt = prompt }));
        using TextGenerationTransformer fitted = Fit(held);
        StepReport[] evaluations = [.. fitted.Reports.Where(report => report.Metrics.ContainsKey("eval_reward"))];
        CollectionAssert.AreEqual(new[] { 0, 2 }, evaluations.Select(report => report.Step).ToArray());
        Assert.DoesNotContain(tooLong, evaluations[0].Completions.Select(sample => sample.Prompt));
        string Message(IDataView? data) => Assert.ThrowsExactly<ArgumentException>(() => Fit(data)).Message;
        Assert.StartsWith("EvaluationData: ", Message(ml.Data.LoadFromEnumerable(new[] { new { Other = 1f } })));
        Assert.StartsWith("EvaluationData: ", Message(ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = tooLong } })));
        Assert.Contains("EvalStrategy is Steps, but there is nothing to evaluate on", Message(null));
    }

    private static (double[] Scores, float[] Weights) Run(RaftOptions options)
    {
        using LanguageModel model = Tiny.Model();
        var set = new RewardSet([RewardFunction.Of((_, text) => RaftRuns.Reward(text))]);
        List<StepReport> reports = RaftRuns.Run(model, options, set, heldOut: HeldOut);
        return (
            [.. reports.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(report => report["eval_reward"])],
            TinyModels.Flat(model.Network.Weights()));
    }

    private sealed class StopAt(int step) : ITrainingCallback
    {
        public void OnStepEnd(TrainingState state, TrainingControl control)
        {
            if (state.Step == step)
                control.StopTraining();
        }
    }
}
