using Microsoft.ML.Trl.Tests.TestSupport;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>What is refused, and in which words.</summary>
[TestClass]
public sealed class PpoErrorTests
{
    private static readonly PpoOptions Quick = new() { BatchSize = 2, MiniBatchSize = 2, PpoEpochs = 1 };

    [TestMethod]
    public void Defaults_are_those_of_TRLs_classic_and_valid()
    {
        var options = new PpoOptions();
        Assert.AreSame(options, options.Validated());
        Assert.AreEqual(
            (20000, 1.41e-5, 0.0, 4),
            (options.Steps, options.LearningRate, options.MaxGradNorm, options.PpoEpochs));
        Assert.AreEqual(
            (128, 128, 1),
            (options.BatchSize, options.MiniBatchSize, options.GradientAccumulationSteps));
        Assert.AreEqual(
            (OptimizerKind.Adam, LrSchedulerType.Constant, 1.0, 0),
            (options.Optim, options.LrSchedulerType, options.LoggingSteps, options.Seed));
        Assert.AreEqual(
            (true, 0.2, KlPenalty.Kl, 6.0, 10000.0),
            (options.AdapKlCtrl, options.InitKlCoef, options.KlPenalty, options.Target, options.Horizon));
        Assert.AreEqual(
            (1.0, 0.95, 0.2, 0.2, 0.1),
            (options.Gamma, options.Lam, options.Cliprange, options.CliprangeValue, options.VfCoef));
        Assert.AreEqual(
            (false, 1.0, 10.0),
            (options.EarlyStopping, options.TargetKl, options.RatioThreshold));
        Assert.AreEqual(
            (false, false, null, false),
            (options.UseScoreScaling, options.UseScoreNorm, options.ScoreClip, options.WhitenRewards));
    }

