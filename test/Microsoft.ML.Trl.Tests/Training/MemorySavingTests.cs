using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>Whole runs with options that save memory, against the same runs without: the weights are the same, bit by bit.</summary>
[TestClass]
public sealed class MemorySavingTests
{
    public static IEnumerable<object[]> Kinds =>
    [
        ["checkpointing"], ["offloading"], ["in backward"], ["both"],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Fine_tuning_ends_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.2);
        new SftLoop(model, options.On(new SftOptions { MaxSteps = 4, PerDeviceTrainBatchSize = 3, LearningRate = 1e-2 }))
            .Run(TinyModels.Texts(8));
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Encoder_decoders_end_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using CausalLanguageModel model = TinyT5.Network(dropout: 0.2);
        new SftLoop(model, options.On(new SftOptions { MaxSteps = 3, PerDeviceTrainBatchSize = 1, LearningRate = 1e-2 }))
            .Run(TinyModels.Texts(4));
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Models_with_experts_end_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using CausalLanguageModel model = MadeModels.Create("qwen2_moe_mixed");
        new SftLoop(model, options.On(new SftOptions { MaxSteps = 3, PerDeviceTrainBatchSize = 3, LearningRate = 1e-2 }))
            .Run(TinyModels.Texts(6));
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Preferences_end_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        new DpoLoop(model, null, options.On(new DpoOptions { MaxSteps = 4, PerDeviceTrainBatchSize = 2, LearningRate = 1e-2 }))
            .Run(TinyModels.Pairs(6));
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Reward_models_end_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using RewardModel model = TinyModels.Reward();
        new RewardLoop(model, options.On(new RewardOptions { MaxSteps = 4, PerDeviceTrainBatchSize = 2, LearningRate = 1e-2 }))
            .Run(TinyModels.Pairs(6));
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Classifiers_end_with_the_same_weights(string kind) => Same(kind, options =>
    {
        ModelConfig config = ModelConfig.Parse(
            """
            {"model_type": "bert", "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32}
            """, "test");
        using SequenceClassifier model = SequenceClassifier.Create(config, ["a", "b"], 3);
        ClassificationExample[] rows = [.. TinyModels.Texts(8).Select((text, index) => new ClassificationExample(text.Ids, index % 2, 0))];
        var chosen = options.On(new TextClassificationOptions { MaxSteps = 4, PerDeviceTrainBatchSize = 3, LearningRate = 1e-2 });
        new ClassificationLoop(model, chosen, learnsNumbers: false).Run(rows);
        return TinyModels.Flat(model.Weights());
    });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Ppo_ends_with_the_same_weights(string kind) => Same(kind, options =>
    {
        using CausalLanguageModel policy = TinyModels.Gpt2();
        var chosen = options.On(new PpoOptions { BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-2 });
        using var session = new PpoSession(policy, chosen);
        int[][] queries = [[1, 2], [3, 4, 5], [6], [7, 8]], responses = [[9, 10], [11], [12, 13, 14], [15]];
        session.Step(queries, responses, [1, -1, 0.5, 2]);
        session.Step(queries, responses, [0, 1, -0.5, 1]);
        return [.. TinyModels.Flat(policy.Weights()), .. TinyModels.Flat(session.ValueHead.Weights())];
    });

    /// <summary>Compares the weights of two runs, one of which saves memory in a way.</summary>
    internal static void Same(string kind, Func<Chosen, float[]> run)
    {
        float[] plain = run(new(false, false, false));
        float[] saving = run(kind switch
        {
            "checkpointing" => new(true, false, false),
            "offloading" => new(true, true, false),
            "in backward" => new(false, false, true),
            _ => new(true, true, true),
        });
        CollectionAssert.AreEqual(plain, saving);
    }

    /// <summary>Which options a run has.</summary>
    internal sealed record Chosen(bool Recomputes, bool Offloads, bool UpdatesInBackward)
    {
        public T On<T>(T options) where T : TrainingOptions => options with
        {
            MaxGradNorm = 0,
            GradientCheckpointing = Recomputes,
            ActivationOffloading = Offloads,
            OffloadFolder = Offloads ? Path.GetTempPath() : null,
            OptimizerInBackward = UpdatesInBackward,
        };
    }
}
