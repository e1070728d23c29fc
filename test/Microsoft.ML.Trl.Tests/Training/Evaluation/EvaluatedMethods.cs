using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Algorithms.Distillation;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>A run of a method: what it reported, and the weights that it ended with.</summary>
internal sealed record MethodRun(List<StepReport> Reports, float[] Weights)
{
    /// <summary>Figures of the evaluation after a step, without prefix.</summary>
    public Dictionary<string, double> Evaluation(int step) => Reports
        .Single(report => report.Step == step && report.Metrics.ContainsKey("eval_loss")).Metrics
        .Where(figure => figure.Key.StartsWith("eval_", StringComparison.Ordinal))
        .ToDictionary(figure => figure.Key["eval_".Length..], figure => figure.Value);
}

/// <summary>Every method that passes over data, on a tiny model: trains on rows of one seed, and evaluates on those of another.</summary>
internal static class EvaluatedMethods
{
    public const int HeldOut = 7;

    private delegate Action<IReadOnlyList<DistillationRow>, CancellationToken> Lesson(
        CausalLanguageModel student, CausalLanguageModel teacher, EpochOptions options, Collected progress,
        IReadOnlyList<DistillationRow>? heldOut);

    private delegate MethodRun Method(Func<EpochOptions, EpochOptions> change, int count, int seed, int? heldOut);

    private static readonly Dictionary<string, Method> All = new()
    {
        ["Sft"] = Sft(new SftOptions()),
        ["SftPacked"] = Sft(new SftOptions { Packing = true, MaxLength = 16 }),
        ["SftSmoothed"] = Sft(new SftOptions { LabelSmoothingFactor = 0.1 }),
        ["Reward"] = (change, count, seed, heldOut) =>
        {
            using RewardModel model = TinyModels.Reward();
            return Run(model, progress => new RewardLoop(model, Of(change, new RewardOptions()), progress)
            {
                HeldOut = Of(heldOut, Pairs),
            }.Run(Pairs(count, seed)));
        },
        ["Classification"] = (change, count, seed, heldOut) => Classifier(
            (model, progress) => new ClassificationLoop(model, Of(change, new TextClassificationOptions()), false, progress)
            {
                HeldOut = Of(heldOut, Labelled),
            }.Run(Labelled(count, seed))),
        ["Prm"] = (change, count, seed, heldOut) => Classifier(
            (model, progress) => new PrmLoop(model, Of(change, new PrmOptions()), progress)
            {
                HeldOut = Of(heldOut, Steps),
            }.Run(Steps(count, seed))),
        ["Dpo"] = Dpo(new DpoOptions()),
        ["DpoPrecomputed"] = Dpo(new DpoOptions { PrecomputeRefLogProbs = true }),
        ["DpoRpo"] = Dpo(new DpoOptions { RpoAlpha = 0.5, LdAlpha = 0.5, ReferenceFree = true }),
        ["DpoSynced"] = Dpo(new DpoOptions { SyncRefModel = true, RefModelSyncSteps = 2 }),
        ["Orpo"] = Pair(new OrpoOptions(), options => new OrpoObjective((OrpoOptions)options)),
        ["Cpo"] = Pair(new CpoOptions(), options => new CpoObjective((CpoOptions)options)),
        ["Kto"] = Unpaired(new KtoOptions(), options => new KtoObjective((KtoOptions)options)),
        ["KtoApo"] = Unpaired(
            new KtoOptions { LossType = KtoLossType.ApoZeroUnpaired, PrecomputeRefLogProbs = true },
            options => new KtoObjective((KtoOptions)options)),
        ["Bco"] = Unpaired(new BcoOptions(), options => new BcoObjective((BcoOptions)options, null)),
        ["Distill"] = Taught(new DistillOptions { Temperature = 2 }, (student, teacher, options, progress, heldOut) =>
            new DistillLoop(student, teacher, (DistillOptions)options, progress) { HeldOut = heldOut }.Run),
        ["DistillSoft"] = Taught(new DistillOptions { Alpha = 0, Beta = 0.5 }, (student, teacher, options, progress, heldOut) =>
            new DistillLoop(student, teacher, (DistillOptions)options, progress) { HeldOut = heldOut }.Run),
        ["Gkd"] = Taught(new GkdOptions { Lmbda = 0 }, (student, teacher, options, progress, heldOut) =>
            new GkdLoop(student, teacher, (GkdOptions)options, progress) { HeldOut = heldOut }.Run),
    };

    public static IEnumerable<object[]> Names => All.Keys.Select(name => new object[] { name });

