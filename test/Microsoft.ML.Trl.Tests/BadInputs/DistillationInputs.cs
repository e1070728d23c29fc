using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Distillation: options, losses and stages.</summary>
internal static class DistillationInputs
{
    private const string Positive = "a finite number greater than 0", Share = "between 0 and 1";

    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];
    private static readonly double[] NoShare = [-0.01, 1.01, double.NaN];

    private static TrlCatalog Trl => Ml.Trl();

    private static ModelSource Source => Tiny.Source();

    private static RewardFunction One => RewardFunction.Of((_, _) => 1);

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    public static IEnumerable<BadInput> All() =>
        [.. Options(), .. SharedOptions(), .. Jsd(), .. Losses(), .. Stages(), .. Teachers(), .. Data()];

    private static IEnumerable<BadInput> Options() =>
    [
        .. NoShare.Select(x => Option(new GkdOptions { Lmbda = x }, "Lmbda", x, Share)),
        .. NoShare.Select(x => Option(new GkdOptions { Beta = x }, "Beta", x, Share)),
        .. NotPositive.Select(x => Option(new GkdOptions { Temperature = x }, "Temperature", x, Positive)),
        Option(new GkdOptions { MaxNewTokens = 0 }, "MaxNewTokens", 0, "1 or greater"),
        Option(new GkdOptions { MaxLength = 1 }, "MaxLength", 1, "2 or greater"),
        .. new[] { -0.01, 1, double.NaN }.Select(x => Option(new DistillOptions { Alpha = x }, "Alpha", x, "at least 0 and below 1")),
        .. NotPositive.Select(x => Option(new DistillOptions { Temperature = x }, "Temperature", x, Positive)),
        .. NoShare.Select(x => Option(new DistillOptions { Beta = x }, "Beta", x, Share)),
        Option(new DistillOptions { MaxLength = 0 }, "MaxLength", 0, "2 or greater"),
        .. NotPositive.Select(x => Option(new MiniLlmOptions { KdTemperature = x }, "KdTemperature", x, Positive)),
        .. NoShare.Select(x => Option(new MiniLlmOptions { Gamma = x }, "Gamma", x, Share)),
        Option(new MiniLlmOptions { NumGenerations = 0 }, "NumGenerations", 0, "1 or greater"),
        Option(new MiniLlmOptions { Beta = -1 }, "Beta", -1, "0 or greater"),
        Option<ArgumentException>(new MiniLlmOptions { LossType = (GrpoLossType)8 }, "LossType (8)", "Grpo, DrGrpo"),
        Option<ArgumentException>(new MiniLlmOptions { NumGenerations = 3 }, "NumGenerations (3) must divide the completions"),
        Option<ArgumentException>(new MiniLlmOptions { TeacherModel = (ReferenceKind)2 }, "TeacherModel (2)", "Full, Int8"),
        .. new[] { GrpoLossType.Luspo, GrpoLossType.Vespo }.Select(type => Of<NotSupportedException>(
            "TrlCatalog.MiniLlm",
            () => Trl.MiniLlm(Source, new MiniLlmOptions
            {
                LossType = type, ImportanceSamplingLevel = ImportanceSamplingLevel.Sequence,
            }),
            ["RklAdvantage gives each token an advantage", $"LossType {type}", "set RklAdvantage to false"], $"{type}")),
        Option<ArgumentException>(new MiniLlmOptions { RewardWeights = [1] }, "RewardWeights has 1 numbers", "there is no reward function"),
        Of<ArgumentException>(
            "TrlCatalog.MiniLlm", () => Trl.MiniLlm(Source, [One], new MiniLlmOptions { NumGenerations = 1 }),
            ["NumGenerations is 1", "set it to 2 or more"], "one completion for a reward"),
        Of<ArgumentException>(
            "TrlCatalog.MiniLlm", () => Trl.MiniLlm(Source, [One], new MiniLlmOptions { RewardWeights = [1, 2] }),
            ["RewardWeights has 2 numbers for 1"], "weights of other rewards"),
        Null("TrlCatalog.MiniLlm", "rewards", () => Trl.MiniLlm(Source, (IReadOnlyList<RewardFunction>)null!), "no rewards"),
        Option<ArgumentException>(
            new MiniLlmOptions { RklAdvantage = false, SingleStepDecomposition = false },
            "RklAdvantage and SingleStepDecomposition are both false", "them to true, or use Grpo"),
    ];

    private static IEnumerable<BadInput> SharedOptions() =>
    [
        .. new EpochOptions[] { new GkdOptions(), new MiniLlmOptions(), new DistillOptions() }.SelectMany(options => new[]
        {
            Option(options with { LearningRate = 0 }, "LearningRate", 0, Positive),
            Option(options with { NumTrainEpochs = 0 }, "NumTrainEpochs", 0, Positive),
        }),
        .. new DistillationOptions[] { new GkdOptions(), new DistillOptions() }.SelectMany(options => new[]
        {
            Option<ArgumentException>(options with { TeacherModel = (ReferenceKind)2 }, "TeacherModel (2)", "Full, Int8"),
            Option<ArgumentException>(options with { OutputColumnName = " " }, "OutputColumnName is empty"),
            Option<ArgumentException>(options with { PromptColumnName = "" }, "PromptColumnName is empty"),
            Option<ArgumentException>(
                options with { Generation = new() { NumReturnSequences = 2 } }, "NumReturnSequences (2)", "a column of completions"),
            Option<ArgumentException>(
                options with { Conversations = new() { ToolsColumnName = "" } }, "ToolsColumnName is empty"),
        }),
        .. new TextDistillationOptions[] { new GkdOptions(), new DistillOptions() }.Select(
            options => Option<ArgumentException>(options with { CompletionColumnName = "" }, "CompletionColumnName is empty")),
    ];

    private static IEnumerable<BadInput> Jsd()
    {
        const string member = "GeneralizedJsd.OfHidden";
        yield return Null(member, "hidden", () => Of(null!, ones(5, 4), ones(2, 3), ones(5, 3)), "no states");
        yield return Null(member, "head", () => Of(ones(2, 4), null!, ones(2, 3), ones(5, 3)), "no head");
        yield return Null(member, "teacherHidden", () => Of(ones(2, 4), ones(5, 4), null!, ones(5, 3)), "no states of a teacher");
        yield return Null(member, "teacherHead", () => Of(ones(2, 4), ones(5, 4), ones(2, 3), null!), "no head of a teacher");
        foreach ((string name, Action act, string[] words) in new (string, Action, string[])[]
        {
            ("other rows", () => Of(ones(2, 4), ones(5, 4), ones(3, 3), ones(5, 3)), ["teacherHidden", "[2, 3]", "[3, 3]"]),
            ("other tokens", () => Of(ones(2, 4), ones(5, 4), ones(2, 3), ones(6, 3)), ["teacherHead", "[5, 3]", "[6, 3]"]),
            ("another width", () => Of(ones(2, 3), ones(5, 4), ones(2, 3), ones(5, 3)), ["hidden", "[N, 4]", "[2, 3]"]),
            ("a teacher of another width", () => Of(ones(2, 4), ones(5, 4), ones(2, 4), ones(5, 3)), ["teacherHidden", "[N, 3]"]),
            ("another type", () => Of(ones(2, 4, ScalarType.Float64), ones(5, 4), ones(2, 3), ones(5, 3)), ["hidden", "Float64"]),
            ("a head computed", () => Of(ones(2, 4), ones(5, 4, requires_grad: true) * 2, ones(2, 3), ones(5, 3)),
                ["head", "parameters, or detached"]),
            ("disposed", () => Of(ones(2, 4), ones(5, 4), Disposed(ones(2, 3)), ones(5, 3)), ["teacherHidden", "was disposed"]),
        })
            yield return BadInput.Of<ArgumentException>(member, act, words, name);
        foreach (double x in NoShare)
            yield return BadInput.Of<ArgumentOutOfRangeException>(
                member, () => GeneralizedJsd.OfHidden(ones(2, 4), ones(5, 4), ones(2, 3), ones(5, 3), x), [$"beta ({Number(x)})", Share],
                Number(x));
        yield return BadInput.Of<ArgumentOutOfRangeException>(
            member, () => GeneralizedJsd.OfHidden(ones(2, 4), ones(5, 4), ones(2, 3), ones(5, 3), keepBytes: -1), ["keepBytes", "-1"]);

        static void Of(Tensor hidden, Tensor head, Tensor teacherHidden, Tensor teacherHead) => GeneralizedJsd.OfHidden(
            hidden, head is null ? null! : VocabularyProjection.FromTensor(head),
            teacherHidden, teacherHead is null ? null! : VocabularyProjection.FromTensor(teacherHead));
    }

    private static IEnumerable<BadInput> Losses()
    {
        const string mean = "DistillationLoss.Mean", hinton = "DistillationLoss.Hinton";
        const string advantages = "MiniLlmLoss.Advantages";
        Tensor Ids() => ones(2, ScalarType.Int64);
        yield return Null(mean, "divergences", () => DistillationLoss.Mean(null!, 1));
        yield return Null(hinton, "logProbs", () => DistillationLoss.Hinton(null!, ones(2), 0.5, 1, 1));
        yield return Null(hinton, "divergences", () => DistillationLoss.Hinton(ones(2), null!, 0.5, 1, 1));
        yield return Null(advantages, "logProbs", () => MiniLlmLoss.Advantages(null!, ones(2), [2], 0, true));
        yield return Null(advantages, "teacherLogProbs", () => MiniLlmLoss.Advantages(ones(2), null!, [2], 0, true));
        yield return Null(advantages, "lengths", () => MiniLlmLoss.Advantages(ones(2), ones(2), null!, 0, true));
        foreach ((string member, Action act, string[] words) in new (string, Action, string[])[]
        {
            (mean, () => DistillationLoss.Mean(Ids(), 1), ["divergences", "floating", "Int64"]),
            (hinton, () => DistillationLoss.Hinton(ones(2), ones(3), 0.5, 1, 1), ["logProbs [2]", "divergences [3]"]),
            (hinton, () => DistillationLoss.Hinton(ones(2), Ids(), 0.5, 1, 1), ["divergences", "floating"]),
            (advantages, () => MiniLlmLoss.Advantages(ones(2), ones(3), [2], 0, true), ["logProbs [2]", "teacherLogProbs [3]"]),
            (advantages, () => MiniLlmLoss.Advantages(ones(2), ones(2), [1], 0, true), ["add up to 1", "2 log-probabilities"]),
            (advantages, () => MiniLlmLoss.Advantages(ones(2), ones(2), [-1, 3], 0, true), ["at least 0"]),
        })
            yield return Of<ArgumentException>(member, act, words, string.Join(", ", words));
        foreach ((string member, Action act, string words) in new (string, Action, string)[]
        {
            (mean, () => DistillationLoss.Mean(ones(2), 0), "divisor (0)"),
            (hinton, () => DistillationLoss.Hinton(ones(2), ones(2), 1.5, 1, 1), "alpha (1.5)"),
            (hinton, () => DistillationLoss.Hinton(ones(2), ones(2), 0.5, 0, 1), "temperature (0)"),
            (hinton, () => DistillationLoss.Hinton(ones(2), ones(2), 0.5, 1, -1), "divisor (-1)"),
            (advantages, () => MiniLlmLoss.Advantages(ones(2), ones(2), [2], 1.5, true), "gamma (1.5)"),
        })
            yield return Of<ArgumentOutOfRangeException>(member, act, [words], words);
        foreach (double x in NotPositive)
            yield return Of<ArgumentOutOfRangeException>(
                "VocabularyProjection.Temperature", () => _ = new VocabularyProjection(ones(2, 2)) { Temperature = x },
                ["The temperature must be a finite number greater than 0"], Number(x));
    }

    private static IEnumerable<BadInput> Stages()
    {
        (string Name, string Stage, Func<ModelSource?, ModelSource?, IEstimator<TextGenerationTransformer>> Of,
            Func<ModelSource?, IEstimator<TextGenerationTransformer>> Upstream)[] stages =
        [
            ("Gkd", "GKD", (source, teacher) => Trl.Gkd(source!, teacher!, new GkdOptions()), teacher => Trl.Gkd(teacher!)),
            ("MiniLlm", "MiniLLM", (source, teacher) => Trl.MiniLlm(source!, teacher!, new MiniLlmOptions()),
                teacher => Trl.MiniLlm(teacher!)),
            ("Distill", "Distill", (source, teacher) => Trl.Distill(source!, teacher!, new DistillOptions()),
                teacher => Trl.Distill(teacher!)),
        ];
        foreach (var (name, stage, of, upstream) in stages)
        {
            yield return Null("TrlCatalog." + name, "source", () => of(null, Source), "no source");
            yield return Null("TrlCatalog." + name, "teacher", () => of(Source, null), "no teacher");
            yield return Null("TrlCatalog." + name, "teacher", () => upstream(null), "no teacher for the policy upstream");
            yield return Null($"{name}Trainer.Fit", "input", () => of(Source, Source).Fit(null!), "no input");
            yield return Null(
                $"{name}Trainer.GetOutputSchema", "inputSchema", () => of(Source, Source).GetOutputSchema(null!), "no schema");
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.Fit", () => upstream(Source).Fit(Rows), [$"{stage} has no model to start from"], "no model");
            yield return Of<InvalidOperationException>(
                $"{name}Trainer.GetOutputSchema", () => Ml.Transforms.CopyColumns("Q", "Prompt").Append(upstream(Source)).Fit(Rows),
                [$"{stage} has no model to start from"], "no model");
            yield return Of<ArgumentException>(
                $"{name}Trainer.Fit", () => of(ModelSource.FromModel(Reward), Source).Fit(Rows), ["holds a reward model"], "reward model");
        }
    }

    private static IEnumerable<BadInput> Teachers()
    {
        TextTokenizer other = BpeTrainer.Train(["quite another text, of other words"], Tiny.Tokenizer.VocabularySize);
        ModelConfig small = ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize + 1, 16, 2, 2, 32, dropout: 0);
        yield return Fit<ArgumentException>(
            "a reward model", () => Trl.Gkd(Source, ModelSource.FromModel(Reward)).Fit(Rows), "holds a reward model");
        yield return Fit<DirectoryNotFoundException>(
            "no folder", () => Trl.Gkd(Source, ModelSource.Folder("/no/such/folder")).Fit(Rows), "'/no/such/folder'");
        yield return Fit<ArgumentException>(
            "more tokens", () => Trl.Gkd(Source, ModelSource.New(small, Tiny.Tokenizer)).Fit(Rows),
            $"The teacher has a vocabulary of {small.VocabularySize} tokens", $"the student one of {Tiny.Tokenizer.VocabularySize}");
        ModelConfig wide = ModelConfig.Gpt2(Math.Max(other.VocabularySize, Tiny.Tokenizer.VocabularySize), 16, 2, 2, 32, dropout: 0);
        yield return Fit<ArgumentException>(
            "another tokenizer", () => Trl.Gkd(ModelSource.New(wide, Tiny.Tokenizer), ModelSource.New(wide, other)).Fit(Rows),
            "The tokenizers of teacher and student", "use a teacher with the student's tokenizer");
        yield return Fit<ArgumentException>(
            "an encoder", () => Trl.Gkd(Source, TinyT5.Source()).Fit(Rows), "The teacher (t5) and the student (gpt2)", "of the same kind");
    }

    private static IEnumerable<BadInput> Data() =>
    [
        .. new (string, Func<IDataView, ITransformer>)[]
        {
            ("Gkd", rows => Trl.Gkd(Source, Source).Fit(rows)), ("MiniLlm", rows => Trl.MiniLlm(Source, Source).Fit(rows)),
            ("Distill", rows => Trl.Distill(Source, Source).Fit(rows)),
        }.SelectMany(stage => new[]
        {
            Of<ArgumentException>(stage.Item1 + "Trainer.Fit", () => stage.Item2(Pairs()), ["have no rows"], "no rows"),
            Of<ArgumentOutOfRangeException>(
                stage.Item1 + "Trainer.Fit", () => stage.Item2(Ml.Data.LoadFromEnumerable(new[] { new { Question = "a" } })),
                ["prompt column 'Prompt'", "there is no such column"], "no prompts"),
        }),
        Of<ArgumentOutOfRangeException>(
            "GkdTrainer.Fit", () => Trl.Gkd(Source, Source, new GkdOptions { CompletionColumnName = "Q" }).Fit(Rows),
            ["completion column 'Q'", "there is no such column"]),
        Of<ArgumentOutOfRangeException>(
            "DistillTrainer.GetOutputSchema",
            () => Ml.Transforms.CopyColumns("Q", "Prompt")
                .Append(Trl.Distill(Source, Source, new DistillOptions { CompletionColumnName = "R" })).Fit(Rows),
            ["completion column 'R'"]),
        Of<ArgumentOutOfRangeException>(
            "MiniLlmTrainer.GetOutputSchema",
            () => Ml.Transforms.CopyColumns("Q", "Prompt")
                .Append(Trl.MiniLlm(Source, Source, new MiniLlmOptions { PromptColumnName = "R" })).Fit(Rows),
            ["prompt column 'R'"]),
        Of<ArgumentException>(
            "DistillTrainer.Fit", () => Trl.Distill(Source, Source, new DistillOptions { MaxLength = 2 }).Fit(Pairs("the bad plot")),
            ["None of the 1 rows", "no token to learn within MaxLength"]),
        Of<ArgumentException>(
            "GkdTrainer.Fit", () => Trl.Gkd(Source, Source, new GkdOptions { Lmbda = 1, MaxLength = 2 }).Fit(Pairs("the bad plot")),
            ["None of the 1 rows", "fills MaxLength"]),
        Of<NotSupportedException>(
            "DistillTrainer.Fit",
            () => Trl.Distill(TinyT5.Source(), TinyT5.Source(), new DistillOptions { PaddingFree = true }).Fit(Rows),
            ["PaddingFree", "t5", "set it to false"]),
    ];

    private static IDataView Pairs(params string[] prompts) =>
        Ml.Data.LoadFromEnumerable(prompts.Select(prompt => new Tiny.PairRow { Prompt = prompt, Completion = "good" }));

    private static BadInput Fit<T>(string name, Action act, params string[] words)
        where T : Exception => Of<T>("GkdTrainer.Fit", act, words, name);

    private static BadInput Option(EpochOptions options, string name, double value, string allowed) =>
        Refused<ArgumentOutOfRangeException>(options, [$"{name} ({Number(value)})", allowed], $"{name} {Number(value)}, {allowed}");

    private static BadInput Option<T>(EpochOptions options, params string[] words)
        where T : ArgumentException => Refused<T>(options, words, string.Join(", ", words));

    private static BadInput Refused<T>(EpochOptions options, string[] words, string name)
        where T : ArgumentException => options switch
        {
            GkdOptions gkd => Of<T>("TrlCatalog.Gkd", () => Trl.Gkd(Source, gkd), words, name),
            MiniLlmOptions miniLlm => Of<T>("TrlCatalog.MiniLlm", () => Trl.MiniLlm(Source, miniLlm), words, name),
            _ => Of<T>("TrlCatalog.Distill", () => Trl.Distill(Source, (DistillOptions)options), words, name),
        };
}
