namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>What all methods share, through supervised fine-tuning; and fine-tuning's own.</summary>
internal static class TrainingOptionInputs
{
    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
    private static readonly double[] Negative = [-0.01, double.NaN, double.PositiveInfinity];
    private static readonly double[] NoShare = [-0.01, 1, 1.5, double.NaN];

    private static readonly MLContext Ml = new(1);

    public static IEnumerable<BadInput> All() =>
        [.. Numbers(), .. WholeNumbers(), .. Kinds(), .. Names(), .. Schedules(), .. Contradictions()];

    private static IEnumerable<BadInput> Numbers() =>
    [
        .. Each(nameof(SftOptions.LearningRate), NotPositive, x => new() { LearningRate = x }, "a finite number greater than 0"),
        .. Each(nameof(SftOptions.AdamEpsilon), NotPositive, x => new() { AdamEpsilon = x }, "a finite number greater than 0"),
        .. Each(nameof(SftOptions.LoggingSteps), NotPositive, x => new() { LoggingSteps = x }, "a finite number greater than 0"),
        .. Each(nameof(SftOptions.NumTrainEpochs), NotPositive, x => new() { NumTrainEpochs = x }, "a finite number greater than 0"),
        .. Each(nameof(SftOptions.EvalSteps), NotPositive, x => new() { EvalSteps = x }, "a finite number greater than 0"),
        .. Each(
            nameof(SftOptions.EarlyStoppingThreshold), Negative, x => new() { EarlyStoppingThreshold = x },
            "a finite number, 0 or greater"),
        .. Each(nameof(SftOptions.WeightDecay), Negative, x => new() { WeightDecay = x }, "a finite number, 0 or greater"),
        .. Each(nameof(SftOptions.MaxGradNorm), Negative, x => new() { MaxGradNorm = x }, "a finite number, 0 or greater"),
        .. Each(nameof(SftOptions.RouterAuxLossCoef), Negative, x => new() { RouterAuxLossCoef = x }, "a finite number, 0 or greater"),
        .. Each(nameof(SftOptions.WarmupSteps), Negative, x => new() { WarmupSteps = x }, "a finite number, 0 or greater"),
        .. Each(nameof(SftOptions.AdamBeta1), NoShare, x => new() { AdamBeta1 = x }, "at least 0 and below 1"),
        .. Each(nameof(SftOptions.AdamBeta2), NoShare, x => new() { AdamBeta2 = x }, "at least 0 and below 1"),
        .. Each(
            nameof(SftOptions.LayerwiseLearningRateDecay), [0, -0.5, 1.1, double.NaN, double.PositiveInfinity],
            x => new() { LayerwiseLearningRateDecay = x }, "greater than 0, and 1 at most"),
        .. Each("LearningRateMultipliers of 'bias'", Negative, x => new() { LearningRateMultipliers = Factors("bias", x) }, "0 or greater"),
        .. Each(nameof(SftOptions.LabelSmoothingFactor), NoShare, x => new() { LabelSmoothingFactor = x }, "at least 0 and below 1"),
    ];

    private static IEnumerable<BadInput> WholeNumbers() =>
    [
        .. Each("PerDeviceEvalBatchSize", [0, -8], x => new() { PerDeviceEvalBatchSize = (int)x }, "1 or greater"),
        .. Each("EarlyStoppingPatience", [0, -1], x => new() { EarlyStoppingPatience = (int)x }, "1 or greater"),
        .. Each("PerDeviceTrainBatchSize", [0, -8], x => new() { PerDeviceTrainBatchSize = (int)x }, "1 or greater"),
        .. Each("GradientAccumulationSteps", [0, -1], x => new() { GradientAccumulationSteps = (int)x }, "1 or greater"),
        .. Each("MaxSteps", [0, -2, int.MinValue], x => new() { MaxSteps = (int)x }, "1 or greater"),
        .. Each("GpuDeviceId", [-1, int.MinValue], x => new() { GpuDeviceId = (int)x }, "0 or greater"),
        .. Each("MaxLength", [1, 0, -1], x => new() { MaxLength = (int)x }, "2 or greater"),
    ];

