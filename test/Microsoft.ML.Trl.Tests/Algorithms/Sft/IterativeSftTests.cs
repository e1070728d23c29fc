using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

/// <summary>Supervised fine-tuning one call at a time.</summary>
[TestClass]
public sealed class IterativeSftTests
{
    private static readonly IterativeSftOptions Quick = new()
    {
        MaxSteps = 60,
        LearningRate = 2e-2,
        LrSchedulerType = LrSchedulerType.Constant,
    };

    [TestMethod]
    public void Steps_teach_what_follows_prompts_and_report_it()
    {
        using LanguageModel model = Tiny.Model();
        using var session = new IterativeSftSession(model, Quick);
        string[] prompts = [.. Tiny.Pairs.Select(row => row.Prompt)], completions = [.. Tiny.Pairs.Select(row => row.Completion)];
        StepReport first = session.Step(prompts, completions), last = first;
        while (session.StepNumber < 60)
            last = session.Step(prompts, completions);
        Close.Below(0.2 * first["loss"], last["loss"], "loss");
        Assert.AreEqual(" good story", model.Complete("a", Tiny.Greedy));
        Assert.AreEqual((60, 60, "Iterative SFT"), (last.Step, last.TotalSteps, last.Stage));
        Assert.AreEqual(60 * first["num_tokens"], last["num_tokens"]);
        foreach (string name in new[] { "grad_norm", "learning_rate", "entropy", "mean_token_accuracy" })
            Assert.IsTrue(double.IsFinite(last[name]), name);
    }

    [TestMethod]
    public void A_call_of_one_update_is_a_step_of_SFT()
    {
        List<TokenExample> texts = TinyModels.Texts(8);
        using LanguageModel model = Tiny.Model();
        using CausalLanguageModel other = model.Network.Copy();
        using (var session = new IterativeSftSession(model, Quick with { Optim = OptimizerKind.Sgd }))
        {
            StepReport report = session.Step(texts);
            StepReport expected = Loops.Sft(other, new SftOptions
            {
                MaxSteps = 1,
                Optim = OptimizerKind.Sgd,
                LearningRate = Quick.LearningRate,
                LrSchedulerType = LrSchedulerType.Constant,
            }, texts).Single();
            foreach (string name in new[] { "loss", "grad_norm", "entropy", "mean_token_accuracy", "num_tokens", "learning_rate" })
                Close.Absolute(expected[name], report[name], 1e-5, name);
        }
        Close.Absolute(TinyModels.Flat(other.Weights()), TinyModels.Flat(model.Network.Weights()), 1e-6);
    }

    [TestMethod]
    public void One_batch_of_8_and_accumulation_of_smaller_ones_give_the_same_weights()
    {
        float[] whole = Weights(8, 1);
        Close.Absolute(whole, Weights(4, 2), 1e-6);
        Close.Absolute(whole, Weights(1, 8), 1e-6);

        static float[] Weights(int size, int accumulate)
        {
            using LanguageModel model = Tiny.Model();
            using var session = new IterativeSftSession(model, Quick with
            {
                Optim = OptimizerKind.Sgd,
                PerDeviceTrainBatchSize = size,
                GradientAccumulationSteps = accumulate,
            });
            session.Step(TinyModels.Texts(8));
            return TinyModels.Flat(model.Network.Weights());
        }
    }

    [TestMethod]
    public void A_text_that_is_too_long_keeps_its_end_or_its_start()
    {
        TokenExample text = new([1, 2, 3, 4, 5, 6, 7, 8]);
        Close.Absolute(Loss(TruncationMode.KeepEnd, text), Loss(TruncationMode.KeepEnd, new TokenExample([5, 6, 7, 8])), 1e-6);
        Close.Absolute(Loss(TruncationMode.KeepStart, text), Loss(TruncationMode.KeepStart, new TokenExample([1, 2, 3, 4])), 1e-6);

        static double Loss(TruncationMode mode, TokenExample text)
        {
            using LanguageModel model = Tiny.Model();
            using var session = new IterativeSftSession(model, Quick with { MaxLength = 4, TruncationMode = mode });
            return session.Step([text])["loss"];
        }
    }

    [TestMethod]
    public void The_schedule_goes_by_the_updates_of_the_session_and_ends_with_it()
    {
        using LanguageModel model = Tiny.Model();
        var options = new IterativeSftOptions { MaxSteps = 4, LearningRate = 0.1, PerDeviceTrainBatchSize = 2 };
        using var session = new IterativeSftSession(model, options);
        session.Step(["a good story", "the film was good", "the plot was thin"]);
        Assert.AreEqual(2, session.StepNumber);
        Close.Absolute(0.05, session.LearningRate, 1e-9, "half of the way down");
    }

    [TestMethod]
    public void An_adapter_learns_beside_weights_that_stay()
    {
        using LanguageModel model = Tiny.Model();
        float[] before = TinyModels.Flat(model.Network.BaseWeights());
        using var session = new IterativeSftSession(model, Quick with { Peft = new LoraOptions() });
        double first = session.Step(["a good story"])["loss"];
        for (int i = 0; i < 20; i++)
            session.Step(["a good story"]);
        Close.Below(first, session.Step(["a good story"])["loss"]);
        CollectionAssert.AreEqual(before, TinyModels.Flat(model.Network.BaseWeights()));
    }

    [TestMethod]
    public void No_tensor_outlives_a_session() => Leaks.None(() =>
    {
        using LanguageModel model = Tiny.Model();
        using var session = new IterativeSftSession(model, Quick);
        session.Step(["a good story", "the film was good"]);
    });
}