    /// <summary>Five steps over ten rows, one of them with a report each.</summary>
    public static MethodRun Train(string method, Func<EpochOptions, EpochOptions> change, int? heldOut = 2) =>
        All[method](options => change(options with { MaxSteps = 5, PerDeviceTrainBatchSize = 4 }), 10, 1, heldOut);

    /// <summary>One step over the rows of a seed, all at once.</summary>
    public static MethodRun OneStep(string method, int seed) => All[method](
        options => options with { MaxSteps = 1, PerDeviceTrainBatchSize = 2 * HeldOut }, HeldOut, seed, null);

    private static T Of<T>(Func<EpochOptions, EpochOptions> change, T options)
        where T : EpochOptions => (T)change(options with { LearningRate = 1e-2, LoggingSteps = 1 });

    private static IReadOnlyList<T>? Of<T>(int? seed, Func<int, int, IReadOnlyList<T>> rows) =>
        seed is { } given ? rows(HeldOut, given) : null;

    private static Method Sft(SftOptions options) => (change, count, seed, heldOut) => Policy((model, progress) =>
        new SftLoop(model, Of(change, options), progress) { HeldOut = Of(heldOut, Texts) }.Run(Texts(count, seed)));

    private static Method Dpo(DpoOptions options) => (change, count, seed, heldOut) => Policy((model, progress) =>
        new DpoLoop(model, null, Of(change, options), progress) { HeldOut = Of(heldOut, Pairs) }.Run(Pairs(count, seed)));

    private static Method Pair(PreferenceOptions options, Func<PreferenceOptions, IPairObjective> objective) =>
        (change, count, seed, heldOut) => Policy((model, progress) =>
        {
            PreferenceOptions changed = Of(change, options);
            new PairLoop("Pairs", model, changed, objective(changed), progress) { HeldOut = Of(heldOut, Pairs) }.Run(Pairs(count, seed));
        });

    private static Method Unpaired(UnpairedOptions options, Func<UnpairedOptions, IUnpairedObjective> objective) =>
        (change, count, seed, heldOut) => Policy((model, progress) =>
        {
            UnpairedOptions changed = Of(change, options);
            new UnpairedLoop("Unpaired", model, null, changed, progress) { HeldOut = Of(heldOut, Completions) }
                .Run(Completions(count, seed), objective(changed));
        });

    private static Method Taught(EpochOptions options, Lesson lesson) => (change, count, seed, heldOut) => Policy((model, progress) =>
    {
        using CausalLanguageModel teacher = DistillationRuns.Teacher();
        lesson(model, teacher, Of(change, options), progress, Of(heldOut, Lessons))(Lessons(count, seed), default);
    });

    private static MethodRun Policy(Action<CausalLanguageModel, Collected> train)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        return Run(model, progress => train(model, progress));
    }

    private static MethodRun Classifier(Action<SequenceClassifier, Collected> train)
    {
        using SequenceClassifier model = SequenceClassifier.Create(
            ModelConfig.Gpt2(TinyModels.Vocabulary, 16, 2, 2, 32, dropout: 0), ["LABEL_0", "LABEL_1"], seed: 3);
        return Run(model, progress => train(model, progress));
    }

    private static MethodRun Run(DecoderModel model, Action<Collected> train)
    {
        var progress = new Collected();
        train(progress);
        return new MethodRun(progress.Reports, TinyModels.Flat(model.Weights()));
    }

    private static IReadOnlyList<TokenExample> Texts(int count, int seed) => TinyModels.Texts(count, seed);

    private static IReadOnlyList<PreferenceExample> Pairs(int count, int seed) => TinyModels.Pairs(count, seed);

    private static ClassificationExample[] Labelled(int count, int seed) =>
        [.. TinyModels.Texts(count, seed).Select((text, row) => new ClassificationExample(text.Ids, row % 3 == 0 ? 1 : 0, 0))];

    private static StepExample[] Steps(int count, int seed) =>
    [
        .. TinyModels.Texts(count, seed).Select((text, row) => new StepExample(
            new(text.Ids, [1, text.Ids.Length - 1]), row % 3 == 0 ? [1, -100] : [row % 2, 1])),
    ];

    private static DistillationRow[] Lessons(int count, int seed) =>
        [.. TinyModels.Texts(count, seed).Select(text => new DistillationRow(text.Ids[..text.PromptLength], text))];

    private static UnpairedExample[] Completions(int count, int seed) =>
    [
        .. TinyModels.Pairs(count, seed).Select((pair, row) =>
            new UnpairedExample(pair.Prompt, row % 3 == 0 ? pair.Rejected : pair.Chosen, row % 3 != 0)),
    ];
}
