using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Online DPO, XPO, Nash-MD and iterative DPO: options, losses, what compares answers, and the stages.</summary>
internal static class OnlineInputs
{
    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];

    private const string Positive = "a finite number greater than 0";

    private static readonly GenerationOptions Brief = Tiny.Greedy with { DoSample = true };

    private static readonly IterativeDpoOptions Short = new()
    {
        Iterations = 1, NumOutputSequences = 2, Generation = Brief, Dpo = new() { MaxSteps = 1, PerDeviceTrainBatchSize = 2 },
    };

    private static readonly PairwiseJudge First = PairwiseJudge.Of((_, _, _) => 0);

    private static readonly RewardFunction One = RewardFunction.Of((_, _) => 1);

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    public static IEnumerable<BadInput> All() => [.. Shared(), .. Own(), .. Iterative(), .. Losses(), .. Stages(), .. Answers()];

    private static IEnumerable<BadInput> Shared() =>
    [
        .. NotPositive.Select(x => Option(new OnlineDpoOptions { Beta = [0.1, x] }, $"Beta ({Number(x)})", Positive)),
        Option(new XpoOptions { Beta = [] }, "Beta is empty", "at least one number"),
        Option(new NashMdOptions { Beta = null! }, "Beta is null", "at least one number"),
        .. NotPositive.Select(x => Option(new OnlineDpoOptions { MissingEosPenalty = x }, $"MissingEosPenalty ({Number(x)})", Positive)),
        Option(new OnlineDpoOptions { MaxLength = 1 }, "MaxLength (1)", "2 or greater"),
        Option(new OnlineDpoOptions { MaxLength = 64 }, "MaxLength (64) leaves no room for a prompt", "MaxNewTokens (64)", "raise"),
        Option(new OnlineDpoOptions { ReferenceModel = (ReferenceKind)3 }, "ReferenceModel (3)", "Full, Int8"),
        Option(new OnlineDpoOptions { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint (-1)", "0 or greater"),
        Option(new OnlineDpoOptions { OutputColumnName = "" }, "OutputColumnName is empty"),
        Option(new OnlineDpoOptions { PromptColumnName = null! }, "PromptColumnName is empty"),
        Option(new OnlineDpoOptions { PerDeviceTrainBatchSize = 0 }, "PerDeviceTrainBatchSize (0)", "1 or greater"),
        Option(new OnlineDpoOptions { LearningRate = 0 }, "LearningRate (0)", Positive),
        Option(new OnlineDpoOptions { Generation = new() { NumBeams = 2 } }, "NumBeams (2) must be 1 for the answers of a run"),
        Option(new OnlineDpoOptions { Generation = new() { NumReturnSequences = 2 } }, "NumReturnSequences (2) must be 1"),
        Of<ArgumentNullException>("TrlCatalog.OnlineDpo", () => Trl.OnlineDpo(new OnlineDpoOptions { Generation = null! }), ["Generation"]),
    ];

    private static IEnumerable<BadInput> Own() =>
    [
        Option(new OnlineDpoOptions { LossType = (PairLossType)2 }, "LossType (2)", "Sigmoid, Ipo"),
        Option(new XpoOptions { LossType = (PairLossType)(-1) }, "LossType (-1)", "Sigmoid, Ipo"),
        Option(new XpoOptions { Alpha = [] }, "Alpha is empty"),
        .. new[] { -1e-5, double.NaN }.Select(
            x => Option(new XpoOptions { Alpha = [x] }, $"Alpha ({Number(x)})", "a finite number, 0 or greater")),
        Option(new NashMdOptions { MixtureCoef = [] }, "MixtureCoef is empty"),
        .. new[] { -0.1, 1.1, double.NaN }.Select(
            x => Option(new NashMdOptions { MixtureCoef = [0.5, x] }, $"MixtureCoef ({Number(x)})", "between 0 and 1")),
        Of<ArgumentException>(
            "TrlCatalog.Xpo", () => Trl.Xpo(First, new XpoOptions { MissingEosPenalty = 1 }),
            ["MissingEosPenalty (1) is taken off scores", "a judge that gives none", "give a reward"]),
    ];

    private static IEnumerable<BadInput> Iterative() =>
    [
        Option(new IterativeDpoOptions { Iterations = 0 }, "Iterations (0)", "1 or greater"),
        Option(new IterativeDpoOptions { PromptsPerIteration = 0 }, "PromptsPerIteration (0)", "1 or greater"),
        Option(new IterativeDpoOptions { NumOutputSequences = 1 }, "NumOutputSequences (1)", "2 or greater"),
        Option(new IterativeDpoOptions { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint (-1)", "0 or greater"),
        Option(new IterativeDpoOptions { LengthPenalty = double.NaN }, "LengthPenalty (NaN)", "a finite number"),
        Option(
            new IterativeDpoOptions { SamplingPairedMethod = (SamplingPairedMethod)4 }, "SamplingPairedMethod (4)", "MaxRandom, MaxMin"),
        Option(new IterativeDpoOptions { Dpo = null! }, "Dpo"),
        Option(new IterativeDpoOptions { Generation = null! }, "Generation"),
        Option(new IterativeDpoOptions { Dpo = new() { Beta = 0 } }, "Beta (0)", Positive),
        Option(new IterativeDpoOptions { Generation = new() { DoSample = false } }, "NumReturnSequences (8)", "DoSample false"),
        Option(
            new IterativeDpoOptions { Generation = new() { NumReturnSequences = 2 } }, "NumReturnSequences (2) must be 1",
            "NumOutputSequences says"),
        Option(
            new IterativeDpoOptions { RenewReference = true, Dpo = new() { Peft = new() } }, "RenewReference has no meaning with Peft",
            "Set it to false"),
        Option(
            new IterativeDpoOptions { RenewReference = true, Dpo = new() { ReferenceFree = true } },
            "RenewReference has no meaning with ReferenceFree"),
        Of<ArgumentException>(
            "TrlCatalog.IterativeDpo",
            () => Trl.IterativeDpo(
                One, new IterativeDpoOptions { Dpo = new() { ReferenceFree = true } }, reference: ModelSource.Folder("there")),
            ["A reference was given, but ReferenceFree does without one"]),
    ];

    private static IEnumerable<BadInput> Losses() =>
    [
        Null("XpoLoss.Compute", "preference", () => XpoLoss.Compute(null!, ones(1), 0)),
        Null("XpoLoss.Compute", "referenceAnswers", () => XpoLoss.Compute(ones(1), null!, 0)),
        Of<ArgumentException>("XpoLoss.Compute", () => XpoLoss.Compute(ones(1), ones(2), 0), ["preference", "referenceAnswers", "[2]"]),
        Of<ArgumentException>("XpoLoss.Compute", () => XpoLoss.Compute(ones(1, ScalarType.Int64), ones(1), 0), ["floating", "Int64"]),
        Of<ArgumentOutOfRangeException>("XpoLoss.Compute", () => XpoLoss.Compute(ones(1), ones(1), -1), ["alpha (-1)", "0 or greater"]),
        Null("NashMdLoss.Compute", "logProb", () => NashMdLoss.Compute(null!, ones(1), ones(1), 0.1)),
        Null("NashMdLoss.Compute", "preference", () => NashMdLoss.Compute(ones(1), ones(1), null!, 0.1)),
        Of<ArgumentException>(
            "NashMdLoss.Compute", () => NashMdLoss.Compute(ones(1), ones(2), ones(1), 0.1), ["logProb", "weightedLogProb", "[2]"]),
        .. NotPositive.Select(x => Of<ArgumentOutOfRangeException>(
            "NashMdLoss.Compute", () => NashMdLoss.Compute(ones(1), ones(1), ones(1), x), [$"beta ({Number(x)})", Positive], Number(x))),
    ];

    private static IEnumerable<BadInput> Stages()
    {
        (string Name, string Stage, Func<ModelSource?, IEstimator<TextGenerationTransformer>> Of)[] stages =
        [
            ("OnlineDpo", "Online DPO", source => Trl.OnlineDpo(source!, First)), ("Xpo", "XPO", source => Trl.Xpo(source!, First)),
            ("NashMd", "Nash-MD", source => Trl.NashMd(source!, First)),
            ("IterativeDpo", "Iterative DPO", source => Trl.IterativeDpo(source!, One, Short)),
        ];
        (string Name, Func<ModelSource, IEstimator<TextGenerationTransformer>> Of, IEstimator<TextGenerationTransformer> Bare)[] bare =
        [
            ("OnlineDpo", source => Trl.OnlineDpo(source), Trl.OnlineDpo()), ("Xpo", source => Trl.Xpo(source), Trl.Xpo()),
            ("NashMd", source => Trl.NashMd(source), Trl.NashMd()),
            ("IterativeDpo", source => Trl.IterativeDpo(source), Trl.IterativeDpo()),
        ];
        foreach ((string name, _, Func<ModelSource?, IEstimator<TextGenerationTransformer>> of) in stages)
        {
            yield return Null("TrlCatalog." + name, "source", () => of(null), "no source");
            yield return Null($"{name}Trainer.Fit", "input", () => of(Tiny.Source()).Fit(null!), "no input");
            yield return Null($"{name}Trainer.GetOutputSchema", "inputSchema", () => of(Tiny.Source()).GetOutputSchema(null!), "no schema");
            yield return Of<ArgumentOutOfRangeException>(
                $"{name}Trainer.Fit", () => of(Tiny.Source()).Fit(Ml.Data.LoadFromEnumerable(new[] { new { Q = "a" } })),
                ["Schema mismatch for prompt column 'Prompt'"], "no prompts");
            yield return Of<ArgumentException>(
                $"{name}Trainer.Fit", () => of(ModelSource.FromModel(Reward)).Fit(Rows), ["holds a reward model"], "reward model");
        }
        foreach ((string name, Func<ModelSource, IEstimator<TextGenerationTransformer>> of, IEstimator<TextGenerationTransformer> alone)
            in bare)
        {
            string lacking = name == "IterativeDpo" ? "has no reward" : "has nothing that compares answers";
            yield return Of<InvalidOperationException>($"{name}Trainer.Fit", () => of(Tiny.Source()).Fit(Rows), [lacking], "no judge");
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.GetOutputSchema", () => Chained(of(Tiny.Source())), [lacking], "no judge");
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.Fit", () => alone.Fit(Rows), ["has no model to start from"], "no model");
        }
        yield return Null("TrlCatalog.OnlineDpo", "judge", () => Trl.OnlineDpo((PairwiseJudge)null!, new OnlineDpoOptions()));
        yield return Null("TrlCatalog.Xpo", "judge", () => Trl.Xpo((PairwiseJudge)null!, new XpoOptions()));
        yield return Null("TrlCatalog.NashMd", "judge", () => Trl.NashMd((PairwiseJudge)null!, new NashMdOptions()));
        yield return Null("TrlCatalog.OnlineDpo", "reward", () => Trl.OnlineDpo((RewardFunction)null!, new OnlineDpoOptions()));
        yield return Null("TrlCatalog.IterativeDpo", "reward", () => Trl.IterativeDpo((RewardFunction)null!, Short));
    }

    private static IEnumerable<BadInput> Answers()
    {
        var options = new OnlineDpoOptions { MaxSteps = 1, PerDeviceTrainBatchSize = 2, Generation = Brief };
        BadInput Failed(PairwiseJudge judge, params string[] words) => Of<RewardFunctionException>(
            "OnlineDpoTrainer.Fit", () => Trl.OnlineDpo(Tiny.Source(), judge, options).Fit(Rows), words, string.Join(", ", words));
        return
        [
            Failed(PairwiseJudge.Of((_, _, _) => throw new FormatException("no verdict")), "the judge threw FormatException: no verdict"),
            Failed(PairwiseJudge.Of((_, _, _) => 4), "The judge gave 4"),
            Failed(RewardFunction.Of((_, _) => double.NaN), "Step 1: the reward function gave NaN for row 0"),
            Failed(RewardFunction.Of((_, _) => throw new FormatException("no score")), "the reward function threw FormatException"),
            Of<RewardFunctionException>(
                "IterativeDpoTrainer.Fit", () => Trl.IterativeDpo(Tiny.Source(), One, Short).Fit(Rows), ["equal scores", "no pair"]),
        ];
    }

    private static void Chained(IEstimator<TextGenerationTransformer> stage) =>
        Ml.Transforms.CopyColumns("Q", "Prompt").Append(stage).Fit(Rows);

    private static BadInput Option(object options, params string[] words)
    {
        (string method, Action act) = options switch
        {
            OnlineDpoOptions online => ("OnlineDpo", (Action)(() => Trl.OnlineDpo(online))),
            XpoOptions xpo => ("Xpo", () => Trl.Xpo(xpo)),
            NashMdOptions nash => ("NashMd", () => Trl.NashMd(nash)),
            _ => ("IterativeDpo", () => Trl.IterativeDpo((IterativeDpoOptions)options)),
        };
        Exception? thrown = null;
        try
        {
            act();
        }
        catch (ArgumentException refused)
        {
            thrown = refused;
        }
        return new BadInput("TrlCatalog." + method, string.Join(", ", words), thrown?.GetType() ?? typeof(ArgumentException), words, act);
    }
}