    [TestMethod]
    public void Batch_sizes_that_do_not_divide_are_refused_at_construction()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => new PpoSession(policy, new PpoOptions { BatchSize = 10, MiniBatchSize = 2, GradientAccumulationSteps = 2 }));
        StringAssert.Contains(
            error.Message,
            "BatchSize (10) must be a multiple of MiniBatchSize (2) times GradientAccumulationSteps (2), which is 4; "
            + "the nearest are 8 and 12.");
        Refused(new() { BatchSize = 4 }, "BatchSize (4) must be a multiple of MiniBatchSize (128)");
        Refused(
            new() { MiniBatchSize = int.MaxValue, GradientAccumulationSteps = 2 },
            "MiniBatchSize (2147483647) times GradientAccumulationSteps (2) is 4294967294 rows, but a batch has at most 2147483647");
        Refused(
            new() { BatchSize = int.MaxValue, MiniBatchSize = 2 },
            "which is 2; the nearest is 2147483646.");
    }

    [TestMethod]
    public void Options_out_of_range_are_named()
    {
        Refused(new() { Steps = 0 }, "Steps (0) must be 1 or greater");
        Refused(new() { LearningRate = 0 }, "LearningRate (0) must be a finite number greater than 0");
        Refused(new() { MiniBatchSize = 0 }, "MiniBatchSize (0) must be 1 or greater");
        Refused(new() { GradientAccumulationSteps = 0 }, "GradientAccumulationSteps (0) must be 1 or greater");
        Refused(new() { PpoEpochs = 0 }, "PpoEpochs (0) must be 1 or greater");
        Refused(new() { MaxGradNorm = -1 }, "MaxGradNorm (-1) must be a finite number, 0 or greater");
        Refused(new() { InitKlCoef = -1 }, "InitKlCoef (-1) must be a finite number, 0 or greater");
        Refused(new() { KlPenalty = (KlPenalty)7 }, "KlPenalty (7) must be one of Kl, Abs, Mse, Full");
        Refused(new() { Target = 0 }, "Target (0) must be a finite number greater than 0");
        Refused(new() { Horizon = 0 }, "Horizon (0) must be a finite number greater than 0");
        Refused(new() { Gamma = 1.1 }, "Gamma (1.1) must lie between 0 and 1");
        Refused(new() { Lam = -0.1 }, "Lam (-0.1) must lie between 0 and 1");
        Refused(new() { Cliprange = 0 }, "Cliprange (0) must be a finite number greater than 0");
        Refused(new() { Cliprange = 1 }, "Cliprange (1) must be at least 0 and below 1");
        Refused(new() { CliprangeValue = 0 }, "CliprangeValue (0) must be a finite number greater than 0");
        Refused(new() { VfCoef = -1 }, "VfCoef (-1) must be a finite number, 0 or greater");
        Refused(new() { TargetKl = 0 }, "TargetKl (0) must be a finite number greater than 0");
        Refused(new() { RatioThreshold = 0 }, "RatioThreshold (0) must be a finite number greater than 0");
        Refused(new() { ScoreClip = 0 }, "ScoreClip (0) must be a finite number greater than 0");
        Refused(new() { LoggingSteps = 0 }, "LoggingSteps (0) must be a finite number greater than 0");
        Refused(new() { PromptColumnName = "" }, "PromptColumnName is empty");
        Refused(new() { GpuDeviceId = -1 }, "GpuDeviceId (-1) must be 0 or greater");
        Refused(new() { Generation = new GenerationOptions { MaxNewTokens = 0 } }, "MaxNewTokens (0) must be at least 1");
    }

    [TestMethod]
    public void Options_that_contradict_each_other_are_named()
    {
        Refused(new() { UseScoreNorm = true }, "UseScoreNorm centres scores that UseScoreScaling has scaled");
        Refused(new() { UseCpu = true, GpuDeviceId = 0 }, "UseCpu and GpuDeviceId (0) contradict each other");
    }

    [TestMethod]
    public void Rows_that_cannot_be_learnt_from_are_named_and_change_nothing()
    {
        int[][] queries = [[1, 2], [3]], responses = [[4], [5, 6]];
        Refused(queries, responses, [1], "scores has 1 rows, but BatchSize is 2");
        Refused([[1]], responses, [1, 2], "queries has 1 rows, but BatchSize is 2");
        Refused(queries, [[1]], [1, 2], "responses has 1 rows, but BatchSize is 2");
        Refused(queries, responses, [1, double.PositiveInfinity], "The score of row 1 is Infinity; scores must be finite numbers");
        Refused([[1], []], responses, [1, 2], "The query of row 1 is empty");
        Refused(queries, [[4], []], [1, 2], "The response of row 1 is empty");
        Refused(queries, [[4], [40]], [1, 2], "The response of row 1 has token id 40, but the model's vocabulary is 0 to 39");
        Refused(
            [[1], [.. Enumerable.Repeat(1, 31)]], responses, [1, 2],
            "Row 1 is 33 tokens long (query 31, response 2), but the model's context is 32");
        Refused(queries, responses, [1, 2], "responseMasks has 1 rows", [[true]]);
        Refused(queries, responses, [1, 2], "The response mask of row 1 has 1 entries, but the response has 2 tokens", [[true], [true]]);
        Refused(queries, responses, [1, 2], "The response mask of row 1 leaves out every token", [[true], [false, false]]);
    }

    [TestMethod]
    public void A_single_token_cannot_be_whitened()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick with { BatchSize = 1, MiniBatchSize = 1 });
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => session.Step([[1]], [[2]], [1])).Message, "single response token");
    }

    [TestMethod]
    public void A_mini_batch_of_one_token_has_finite_statistics()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick with { MiniBatchSize = 1 });
        PpoStatistics statistics = session.Step([[1], [2]], [[3], [4]], [1, 2]);
        Assert.IsTrue(double.IsFinite(statistics["ppo/returns/var"]) && double.IsFinite(statistics["ppo/val/var"]));
    }

    [TestMethod]
    public void A_reference_of_another_vocabulary_is_refused()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), other = CausalLanguageModel.Create(ModelConfig.Gpt2(41, 16, 2, 2, 32), 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new PpoSession(policy, Quick, null, other)).Message,
            "The reference has a vocabulary of 41 tokens, the policy one of 40");
    }

    [TestMethod]
    public void A_negative_KL_is_warned_of()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick with { LearningRate = 0.05, PpoEpochs = 4 }, null, reference);
        int[][] queries = [[1, 2], [3]], responses = [[4, 9, 17], [30, 12, 7]];
        PpoStatistics statistics = session.Step(queries, responses, [1, -1]);
        Assert.IsEmpty(statistics.Warnings);
        using (no_grad())
        using (NewDisposeScope())
            policy.HeadWeight.mul_(20); // sharp about other tokens than these
        statistics = session.Step(queries, responses, [1, -1]);
        Close.Below(-1, statistics["objective/kl"]);
        StringAssert.Contains(statistics.Warnings[^1], "The mean KL to the reference is negative");
    }

    [TestMethod]
    public void A_step_that_diverges_stops_with_a_diagnosis()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        var error = Assert.ThrowsExactly<TrainingDivergedException>(() => session.Step([[1, 2], [3]], [[4], [5, 6]], [1e38, -1e38]));
        StringAssert.StartsWith(error.Message, "Step 1 diverged: loss ");
        StringAssert.Contains(error.Message, "the model keeps the weights of step 0");
    }

    [TestMethod]
    [DataRow(1e30, 1, "1E+30")]
    [DataRow(-2e30, 1e30, "-2E+30")]
    [DataRow(1, 1e300, "1E+300")] // no float32
    public void Scores_of_absurd_size_are_named_as_the_cause(double first, double second, string named)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        string message = Assert.ThrowsExactly<TrainingDivergedException>(
            () => session.Step([[1, 2], [3]], [[4], [5, 6]], [first, second])).Message;
        StringAssert.Contains(message, $"The largest score of the step is {named}");
        Assert.DoesNotContain("Lower LearningRate", message);
    }

    [TestMethod]
    [DataRow("policy")]
    [DataRow("reference")]
    [DataRow("value head")]
    public void Weights_that_are_no_numbers_are_named_before_the_first_step(string broken)
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        (IEnumerable<(string, Tensor)> weights, string name) = broken switch
        {
            "policy" => (policy.Weights(), "transformer.h.1.mlp.c_fc.bias"),
            "reference" => (reference.Weights(), "transformer.h.1.mlp.c_fc.bias"),
            _ => (head.Weights(), "v_head.summary.bias"),
        };
        using (no_grad())
        using (NewDisposeScope())
            weights.Single(weight => weight.Item1 == name).Item2.view(-1)[0] = double.NegativeInfinity;
        string message = Assert.ThrowsExactly<TrainingDivergedException>(
            () => new PpoSession(policy, Quick, head, reference)).Message;
        StringAssert.Contains(message, $"The {broken} holds numbers that are not finite in '{name}' before the first step");
    }

    [TestMethod]
    public void A_learning_rate_must_be_positive_and_a_statistic_must_exist()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => session.LearningRate = 0).Message,
            "LearningRate (0) must be a finite number greater than 0");
        PpoStatistics statistics = session.Step([[1, 2], [3]], [[4], [5, 6]], [1, 2]);
        StringAssert.Contains(
            Assert.ThrowsExactly<KeyNotFoundException>(() => statistics["objective/kll"]).Message,
            "There is no scalar 'objective/kll'");
        Assert.ThrowsExactly<ArgumentException>(() => new RunningMoments().Update([]));
    }

    [TestMethod]
    public void Shapes_that_differ_are_refused_by_the_advantages()
    {
        using var scope = NewDisposeScope();
        var error = Assert.ThrowsExactly<ArgumentException>(() => Advantages.Estimate(zeros(2, 3), zeros(2, 3), zeros(2, 4), 1, 1));
        StringAssert.Contains(error.Message, "must have one shape");
    }

    [TestMethod]
    public void Options_survive_JSON_and_unknown_keys_do_not()
    {
        string json = JsonSerializer.Serialize(
            new PpoOptions { KlPenalty = KlPenalty.Full, ScoreClip = 2, Generation = new GenerationOptions { TopK = 5 } });
        StringAssert.Contains(json, "\"KlPenalty\":\"full\"");
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<PpoOptions>(json)));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<PpoOptions>("""{"Epochs":3}"""));
    }

    private static void Refused(PpoOptions options, string words)
    {
        try
        {
            options.Validated();
        }
        catch (ArgumentException error)
        {
            StringAssert.Contains(error.Message, words);
            return;
        }
        Assert.Fail("not refused: " + words);
    }

    private static void Refused(int[][] queries, int[][] responses, double[] scores, string words, bool[][]? masks = null)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] before = Toys.Flat(policy.Weights());
        using var session = new PpoSession(policy, Quick);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => session.Step(queries, responses, scores, masks)).Message, words);
        CollectionAssert.AreEqual(before, Toys.Flat(policy.Weights()));
    }
}
