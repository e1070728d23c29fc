
namespace Microsoft.ML.Trl.Tests.Algorithms;

[TestClass]
public sealed class OptionsTests
{
    [TestMethod]
    public void Defaults_are_those_of_TRL()
    {
        SftOptions sft = new SftOptions().Validated();
        Assert.AreEqual(
            (8, 1, 3.0, -1),
            (sft.PerDeviceTrainBatchSize, sft.GradientAccumulationSteps, sft.NumTrainEpochs, sft.MaxSteps));
        Assert.AreEqual((1.0, 10.0, 42), (sft.MaxGradNorm, sft.LoggingSteps, sft.Seed));
        Assert.AreEqual((2e-5, 0.0, 0.9, 0.999, 1e-8), (sft.LearningRate, sft.WeightDecay, sft.AdamBeta1, sft.AdamBeta2, sft.AdamEpsilon));
        Assert.AreEqual(
            (LrSchedulerType.Linear, OptimizerKind.AdamW, 0.0, (int?)1024),
            (sft.LrSchedulerType, sft.Optim, sft.WarmupSteps, sft.MaxLength));
        RewardOptions reward = new RewardOptions().Validated();
        Assert.AreEqual(
            (1e-4, (int?)1024, true, (double?)null),
            (reward.LearningRate, reward.MaxLength, reward.DisableDropout, reward.CenterRewardsCoefficient));
    }

    [TestMethod]
    public void A_value_out_of_range_is_named_with_what_is_allowed()
    {
        var good = new SftOptions();
        Fails("PerDeviceTrainBatchSize (0) must be 1 or greater.", good with { PerDeviceTrainBatchSize = 0 });
        Fails("GradientAccumulationSteps (-2) must be 1 or greater.", good with { GradientAccumulationSteps = -2 });
        Fails("NumTrainEpochs (0) must be a finite number greater than 0.", good with { NumTrainEpochs = 0 });
        Fails("MaxSteps (-3) must be 1 or greater.", good with { MaxSteps = -3 });
        Fails("LearningRate (NaN) must be a finite number greater than 0.", good with { LearningRate = double.NaN });
        Fails("WeightDecay (-0.1) must be a finite number, 0 or greater.", good with { WeightDecay = -0.1 });
        Fails("AdamBeta1 (1) must be at least 0 and below 1.", good with { AdamBeta1 = 1 });
        Fails("AdamBeta2 (-1) must be at least 0 and below 1.", good with { AdamBeta2 = -1 });
        Fails("AdamEpsilon (0) must be a finite number greater than 0.", good with { AdamEpsilon = 0 });
        Fails("MaxGradNorm (-1) must be a finite number, 0 or greater.", good with { MaxGradNorm = -1 });
        Fails("WarmupSteps (-1) must be a finite number, 0 or greater.", good with { WarmupSteps = -1 });
        Fails("LoggingSteps (0) must be a finite number greater than 0.", good with { LoggingSteps = 0 });
        Fails("GpuDeviceId (-1) must be 0 or greater.", good with { GpuDeviceId = -1 });
        Fails("MaxLength (1) must be 2 or greater.", good with { MaxLength = 1 });
        Fails("LabelSmoothingFactor (1) must be at least 0 and below 1.", good with { LabelSmoothingFactor = 1 });
        Fails(
            "Optim (10) must be one of AdamW, Adam, Sgd, RmsProp, Adagrad, Adafactor, Lion, AdamW8Bit, Adam8Bit, Lion8Bit.",
            good with { Optim = (OptimizerKind)10 });
        Fails("LossType (5) must be one of Nll, Dft.", good with { LossType = (SftLossType)5 });
        Fails(
            "TrainSamplingStrategy (7) must be one of Random, Sequential, GroupByLength.",
            good with { TrainSamplingStrategy = (TrainSamplingStrategy)7 });
        Fails("PromptColumnName is empty; it must be the name of a column.", good with { PromptColumnName = " " });
        Fails("TextColumnName is empty; it must be the name of a column.", good with { TextColumnName = "" });
        Fails("MessagesColumnName is empty; it must be the name of a column.", good with { MessagesColumnName = "" });
    }

    [TestMethod]
    public void Options_that_contradict_each_other_are_named()
    {
        var good = new SftOptions();
        Fails(
            "LabelSmoothingFactor (0.1) has no meaning with LossType Dft; set it to 0 or use LossType Nll.",
            good with { LabelSmoothingFactor = 0.1, LossType = SftLossType.Dft });
        Fails("Packing needs MaxLength, the tokens of a full row; it is null.", good with { Packing = true, MaxLength = null });
        Fails("UseCpu and GpuDeviceId (0) contradict each other; set one of them.", good with { UseCpu = true, GpuDeviceId = 0 });
        Fails("Bf16 and Fp16 contradict each other; set one of them.", good with { Bf16 = true, Fp16 = true });
        Fails("LrSchedulerKwargs has 'power'", good with { LrSchedulerKwargs = new Dictionary<string, double> { ["power"] = 2 } });
    }

    [TestMethod]
    public void Reward_options_are_checked_too()
    {
        static void fails(string message, RewardOptions options) =>
            StringAssert.StartsWith(Assert.Throws<ArgumentException>(options.Validated).Message, message);
        fails(
            "CenterRewardsCoefficient (-0.01) must be a finite number, 0 or greater.",
            new RewardOptions { CenterRewardsCoefficient = -0.01 });
        fails("MaxLength (0) must be 1 or greater.", new RewardOptions { MaxLength = 0 });
        fails("MarginColumnName is empty; it must be the name of a column.", new RewardOptions { MarginColumnName = "" });
        fails("LearningRate (-1) must be a finite number greater than 0.", new RewardOptions { LearningRate = -1 });
    }

    [TestMethod]
    public void A_number_between_two_bounds_may_be_either()
    {
        Require.Between(0, 0, 1, "Gamma");
        Require.Between(1, 0, 1, "Gamma");
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Require.Between(1.5, 0, 1, "Gamma")).Message,
            "Gamma (1.5) must lie between 0 and 1.");
    }

    private static void Fails(string message, SftOptions options) =>
        StringAssert.StartsWith(Assert.Throws<ArgumentException>(options.Validated).Message, message);
}
