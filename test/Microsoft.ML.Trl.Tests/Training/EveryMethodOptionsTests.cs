using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Algorithms.Distillation;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>Options of training that all methods share, in those that <see cref="MemorySavingTests"/> has not.</summary>
[TestClass]
public sealed class EveryMethodOptionsTests
{
    private const int Batch = 3;

    private static readonly Dictionary<string, Func<Func<TrainingOptions, TrainingOptions>, float[]>> Methods = new()
    {
        ["Orpo"] = change => Policy(policy => Loops.Orpo(policy, Of(change, new OrpoOptions()), TinyModels.Pairs(6))),
        ["Cpo"] = change => Policy(policy => Loops.Cpo(policy, Of(change, new CpoOptions()), TinyModels.Pairs(6))),
        ["Kto"] = change => Policy(policy => Loops.Kto(policy, null, Of(change, new KtoOptions()), Completions())),
        ["Bco"] = change => Policy(policy => Loops.Bco(policy, null, Of(change, new BcoOptions()), Completions())),
        ["Gkd"] = change => Distilled(Of(change, new GkdOptions { MaxNewTokens = 4 })),
        ["MiniLlm"] = change => Distilled(Group(change, new MiniLlmOptions())),
        ["Distill"] = change => Distilled(Of(change, new DistillOptions())),
        ["Grpo"] = change => Policy(policy => Loops.Grpo(policy, null, Group(change, new GrpoOptions()), Prompts())),
        ["Rloo"] = change => Policy(policy => Loops.Rloo(policy, null, Group(change, new RlooOptions()), Prompts())),
        ["Prm"] = Prm,
        ["IterativeSft"] = Iterative,
    };

    private static readonly Dictionary<string, Func<TrainingOptions, TrainingOptions>> Changes = new()
    {
        ["NeftuneNoiseAlpha"] = options => (EpochOptions)options with { NeftuneNoiseAlpha = 5 },
        ["WeightAveraging"] = options => options with { WeightAveraging = new() { UpdateFreq = 2 } },
        ["LayerwiseLearningRateDecay"] = options => options with { LayerwiseLearningRateDecay = 0.5 },
        ["LearningRateMultipliers"] = options =>
            options with { LearningRateMultipliers = new Dictionary<string, double> { ["bias"] = 0.1 } },
        ["FreezeFirstLayers"] = options => options with { FreezeFirstLayers = 1 },
        ["LisaActivatedLayers"] = options => options with { LisaActivatedLayers = 1, LisaIntervalSteps = 1 },
        ["Optim"] = options => options with { Optim = OptimizerKind.Lion },
        ["OptimizerFactory"] = options =>
            options with { OptimizerFactory = weights => optim.SGD(weights.Select(weight => weight.Value), 0.1) },
        ["LearningRateFactor"] = options => options with { LearningRateFactor = (_, _) => 0.5 },
    };

    public static IEnumerable<object[]> Kinds => Methods.Keys.SelectMany(
        method => MemorySavingTests.Kinds.Select(kind => new[] { method, kind[0] }));

    public static IEnumerable<object[]> Changed => Methods.Keys.SelectMany(
        method => Changes.Keys.Where(name => method != "IterativeSft" || name != "NeftuneNoiseAlpha")
            .Select(name => new object[] { method, name }));

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Options_that_save_memory_end_with_the_same_weights(string method, string kind) =>
        MemorySavingTests.Same(kind, options => Methods[method](options.On));

    [TestMethod]
    [DynamicData(nameof(Changed))]
    public void Options_that_change_what_is_learnt_end_with_other_weights(string method, string name) => Leaks.None(() =>
        CollectionAssert.AreNotEqual(Methods[method](options => options), Methods[method](Changes[name])));

    private static T Of<T>(Func<TrainingOptions, TrainingOptions> change, T options)
        where T : EpochOptions => (T)change(options with { MaxSteps = 4, PerDeviceTrainBatchSize = Batch, LearningRate = 1e-2 });

    private static T Group<T>(Func<TrainingOptions, TrainingOptions> change, T options)
        where T : GroupOptions =>
        Of(change, options with { NumGenerations = Batch, Generation = new() { MaxNewTokens = 6 } });

    private static GroupWork Prompts() => new([.. TinyModels.Texts(6).Select(text => text.Ids[..3])], new Small(), [1]);

    private sealed class Small : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            RewardTable.Of([.. rollout.Responses.Select(response => response.Average(id => id < 20 ? 1.0 : 0))]);
    }

    private static float[] Policy(Action<CausalLanguageModel> train)
    {
        using CausalLanguageModel policy = TinyModels.Gpt2();
        train(policy);
        Assert.IsTrue(policy.parameters().All(weight => weight.requires_grad));
        return TinyModels.Flat(policy.Weights());
    }

    private static float[] Distilled(EpochOptions options)
    {
        using CausalLanguageModel teacher = DistillationRuns.Teacher();
        return Policy(student => DistillationRuns.Run(options, student, teacher));
    }

    private static UnpairedExample[] Completions() =>
    [
        .. TinyModels.Pairs(4).SelectMany(pair => new UnpairedExample[]
        {
            new(pair.Prompt, pair.Chosen, true), new(pair.Prompt, pair.Rejected, false),
        }),
    ];

    private static float[] Prm(Func<TrainingOptions, TrainingOptions> change)
    {
        using SequenceClassifier model = SequenceClassifier.Create(
            ModelConfig.Gpt2(TinyModels.Vocabulary, 16, 2, 2, 32, dropout: 0), ["LABEL_0", "LABEL_1"], seed: 3);
        StepExample[] rows =
        [
            .. TinyModels.Texts(6).Select((text, at) => new StepExample(new(text.Ids, [1, text.Ids.Length - 1]), [at % 2, 1 - (at % 2)])),
        ];
        new PrmLoop(model, Of(change, new PrmOptions())).Run(rows);
        return TinyModels.Flat(model.Weights());
    }

    private static float[] Iterative(Func<TrainingOptions, TrainingOptions> change)
    {
        using LanguageModel model = Tiny.Model();
        var options = new IterativeSftOptions { MaxSteps = 4, PerDeviceTrainBatchSize = Batch, LearningRate = 1e-2 };
        using (var session = new IterativeSftSession(model, (IterativeSftOptions)change(options)))
        {
            session.Step(TinyModels.Texts(6));
            session.Step(TinyModels.Texts(6, seed: 8));
        }
        Assert.IsTrue(model.Network.parameters().All(weight => weight.requires_grad));
        return TinyModels.Flat(model.Network.Weights());
    }
}