    private static IEnumerable<BadInput> Kinds() =>
    [
        Refused<ArgumentException>(
            "Optim 10", new() { Optim = (OptimizerKind)10 }, "Optim (10)", "AdamW, Adam, Sgd, RmsProp, Adagrad", "Lion8Bit"),
        Refused<ArgumentException>("Optim -1", new() { Optim = (OptimizerKind)(-1) }, "Optim (-1)", "one of AdamW"),
        Refused<ArgumentException>(
            "LrSchedulerType 10", new() { LrSchedulerType = (LrSchedulerType)10 }, "LrSchedulerType (10)", "one of Linear, Cosine"),
        Refused<ArgumentException>(
            "TrainSamplingStrategy 3", new() { TrainSamplingStrategy = (TrainSamplingStrategy)3 }, "(3)",
            "Random, Sequential, GroupByLength"),
        Refused<ArgumentException>(
            "BaseQuantization 9", new() { BaseQuantization = (WeightQuantization)9 }, "BaseQuantization (9)", "None, Int8, Int4, Nf4"),
        Refused<ArgumentException>("EvalStrategy 3", new() { EvalStrategy = (EvalStrategy)3 }, "EvalStrategy (3)", "No, Epoch, Steps"),
        Refused<ArgumentException>("LossType 2", new() { LossType = (SftLossType)2 }, "LossType (2)", "Nll, Dft"),
        Refused<ArgumentException>(
            "PackingStrategy 3", new() { PackingStrategy = (PackingStrategy)3 }, "PackingStrategy (3)", "Bfd, BfdSplit, Wrapped"),
    ];

    private static IEnumerable<BadInput> Names()
    {
        foreach (string? name in new[] { "", " \t", null })
        {
            string shown = name is null ? "null" : $"'{name.Trim()}' of {name.Length}";
            (string, SftOptions)[] columns =
            [
                ("OutputColumnName", new() { OutputColumnName = name! }), ("PromptColumnName", new() { PromptColumnName = name! }),
                ("CompletionColumnName", new() { CompletionColumnName = name! }), ("TextColumnName", new() { TextColumnName = name! }),
            ];
            foreach ((string column, SftOptions options) in columns)
                yield return Refused<ArgumentException>($"{column} {shown}", options, $"{column} is empty", "the name of a column");
        }
    }

    private static IEnumerable<BadInput> Schedules() =>
    [
        Schedule(LrSchedulerType.Linear, "power", 2, "'power'", "Linear", "knows none"),
        Schedule(LrSchedulerType.Cosine, "cycles", 1, "'cycles'", "Cosine", "num_cycles"),
        Schedule(LrSchedulerType.Polynomial, "", 1, "''", "lr_end, power"),
        Schedule(LrSchedulerType.CosineWithMinLr, null, 0, "CosineWithMinLr", "'min_lr' or 'min_lr_rate'"),
        Schedule(LrSchedulerType.CosineWarmupWithMinLr, "num_cycles", 1, "CosineWarmupWithMinLr", "'min_lr' or 'min_lr_rate'"),
        Schedule(LrSchedulerType.WarmupStableDecay, "num_cycles", 1, "WarmupStableDecay", "'num_decay_steps'"),
        Schedule(LrSchedulerType.Cosine, "num_cycles", double.NaN, "num_cycles", "NaN", "finite"),
        Schedule(LrSchedulerType.Cosine, "num_cycles", -1, "num_cycles", "-1", "0 or greater"),
        Schedule(LrSchedulerType.CosineWithRestarts, "num_cycles", double.PositiveInfinity, "num_cycles", "Infinity", "finite"),
        Schedule(LrSchedulerType.Polynomial, "power", double.NaN, "power", "NaN", "finite"),
        Schedule(LrSchedulerType.Polynomial, "lr_end", -1e-7, "lr_end", "-1E-07", "0 or greater"),
        Schedule(LrSchedulerType.InverseSqrt, "timescale", 0, "timescale", "0", "greater than 0"),
        Schedule(LrSchedulerType.InverseSqrt, "timescale", -3, "timescale", "-3", "greater than 0"),
        Schedule(LrSchedulerType.CosineWithMinLr, "min_lr", double.NegativeInfinity, "min_lr", "-Infinity", "finite"),
        Schedule(LrSchedulerType.CosineWithMinLr, "min_lr_rate", -0.5, "min_lr_rate", "-0.5", "0 or greater"),
        Schedule(LrSchedulerType.WarmupStableDecay, "num_decay_steps", double.NaN, "num_decay_steps", "NaN", "finite"),
        Schedule(LrSchedulerType.WarmupStableDecay, "num_decay_steps", -10, "num_decay_steps", "-10", "0 or greater"),
        Refused<ArgumentException>(
            "both floors",
            new()
            {
                LrSchedulerType = LrSchedulerType.CosineWithMinLr,
                LrSchedulerKwargs = new Dictionary<string, double> { ["min_lr"] = 1e-6, ["min_lr_rate"] = 0.1 },
            },
            "either 'min_lr' or 'min_lr_rate'"),
    ];

