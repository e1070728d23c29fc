using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>What is refused, and in which words.</summary>
[TestClass]
public sealed class DpoErrorTests
{
    private static readonly PreferenceExample Good = new([1, 2], [3], [4]);

    [TestMethod]
    public void Defaults_are_those_of_TRL_and_valid()
    {
        var options = new DpoOptions();
        Assert.AreSame(options, options.Validated());
        Assert.AreEqual(1e-6, options.LearningRate);
        CollectionAssert.AreEqual(new[] { DpoLossType.Sigmoid }, options.LossType.ToArray());
        Assert.AreEqual((0.1, 1024, 0.5, 0.6, 512, 0.05), (options.Beta, options.MaxLength, options.FAlphaDivergenceCoef, options.RefModelMixupAlpha, options.RefModelSyncSteps, options.DiscopopTau));
    }

    [TestMethod]
    public void Options_out_of_range_are_named()
    {
        Refused(new() { Beta = 0 }, "Beta (0) must be a finite number greater than 0");
        Refused(new() { DiscopopTau = -1 }, "DiscopopTau (-1) must be a finite number greater than 0");
        Refused(new() { LdAlpha = 1.5 }, "LdAlpha (1.5) must lie between 0 and 1");
        Refused(new() { LabelSmoothing = 0.5, LossType = [DpoLossType.Robust] }, "LabelSmoothing (0.5) must be at least 0 and below 0.5");
        Refused(new() { RefModelMixupAlpha = -0.1 }, "RefModelMixupAlpha (-0.1) must lie between 0 and 1");
        Refused(new() { RefModelSyncSteps = 0 }, "RefModelSyncSteps (0) must be 1 or greater");
        Refused(new() { MaxLength = 1 }, "MaxLength (1) must be 2 or greater");
        Refused(new() { PrecomputeRefBatchSize = 0 }, "PrecomputeRefBatchSize (0) must be 1 or greater");
        Refused(new() { FAlphaDivergenceCoef = double.NaN }, "FAlphaDivergenceCoef (NaN) must be a finite number");
        Refused(new() { FDivergenceType = (FDivergenceType)9 }, "FDivergenceType (9) must be one of ReverseKl");
        Refused(new() { LossType = [(DpoLossType)99] }, "LossType (99) must be one of Sigmoid");
        Refused(new() { PromptColumnName = " " }, "PromptColumnName is empty; it must be the name of a column");
        Refused(new() { ChosenColumnName = "" }, "ChosenColumnName is empty");
        Refused(new() { RejectedColumnName = "" }, "RejectedColumnName is empty");
    }

    [TestMethod]
    public void Options_that_contradict_each_other_are_named()
    {
        Refused(new() { LossType = [] }, "LossType is empty; give at least one of Sigmoid");
        Refused(new() { LossWeights = [1, 2] }, "LossWeights has 2 numbers for 1 losses (Sigmoid)");
        Refused(new() { LossWeights = [double.NaN] }, "LossWeights holds NaN");
        Refused(new() { LabelSmoothing = 0.1 }, "LabelSmoothing (0.1) has no effect on Sigmoid; the losses that use it are Robust");
        Refused(new() { LossType = [DpoLossType.ExoPair] }, "LabelSmoothing is 0, but ExoPair");
        Refused(new() { SyncRefModel = true, PrecomputeRefLogProbs = true },
            "SyncRefModel and PrecomputeRefLogProbs contradict each other");
        Refused(new() { ReferenceFree = true, SyncRefModel = true }, "ReferenceFree leaves no reference");
    }

    [TestMethod]
    public void Rows_that_cannot_be_learnt_from_are_named()
    {
        BadRow(new([], [3], [4]), "Row 1: the prompt is empty");
        BadRow(new([1], [], [4]), "Row 1: the chosen answer is empty");
        BadRow(new([1], [3], []), "Row 1: the rejected answer is empty");
        BadRow(new([1], [3, 4], [3, 4]), "Row 1: chosen and rejected are equal");
        BadRow(new([.. Enumerable.Repeat(1, 32)], [3], [4]),
            "Row 1: the prompt is 32 tokens long and leaves no room for an answer within 32");
        BadRow(new([1], [40], [4]), "Row 1: token id 40 is outside the model's vocabulary of 40");
        BadRow(new([1], [.. Enumerable.Repeat(3, 32)], [4]),
            "Row 1: prompt and answer are 33 tokens long, more than the model's context of 32; set MaxLength to 32 or less");
        BadRow(new([1], [.. Enumerable.Repeat(3, 32)], [4]),
            "Row 1: prompt and answer are 33 tokens long, more than the model's context of 32", null);
    }

    [TestMethod]
    public void No_rows_at_all_are_refused()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new DpoLoop(policy, null, new()).Run([])).Message, "no examples");
    }

    [TestMethod]
    public void A_run_that_diverges_stops_with_a_diagnosis_and_the_last_good_weights()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] before = Toys.Flat(policy.Weights());
        var diverged = Assert.ThrowsExactly<TrainingDivergedException>(() => new DpoLoop(policy, null, new(
            ) { Beta = 1e38, LossType = [DpoLossType.SppoHard, DpoLossType.DiscoPop], ReferenceFree = true }).Run([Good]));
        Assert.AreEqual(1, diverged.Step);
        CollectionAssert.AreEqual(before, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Options_survive_JSON_and_unknown_keys_do_not()
    {
        var options = new DpoOptions { LossType = [DpoLossType.SigmoidNorm, DpoLossType.Sft], LossWeights = [1, 0.5], FDivergenceType = FDivergenceType.JsDivergence, LdAlpha = 0.3 };
        string json = JsonSerializer.Serialize(options);
        StringAssert.Contains(json, "\"sigmoid_norm\",\"sft\"");
        StringAssert.Contains(json, "\"js_divergence\"");
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<DpoOptions>(json)));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<DpoOptions>("""{"Betta":0.2}"""));
    }

    private static void Refused(DpoOptions options, string words)
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

    private static void BadRow(PreferenceExample row, string words, int? maxLength = 1024)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var loop = new DpoLoop(policy, null, new DpoOptions { MaxLength = maxLength });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => loop.Run([Good, row])).Message, words);
    }
}
