using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>Options that change nothing in a run are named in one warning.</summary>
[TestClass]
public sealed class UnusedOptionsTests
{
    private static readonly GenerationOptions GreedyAtTemperature = new() { DoSample = false, Temperature = 0.7 };

    [TestMethod]
    public void The_log_names_all_of_them_at_once()
    {
        List<string> log = [];
        MLContext ml = new(1);
        ml.Log += (_, message) => log.Add(message.Message);
        var options = new SftOptions { MaxSteps = 1, NumTrainEpochs = 2, PackingStrategy = PackingStrategy.Wrapped };
        ml.Trl().Sft(Tiny.Source(), options).Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs)).Dispose();
        string[] warnings = [.. log.Where(line => line.Contains("without effect", StringComparison.Ordinal))];
        Assert.HasCount(1, warnings);
        Assert.Contains(
            "Options without effect in this run: NumTrainEpochs with MaxSteps; PackingStrategy without Packing.", warnings[0]);
    }

    [TestMethod]
    public void Each_option_that_depends_on_another_is_named()
    {
        Named("AdamBeta1 and AdamBeta2 with Optim Sgd", new SftOptions { Optim = OptimizerKind.Sgd, AdamBeta2 = 0.95 });
        Named("AdamEpsilon with Optim Sgd", new SftOptions { Optim = OptimizerKind.Sgd, AdamEpsilon = 1e-6 });
        Named("AdamEpsilon with Optim Lion8Bit", new SftOptions { Optim = OptimizerKind.Lion8Bit, AdamEpsilon = 1e-6, AdamBeta2 = 0.99 });
        Named("StochasticRounding without Bf16", new PpoOptions { StochasticRounding = true });
        Named("OptimizerStateFolder with Optim Sgd", new DpoOptions { Optim = OptimizerKind.Sgd, OptimizerStateFolder = "state" });
        Named("LrSchedulerType, LrSchedulerKwargs and WarmupSteps", new SftOptions { LearningRateFactor = (_, _) => 1, WarmupSteps = 2 });
        var own = new SftOptions { OptimizerFactory = weights => TorchSharp.torch.optim.SGD(weights.Select(weight => weight.Value), 0.1) };
        Named("Optim with OptimizerFactory", own with { Optim = OptimizerKind.Sgd });
        Named("WeightDecay with OptimizerFactory", own with { WeightDecay = 0.1 });
        Named("AdamBeta1 and AdamBeta2 with OptimizerFactory", own with { AdamBeta1 = 0.8 });
        Named("AdamEpsilon with OptimizerFactory", own with { AdamEpsilon = 1e-6 });
        Named("LayerwiseLearningRateDecay with OptimizerFactory", own with { LayerwiseLearningRateDecay = 0.9 });
        Named("LearningRateMultipliers with OptimizerFactory", own with { LearningRateMultipliers = new Dictionary<string, double>() });
        Named("Peft.LoraplusLrRatio with OptimizerFactory", own with { Peft = new() { LoraplusLrRatio = 16 } });
        Named("StochasticRounding with OptimizerFactory", own with { StochasticRounding = true, Bf16 = true });
        Named("OptimizerStateFolder with OptimizerFactory", own with { OptimizerStateFolder = "state" });
        Named("WarmupSteps with LrSchedulerType Constant", new PpoOptions { WarmupSteps = 3 });
        Named(
            "DataSeed with TrainSamplingStrategy Sequential",
            new RewardOptions { DataSeed = 1, TrainSamplingStrategy = TrainSamplingStrategy.Sequential });
        Named("DiscopopTau without LossType DiscoPop", new DpoOptions { DiscopopTau = 0.1 });
        Named("FAlphaDivergenceCoef without FDivergenceType AlphaDivergence", new DpoOptions { FAlphaDivergenceCoef = 0.7 });
        Named("RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel", new DpoOptions { RefModelSyncSteps = 3 });
        Named("PrecomputeRefBatchSize without PrecomputeRefLogProbs", new DpoOptions { PrecomputeRefBatchSize = 3 });
        Named("Beta with LossType Sft alone", new DpoOptions { Beta = 0.3, LossType = [DpoLossType.Sft] });
        Named("SimpoGamma without LossType Simpo", new CpoOptions { SimpoGamma = 1 });
        Named("LabelSmoothing with LossType Ipo", new CpoOptions { LossType = CpoLossType.Ipo, LabelSmoothing = 0.1 });
        Named("PaddingFree with PerDeviceTrainBatchSize 1", new BcoOptions { PaddingFree = true, PerDeviceTrainBatchSize = 1 });
        Named("RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel", new KtoOptions { RefModelMixupAlpha = 0.3 });
        Named(
            "PromptSampleSize, MinDensityRatio and MaxDensityRatio without PromptEmbeddingColumnName",
            new BcoOptions { MaxDensityRatio = 2 });
        Named("Target and Horizon without AdapKlCtrl", new PpoOptions { AdapKlCtrl = false, Target = 3 });
        Named("Peft.LoraDropout without dropout in training", new PpoOptions { Peft = LoraOptions.TrlDefaults });
        Named("Peft.LoraDropout without dropout in training", new DpoOptions { Peft = LoraOptions.TrlDefaults });
        Named("UseKlLoss and KlEstimator with AdvantageEstimator Group", new GrpoOptions { KlEstimator = KlEstimator.K3 });
        Named("ScaleRewards with AdvantageEstimator ReMax", GrpoOptions.ReMax with { ScaleRewards = ScaleRewards.None });
        Named("UseKlLoss with Beta 0", GrpoOptions.ReMax with { UseKlLoss = true, KlEstimator = KlEstimator.K2 });
        Named(
            "UseBiasCorrectionKl where KL is taken from rewards", GrpoOptions.ReinforcePlusPlus with { UseBiasCorrectionKl = true });
        Named("PaddingFree with PerDeviceTrainBatchSize 1", new RaftOptions { PaddingFree = true, PerDeviceTrainBatchSize = 1 });
        Named("EvalSteps with EvalStrategy No", new SftOptions { EvalSteps = 3 });
        IDataView data = new MLContext().Data.LoadFromEnumerable(Tiny.Pairs);
        Named("EvaluationData with EvalStrategy No", new DpoOptions { EvaluationData = data });
        Named("PerDeviceEvalBatchSize with EvalStrategy No", new RewardOptions { PerDeviceEvalBatchSize = 2 });
        Named("MetricForBestModel and GreaterIsBetter without", new PpoOptions { GreaterIsBetter = true });
        Named("EarlyStoppingThreshold without EarlyStoppingPatience", new KtoOptions { EarlyStoppingThreshold = 0.1 });
        Named("EvalPacking with EvalStrategy No", new SftOptions { EvalPacking = false });
        Named("GenerateDuringEval with EvalStrategy No", new CpoOptions { GenerateDuringEval = true });
        Named("OffloadFolder without ActivationOffloading", new SftOptions { OffloadFolder = "there" });
        Named("LisaIntervalSteps without LisaActivatedLayers", new PpoOptions { LisaIntervalSteps = 3 });
        Named("TargetKl without EarlyStopping", new PpoOptions { TargetKl = 0.1 });
        Named("CliprangeValue with VfCoef 0", new PpoOptions { VfCoef = 0, CliprangeValue = 0.1 });
        Named(
            "Temperature, TopK, TopP, MinP, TypicalP, EpsilonCutoff and EtaCutoff of Generation with DoSample false",
            new DpoOptions { Generation = GreedyAtTemperature });
        Named(
            "MinNewTokens of Generation without EosTokenIds",
            new PpoOptions { Generation = new() { MinNewTokens = 3, EosTokenIds = [] } });
    }

    [TestMethod]
    public void Options_of_group_methods_without_effect_are_named()
    {
        Named("RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel", new RlooOptions { RefModelSyncSteps = 3 });
        Named("SyncRefModel and ReferenceModel with Beta 0", new GrpoOptions { SyncRefModel = true });
        Named("NumGenerationsEval with EvalStrategy No", new GrpoOptions { NumGenerationsEval = 1 });
        Named("DataloaderDropLast where prompts", new GrpoOptions { DataloaderDropLast = true });
        Named("Delta with LossType Sapo", new GrpoOptions { LossType = GrpoLossType.Sapo, Delta = 2 });
        Named("Epsilon and EpsilonHigh with LossType Vespo", new GrpoOptions { LossType = GrpoLossType.Vespo, EpsilonHigh = 1 });
        Named("Epsilon with LossType Cispo", new GrpoOptions { LossType = GrpoLossType.Cispo, EpsilonHigh = 5, Epsilon = 0.1 });
        Named("SapoTemperatureNeg and SapoTemperaturePos with LossType Dapo", new GrpoOptions { SapoTemperaturePos = 2 });
        Named("VespoKPos, VespoLambdaPos", new GrpoOptions { VespoKNeg = 2 });
        Named(
            "ImportanceSamplingLevel with LossType Vespo",
            new GrpoOptions { LossType = GrpoLossType.Vespo, ImportanceSamplingLevel = ImportanceSamplingLevel.Sequence });
        Named("UseBiasCorrectionKl with Beta 0", new GrpoOptions { UseBiasCorrectionKl = true });
        Named("EntropyCoefMin, EntropyCoefMax", new GrpoOptions { EntropyTarget = 1 });
        Named("OffPolicyMaskThreshold where each step", new GrpoOptions { OffPolicyMaskThreshold = 0.1 });
    }

    [TestMethod]
    public void Defaults_and_options_that_matter_are_not_named()
    {
        TrainingOptions[] used =
        [
            new SftOptions { Bf16 = true, StochasticRounding = true, Optim = OptimizerKind.AdamW8Bit, OptimizerStateFolder = "state" },
            new SftOptions { LearningRateFactor = (_, _) => 1, LayerwiseLearningRateDecay = 0.9 },
            new SftOptions { Optim = OptimizerKind.Lion, AdamBeta2 = 0.99 },
            new SftOptions { Fp16 = true, Optim = OptimizerKind.Sgd, OptimizerStateFolder = "state" }, // where the masters lie
            new SftOptions(), new RewardOptions(), new DpoOptions(), new PpoOptions(),
            new OrpoOptions(), new CpoOptions(), new KtoOptions(), new BcoOptions(), new GrpoOptions(), new RlooOptions(),
            new RaftOptions(),
            new GrpoOptions { LossType = GrpoLossType.Cispo, EpsilonHigh = 5 }, new GrpoOptions { LossType = GrpoLossType.Sapo },
            new GrpoOptions { StepsPerGeneration = 2, OffPolicyMaskThreshold = 0.1 },
            new SftOptions { Packing = true, PackingStrategy = PackingStrategy.Wrapped, NumTrainEpochs = 1, AdamBeta2 = 0.95 },
            new DpoOptions { LossType = [DpoLossType.DiscoPop], DiscopopTau = 0.1, SyncRefModel = true, RefModelSyncSteps = 3 },
            new PpoOptions { EarlyStopping = true, TargetKl = 0.1, Target = 3, WarmupSteps = 3, LrSchedulerType = LrSchedulerType.Linear },
        ];
        foreach (TrainingOptions options in used)
            Assert.IsEmpty(options.WithoutEffect(), options.ToString());
    }

    private static void Named(string expected, TrainingOptions options) =>
        Assert.IsTrue(options.WithoutEffect().Single().StartsWith(expected, StringComparison.Ordinal), options.WithoutEffect().Single());
}
