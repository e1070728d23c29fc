using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>ORPO, CPO, KTO, BCO, process reward models and iterative SFT: options, losses, stages and steps.</summary>
internal static class PreferenceInputs
{
    private const string Positive = "a finite number greater than 0", NotNegative = "a finite number, 0 or greater";

    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];
    private static readonly double[] Negative = [-0.01, double.NaN, double.PositiveInfinity];

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    public static IEnumerable<BadInput> All() =>
    [
        .. PairOptions(), .. UnpairedOptions(), .. Shared(), .. Losses(), .. OddsLosses(), .. Stages(), .. Columns(), .. Prm(),
        .. Iterative(),
    ];

    private static IEnumerable<BadInput> PairOptions() =>
    [
        .. NotPositive.Select(x => Option(new OrpoOptions { Beta = x }, "Beta", x, Positive)),
        Option(new OrpoOptions { MaxCompletionLength = 1 }, "MaxCompletionLength", 1, "2 or greater"),
        .. NotPositive.Select(x => Option(new CpoOptions { Beta = x }, "Beta", x, Positive)),
        .. Negative.Select(x => Option(new CpoOptions { CpoAlpha = x }, "CpoAlpha", x, NotNegative)),
        .. new[] { -0.01, 0.51, double.NaN }.Select(
            x => Option(new CpoOptions { LabelSmoothing = x }, "LabelSmoothing", x, "between 0 and 0.5")),
        Option(new CpoOptions { SimpoGamma = double.NaN }, "SimpoGamma", double.NaN, "a finite number"),
        Option(new CpoOptions { Alpha = double.NegativeInfinity }, "Alpha", double.NegativeInfinity, "a finite number"),
        Option(new CpoOptions { MaxCompletionLength = 0 }, "MaxCompletionLength", 0, "2 or greater"),
        Option<ArgumentException>(new CpoOptions { LossType = (CpoLossType)4 }, "LossType (4)", "Sigmoid, Hinge, Ipo, Simpo"),
        BadInput.Of<ArgumentOutOfRangeException>(
            "TrlCatalog.Dpo", () => Trl.Dpo(new DpoOptions { RpoAlpha = -1 }), ["RpoAlpha (-1)", NotNegative]),
    ];

    private static IEnumerable<BadInput> UnpairedOptions() =>
    [
        .. NotPositive.Select(x => Option(new KtoOptions { Beta = x }, "Beta", x, Positive)),
        .. Negative.Select(x => Option(new KtoOptions { DesirableWeight = x }, "DesirableWeight", x, NotNegative)),
        .. Negative.Select(x => Option(new KtoOptions { UndesirableWeight = x }, "UndesirableWeight", x, NotNegative)),
        Option<ArgumentException>(
            new KtoOptions { DesirableWeight = 0, UndesirableWeight = 0 }, "DesirableWeight and UndesirableWeight are both 0",
            "above 0"),
        Option<ArgumentException>(new KtoOptions { LossType = (KtoLossType)2 }, "LossType (2)", "Kto, ApoZeroUnpaired"),
        Option<ArgumentException>(
            new KtoOptions { PerDeviceTrainBatchSize = 1 }, "PerDeviceTrainBatchSize (1) must be 2 or greater", "ApoZeroUnpaired"),
        Option<ArgumentException>(new KtoOptions { LabelColumnName = "" }, "LabelColumnName is empty"),
        Option<ArgumentException>(new KtoOptions { CompletionColumnName = " " }, "CompletionColumnName is empty"),
        .. NotPositive.Select(x => Option(new BcoOptions { Beta = x }, "Beta", x, Positive)),
        Option(new BcoOptions { PromptSampleSize = 0 }, "PromptSampleSize", 0, "1 or greater"),
        .. Negative.Select(x => Option(new BcoOptions { MinDensityRatio = x }, "MinDensityRatio", x, NotNegative)),
        .. NotPositive.Select(x => Option(new BcoOptions { MaxDensityRatio = x }, "MaxDensityRatio", x, Positive)),
        Option<ArgumentException>(
            new BcoOptions { MinDensityRatio = 2, MaxDensityRatio = 1 }, "MinDensityRatio (2) must be at most MaxDensityRatio (1)"),
        Option<ArgumentException>(new BcoOptions { PromptEmbeddingColumnName = "" }, "PromptEmbeddingColumnName is empty"),
    ];

    /// <summary>Options that the methods share; those of DPO stand in the table of method options.</summary>
    private static IEnumerable<BadInput> Shared()
    {
        yield return Option(new OrpoOptions { MaxLength = 1 }, "MaxLength", 1, "2 or greater");
        yield return Option(new CpoOptions { RouterAuxLossCoef = -1 }, "RouterAuxLossCoef", -1, NotNegative);
        yield return Option(new OrpoOptions { LearningRate = 0 }, "LearningRate", 0, Positive);
        yield return Option<ArgumentException>(new OrpoOptions { ChosenColumnName = "" }, "ChosenColumnName is empty");
        yield return Option<ArgumentException>(new CpoOptions { RejectedColumnName = null! }, "RejectedColumnName is empty");
        yield return Option<ArgumentException>(new KtoOptions { OutputColumnName = " " }, "OutputColumnName is empty");
        yield return Option<ArgumentException>(new BcoOptions { PromptColumnName = "" }, "PromptColumnName is empty");
        yield return Option(new KtoOptions { RefModelMixupAlpha = 1.5 }, "RefModelMixupAlpha", 1.5, "between 0 and 1");
        yield return Option(new BcoOptions { RefModelSyncSteps = 0 }, "RefModelSyncSteps", 0, "1 or greater");
        yield return Option(new KtoOptions { PrecomputeRefBatchSize = 0 }, "PrecomputeRefBatchSize", 0, "1 or greater");
        yield return Option<ArgumentException>(
            new BcoOptions { SyncRefModel = true, PrecomputeRefLogProbs = true }, "SyncRefModel and PrecomputeRefLogProbs contradict");
        yield return Option<ArgumentException>(new KtoOptions { ReferenceModel = (ReferenceKind)2 }, "ReferenceModel (2)", "Full, Int8");
        yield return Option<ArgumentException>(
            new BcoOptions { SyncRefModel = true, ReferenceModel = ReferenceKind.Int8 }, "SyncRefModel", "ReferenceModel is Int8",
            "or ReferenceModel to Full");
        yield return Option<ArgumentException>(
            new OrpoOptions { OptimizerInBackward = true, MaxGradNorm = 0, GradientAccumulationSteps = 2 },
            "GradientAccumulationSteps is 2", "set it to 1");
        yield return Option<ArgumentException>(
            new PrmOptions { BaseQuantization = WeightQuantization.Nf4 }, "BaseQuantization (Nf4)", "set Peft");
        yield return Option(new CpoOptions { NeftuneNoiseAlpha = 0 }, "NeftuneNoiseAlpha", 0, Positive);
        yield return Option<ArgumentException>(
            new OrpoOptions { Generation = new() { NumReturnSequences = 2 } },
            "NumReturnSequences (2) must be 1 for a column of completions");
    }

    private static IEnumerable<BadInput> Losses()
    {
        (string Name, string Parameter, Func<Tensor, double, Tensor> Loss)[] losses =
        [
            ("CpoLoss.Sigmoid", "difference", (x, beta) => CpoLoss.Sigmoid(x, beta)), ("CpoLoss.Hinge", "difference", CpoLoss.Hinge),
            ("CpoLoss.Ipo", "difference", CpoLoss.Ipo), ("CpoLoss.Simpo", "difference", (x, beta) => CpoLoss.Simpo(x, beta, 0.5)),
            ("OrpoLoss.OddsRatio", "logOdds", OrpoLoss.OddsRatio),
            ("KtoLoss.Desirable", "ratio", (x, beta) => KtoLoss.Desirable(x, zeros(1).sum(), beta)),
            ("KtoLoss.Undesirable", "ratio", (x, beta) => KtoLoss.Undesirable(x, zeros(1).sum(), beta)),
        ];
        foreach ((string member, string parameter, Func<Tensor, double, Tensor> loss) in losses)
        {
            yield return Null(member, parameter, () => loss(null!, 0.1), "null");
            yield return Of<ArgumentException>(member, () => loss(ones(2, ScalarType.Int64), 0.1), [parameter, "floating", "Int64"]);
            yield return Of<ArgumentException>(member, () => loss(Disposed(ones(2)), 0.1), [parameter, "was disposed"]);
            foreach (double beta in NotPositive)
                yield return Of<ArgumentOutOfRangeException>(
                    member, () => loss(ones(2), beta), [$"beta ({Number(beta)})", "greater than 0"], Number(beta));
        }
        yield return Of<ArgumentOutOfRangeException>(
            "CpoLoss.Sigmoid", () => CpoLoss.Sigmoid(ones(2), 0.1, 0.6), ["labelSmoothing (0.6)", "between 0 and 0.5"]);
        yield return Of<ArgumentOutOfRangeException>(
            "CpoLoss.Simpo", () => CpoLoss.Simpo(ones(2), 0.1, double.NaN), ["gamma (NaN)", "a finite number"]);
        yield return Of<ArgumentException>(
            "KtoLoss.Desirable", () => KtoLoss.Desirable(ones(2), ones(3), 0.1), ["ratio", "z", "[2]", "[3]"]);
        yield return Of<ArgumentException>(
            "KtoLoss.Undesirable", () => KtoLoss.Undesirable(ones(2), ones(1, ScalarType.Int64).sum(), 0.1), ["z", "floating"]);
    }

    private static IEnumerable<BadInput> OddsLosses() =>
    [
        Null("OrpoLoss.LogOdds", "chosen", () => OrpoLoss.LogOdds(null!, ones(1))),
        Of<ArgumentException>("OrpoLoss.LogOdds", () => OrpoLoss.LogOdds(ones(1), ones(2)), ["chosen", "rejected", "[1]", "[2]"]),
        Null("CpoLoss.Reward", "logProb", () => CpoLoss.Reward(null!)),
        Of<ArgumentOutOfRangeException>("CpoLoss.Reward", () => CpoLoss.Reward(ones(1), double.NaN), ["alpha (NaN)", "a finite number"]),
        Null("BcoLoss.Desirable", "reward", () => BcoLoss.Desirable(null!, 0)),
        Of<ArgumentOutOfRangeException>("BcoLoss.Desirable", () => BcoLoss.Desirable(ones(1), double.NaN), ["delta (NaN)", "finite"]),
        Of<ArgumentException>(
            "BcoLoss.Undesirable", () => BcoLoss.Undesirable(ones(1, ScalarType.Int64), 0), ["reward", "floating", "Int64"]),
    ];

    private static IEnumerable<BadInput> Stages()
    {
        (string Name, Func<ModelSource?, IEstimator<TextGenerationTransformer>> Of)[] stages =
        [
            ("Orpo", source => Trl.Orpo(source!, new OrpoOptions())), ("Cpo", source => Trl.Cpo(source!, new CpoOptions())),
            ("Kto", source => Trl.Kto(source!, new KtoOptions())), ("Bco", source => Trl.Bco(source!, new BcoOptions())),
        ];
        (string Name, IEstimator<TextGenerationTransformer> Stage)[] upstream =
            [("Orpo", Trl.Orpo()), ("Cpo", Trl.Cpo()), ("Kto", Trl.Kto()), ("Bco", Trl.Bco())];
        foreach ((string name, Func<ModelSource?, IEstimator<TextGenerationTransformer>> of) in stages)
        {
            yield return Null("TrlCatalog." + name, "source", () => of(null), "no source");
            yield return Null($"{name}Trainer.Fit", "input", () => of(Tiny.Source()).Fit(null!), "no input");
            yield return Null(
                $"{name}Trainer.GetOutputSchema", "inputSchema", () => of(Tiny.Source()).GetOutputSchema(null!), "no schema");
            yield return Of<ArgumentException>(
                $"{name}Trainer.Fit", () => of(ModelSource.FromModel(Reward)).Fit(Rows), ["holds a reward model"], "reward model");
        }
        foreach ((string name, IEstimator<TextGenerationTransformer> stage) in upstream)
        {
            string words = $"{name.ToUpperInvariant()} has no model to start from";
            yield return Of<InvalidOperationException>($"{name}Trainer.Fit", () => stage.Fit(Rows), [words], "no model");
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.GetOutputSchema", () => Chained(stage), [words], "no model");
        }
    }

    private static void Chained(IEstimator<TextGenerationTransformer> stage) =>
        Ml.Transforms.CopyColumns("Q", "Prompt").Append(stage).Fit(Rows);

    private static IEnumerable<BadInput> Columns() =>
    [
        Of<ArgumentException>(
            "DpoTrainer.Fit",
            () => Trl.Dpo(Tiny.Source()).Fit(Ml.Data.LoadFromEnumerable(new[] { new { Question = "a", Chosen = "b", Rejected = "c" } })),
            ["no column 'Prompt' with prompts", "begin alike", "Set PromptColumnName"]),
        Of<ArgumentException>(
            "KtoTrainer.Fit",
            () => Trl.Kto(TinyT5.Source()).Fit(Ml.Data.LoadFromEnumerable(new[] { new { Question = "a", Chosen = "b", Rejected = "c" } })),
            ["no column 'Prompt' with prompts", "begin alike"], "where an empty prompt has an end token"),
        Of<NotSupportedException>(
            "KtoTrainer.Fit", () => Trl.Kto(TinyT5.Source(), new() { PaddingFree = true, MaxSteps = 1 }).Fit(Rows),
            ["PaddingFree", "t5", "set it to false"]),
        Of<DirectoryNotFoundException>(
            "OrpoTrainer.Fit", () => Trl.Orpo(Tiny.Source(), new() { OptimizerStateFolder = "/no/such/folder" }).Fit(Rows),
            ["/no/such/folder"]),
        Of<DirectoryNotFoundException>(
            "PrmTrainer.Fit",
            () => Trl.Prm(Tiny.Source(), new() { OptimizerStateFolder = "/no/such/folder" }).Fit(
                Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a", Completion = "b", Labels = new[] { 1f } } })),
            ["/no/such/folder"]),
        Missing("Orpo", "chosen", "'Q'", () => Trl.Orpo(Tiny.Source(), new OrpoOptions { ChosenColumnName = "Q" }).Fit(Rows)),
        Missing("Cpo", "rejected", "'Q'", () => Trl.Cpo(Tiny.Source(), new CpoOptions { RejectedColumnName = "Q" }).Fit(Rows)),
        Missing(
            "Kto", "label", "'Label'", () => Trl.Kto(Tiny.Source(), new KtoOptions { ChosenColumnName = "Q" }).Fit(Rows)),
        Missing(
            "Bco", "completion", "'Q'",
            () => Trl.Bco(Tiny.Source(), new BcoOptions { RejectedColumnName = "R", CompletionColumnName = "Q" }).Fit(Rows)),
    ];

    private static IEnumerable<BadInput> Prm()
    {
        IDataView steps = Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a", Completion = "b\nc", Labels = new[] { 1f, 0 } } });
        StepRewardTransformer Fitted() => Trl.Prm(Tiny.Source(), new PrmOptions { MaxSteps = 1 }).Fit(steps);
        const string Transformer = "StepRewardTransformer.", Trainer = "PrmTrainer.";
        yield return Option(new PrmOptions { MaxLength = 1 }, "MaxLength", 1, "2 or greater");
        yield return Option(new PrmOptions { MaxCompletionLength = 0 }, "MaxCompletionLength", 0, "1 or greater");
        yield return Option<ArgumentException>(new PrmOptions { StepSeparator = "" }, "StepSeparator is empty", "such as a new line");
        yield return Option<ArgumentException>(new PrmOptions { LabelsColumnName = "" }, "LabelsColumnName is empty");
        yield return Option<ArgumentException>(new PrmOptions { OutputColumnName = " " }, "OutputColumnName is empty");
        yield return Option<ArgumentException>(new PrmOptions { PromptColumnName = null! }, "PromptColumnName is empty");
        yield return Option<ArgumentException>(new PrmOptions { CompletionColumnName = "" }, "CompletionColumnName is empty");
        yield return Null("TrlCatalog.Prm", "source", () => Trl.Prm((ModelSource)null!, new PrmOptions()), "no source");
        yield return Null(Trainer + "Fit", "input", () => Trl.Prm(Tiny.Source()).Fit(null!), "no input");
        yield return Null(Trainer + "GetOutputSchema", "inputSchema", () => Trl.Prm(Tiny.Source()).GetOutputSchema(null!), "no schema");
        yield return Missing("Prm", "labels", "'Labels'", () => Trl.Prm(Tiny.Source()).Fit(Rows));
        yield return Of<ArgumentOutOfRangeException>(
            Trainer + "Fit", () => Trl.Prm(Tiny.Source(), new PrmOptions { LabelsColumnName = "Margin" }).Fit(Rows),
            ["Schema mismatch for labels column 'Margin': expected a vector of Boolean or Single, got Single", "Set LabelsColumnName"]);
        yield return Of<ArgumentOutOfRangeException>(
            Trainer + "GetOutputSchema",
            () => Ml.Transforms.CopyColumns("Q", "Prompt").Append(Trl.Prm(Tiny.Source())).Fit(Rows), ["labels column 'Labels'"]);
        yield return Of<InvalidOperationException>(Trainer + "Fit", () => Trl.Prm().Fit(steps), ["PRM has no model to start from"]);
        foreach ((float[] labels, string words) in new[]
        {
            (new[] { 1f }, "Row 0 has 2 steps, ended by the separator, and 1 labels in the column 'Labels'"),
            ([1, 2], "Row 0: a label is 2"),
        })
        {
            IDataView bad = Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a", Completion = "b\nc", Labels = labels } });
            yield return Of<ArgumentException>(Trainer + "Fit", () => Trl.Prm(Tiny.Source()).Fit(bad), [words], words);
        }
        yield return Null(Transformer + "Transform", "input", () => With(Fitted(), fitted => fitted.Transform(null!)), "no input");
        yield return Null(
            Transformer + "GetOutputSchema", "inputSchema", () => With(Fitted(), fitted => fitted.GetOutputSchema(null!)), "no schema");
        yield return Null(
            Transformer + "GetRowToRowMapper", "inputSchema", () => With(Fitted(), fitted => fitted.GetRowToRowMapper(null!)), "no schema");
        yield return Of<ArgumentOutOfRangeException>(
            Transformer + "BatchSize", () => With(Fitted(), fitted => fitted.BatchSize = 0), ["BatchSize (0)", "1 or greater"], "0");
        yield return Of<ArgumentOutOfRangeException>(
            Transformer + "Transform",
            () => With(Fitted(), fitted => fitted.Transform(Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a" } }))),
            ["completion column 'Completion'", "there is no such column"], "no completions");

        static void With(StepRewardTransformer fitted, Func<StepRewardTransformer, object> act)
        {
            using (fitted)
                act(fitted);
        }
    }

    private static IEnumerable<BadInput> Iterative()
    {
        var options = new IterativeSftOptions { MaxSteps = 1 };
        const string Begin = "IterativeSftSession.#ctor", Step = "IterativeSftSession.Step";
        yield return Null(Begin, "model", () => new IterativeSftSession(null!, options).Dispose());
        yield return Null(Begin, "options", () => new IterativeSftSession(Language, null!).Dispose());
        foreach ((IterativeSftOptions bad, string words) in new (IterativeSftOptions, string)[]
        {
            (options with { MaxSteps = 0 }, "MaxSteps (0) must be 1 or greater"),
            (options with { PerDeviceTrainBatchSize = 0 }, "PerDeviceTrainBatchSize (0) must be 1 or greater"),
            (options with { GradientAccumulationSteps = 0 }, "GradientAccumulationSteps (0) must be 1 or greater"),
            (options with { MaxLength = 1 }, "MaxLength (1) must be 2 or greater"),
            (options with { LearningRate = 0 }, "LearningRate (0) must be"),
            (options with { RouterAuxLossCoef = -1 }, "RouterAuxLossCoef (-1) must be"),
        })
            yield return Of<ArgumentOutOfRangeException>(
                Begin, () => new IterativeSftSession(Language, bad).Dispose(), [words], words);
        yield return Of<ArgumentException>(
            Begin, () => new IterativeSftSession(Language, options with { TruncationMode = (TruncationMode)2 }).Dispose(),
            ["TruncationMode (2)", "KeepEnd, KeepStart"]);
        foreach ((IterativeSftOptions bad, string[] words) in new (IterativeSftOptions, string[])[]
        {
            (options with { OptimizerInBackward = true, MaxGradNorm = 0, GradientAccumulationSteps = 2 },
                ["GradientAccumulationSteps is 2", "set it to 1"]),
            (options with { WeightAveraging = new() }, ["UpdateFreq (400)", "1 steps"]),
            (options with { BaseQuantization = WeightQuantization.Nf4, Peft = new() },
                ["BaseQuantization is Nf4", "weights of the model are held as None", "load it"]),
            (options with { FreezeFirstLayers = 30 }, ["FreezeFirstLayers (30)", "or less"]),
            (options with { ActivationOffloading = true }, ["what GradientCheckpointing keeps", "set that to true"]),
        })
            yield return Of<ArgumentException>(
                Begin, () => new IterativeSftSession(Language, bad).Dispose(), words, string.Join(", ", words));
        yield return Of<DirectoryNotFoundException>(
            Begin, () => new IterativeSftSession(Language, options with { OptimizerStateFolder = "/no/such/folder" }).Dispose(),
            ["/no/such/folder"]);
        yield return Of<InvalidOperationException>(
            Begin, () => new IterativeSftSession(Language, options with { OptimizerFactory = _ => null! }).Dispose(),
            ["OptimizerFactory"], "no optimizer");
        yield return Null(Step, "texts", () => Within(session => session.Step((IReadOnlyList<string>)null!)), "no texts");
        yield return Null(Step, "texts", () => Within(session => session.Step((IReadOnlyList<TokenExample>)null!)), "no tokens");
        yield return Null(Step, "prompts", () => Within(session => session.Step(null!, ["a"])), "no prompts");
        yield return Null(Step, "completions", () => Within(session => session.Step(["a"], null!)), "no completions");
        foreach ((Func<IterativeSftSession, StepReport> step, string[] words) in new (Func<IterativeSftSession, StepReport>, string[])[]
        {
            (session => session.Step(Array.Empty<string>()), ["There are no texts", "at least one"]),
            (session => session.Step(["a", null!]), ["Text 1 is null"]),
            (session => session.Step(["a"], ["b", "c"]), ["1 prompts and 2 completions"]),
            (session => session.Step([new TokenExample([])]), ["Text 0 has no token to learn"]),
            (session => session.Step([new TokenExample([1, 2], 2)]), ["Text 0 has no token to learn", "raise MaxLength"]),
            (session => session.Step([new TokenExample([1, 2_000])]), ["Text 0 has the token id 2000", "vocabulary of"]),
        })
            yield return Of<ArgumentException>(Step, () => Within(step), words, string.Join(", ", words));
        yield return Of<InvalidOperationException>(
            Step, () => Within(session => session.Step([.. Enumerable.Repeat("a good story", 9)])),
            ["0 updates are done, and 9 texts would make 2 more, but MaxSteps is 1"]);
        yield return Of<ObjectDisposedException>(Step, () => Within(session =>
        {
            session.Dispose();
            return session.Step(["a"]);
        }), ["IterativeSftSession"], "disposed");

        static void Within(Func<IterativeSftSession, StepReport> step)
        {
            using var session = new IterativeSftSession(Language, new IterativeSftOptions { MaxSteps = 1 });
            step(session);
        }
    }

    private static BadInput Missing(string stage, string role, string name, Action act) => Of<ArgumentOutOfRangeException>(
        stage + "Trainer.Fit", act, [$"Schema mismatch for {role} column {name}", "there is no such column"], role);

    private static BadInput Option(TrainingOptions options, string name, double value, string allowed) =>
        Refused<ArgumentOutOfRangeException>(
            options, [$"{name} ({Number(value)})", allowed], $"{name} {Number(value)}, {allowed}");

    private static BadInput Option<T>(TrainingOptions options, params string[] words)
        where T : ArgumentException => Refused<T>(options, words, string.Join(", ", words));

    private static BadInput Refused<T>(TrainingOptions options, string[] words, string name)
        where T : ArgumentException => options switch
        {
            OrpoOptions orpo => Of<T>("TrlCatalog.Orpo", () => Trl.Orpo(orpo), words, name),
            CpoOptions cpo => Of<T>("TrlCatalog.Cpo", () => Trl.Cpo(cpo), words, name),
            KtoOptions kto => Of<T>("TrlCatalog.Kto", () => Trl.Kto(kto), words, name),
            BcoOptions bco => Of<T>("TrlCatalog.Bco", () => Trl.Bco(bco), words, name),
            PrmOptions prm => Of<T>("TrlCatalog.Prm", () => Trl.Prm(prm), words, name),
            _ => throw new ArgumentException($"No method has {options.GetType()}.", nameof(options)),
        };
}