    private static IEnumerable<BadInput> Contradictions() =>
    [
        Refused<ArgumentException>("two types", new() { Bf16 = true, Fp16 = true }, "Bf16 and Fp16", "set one of them"),
        Refused<ArgumentException>(
            "no regular expression", new() { LearningRateMultipliers = Factors("(", 1) }, "LearningRateMultipliers has '('", "no regular"),
        Refused<ArgumentException>("folder of no name", new() { OptimizerStateFolder = " " }, "OptimizerStateFolder is empty", "or null"),
        Refused<ArgumentException>("CPU and GPU", new() { UseCpu = true, GpuDeviceId = 3 }, "UseCpu", "GpuDeviceId (3)", "set one of them"),
        Refused<ArgumentException>(
            "few bits without an adapter", new() { BaseQuantization = WeightQuantization.Nf4 }, "BaseQuantization (Nf4)",
            "cannot be trained; set Peft"),
        Refused<ArgumentException>(
            "smoothed DFT", new() { LabelSmoothingFactor = 0.1, LossType = SftLossType.Dft }, "LabelSmoothingFactor (0.1)", "LossType Dft"),
        Refused<ArgumentException>(
            "the best of no evaluations", new() { LoadBestModelAtEnd = true }, "LoadBestModelAtEnd goes by evaluations", "Steps or Epoch"),
        Refused<ArgumentException>(
            "patience without evaluations", new() { EarlyStoppingPatience = 3 }, "EarlyStoppingPatience (3) goes by", "EvalStrategy is No"),
        Refused<ArgumentException>(
            "best weights and average",
            new() { LoadBestModelAtEnd = true, EvalStrategy = EvalStrategy.Epoch, WeightAveraging = new() },
            "LoadBestModelAtEnd and WeightAveraging contradict", "Leave one of them out"),
        Refused<ArgumentException>(
            "a metric of no name", new() { MetricForBestModel = "eval_" }, "MetricForBestModel is empty", "such as loss, or null"),
        Refused<ArgumentException>("a callback that is null", new() { Callbacks = [null!] }, "Callbacks holds null"),
        Refused<ArgumentNullException>("no list of callbacks", new() { Callbacks = null! }, "Callbacks"),
        Refused<ArgumentException>(
            "packed evaluations without length", new() { EvalPacking = true, MaxLength = null }, "EvalPacking needs MaxLength", "null"),
        Refused<ArgumentException>("packing without length", new() { Packing = true, MaxLength = null }, "Packing needs MaxLength", "null"),
        Refused<ArgumentException>(
            "generation options", new() { Generation = new() { MaxNewTokens = 0 } }, "MaxNewTokens (0)", "at least 1"),
    ];

    private static IEnumerable<BadInput> Each(string name, double[] values, Func<double, SftOptions> make, string allowed) => values.Select(
        value => Refused<ArgumentOutOfRangeException>(
            $"{name} {BadInput.Number(value)}", make(value), $"{name} ({BadInput.Number(value)})", allowed));

    private static Dictionary<string, double> Factors(string pattern, double factor) => new() { [pattern] = factor };

    private static BadInput Schedule(LrSchedulerType kind, string? key, double value, params string[] words)
    {
        Dictionary<string, double> numbers = key is null ? [] : new() { [key] = value };
        SftOptions options = new() { LrSchedulerType = kind, LrSchedulerKwargs = numbers };
        return Refused<ArgumentException>($"{kind} with {key ?? "nothing"} {BadInput.Number(value)}", options, words);
    }

    private static BadInput Refused<T>(string name, SftOptions options, params string[] words)
        where T : ArgumentException => BadInput.Of<T>("TrlCatalog.Sft", () => Ml.Trl().Sft(options), words, name);
}
