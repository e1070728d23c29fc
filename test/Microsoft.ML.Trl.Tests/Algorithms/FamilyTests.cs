using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Every method trains every family, which none of them knows.</summary>
[TestClass]
public sealed class FamilyTests
{
    private static readonly int[] Prompt = [3, 4, 5, 6];

    private static readonly PreferenceExample[] Pairs =
        [new(Prompt, [7, 8, 9], [10, 11, 12, 13]), new([20, 21], [22, 23, 24, 25], [26, 27])];

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void Supervised_fine_tuning_learns_a_text(string name)
    {
        using CausalLanguageModel model = Load(name);
        var reports = new Collected();
        var options = new SftOptions { MaxSteps = 16, LearningRate = 5e-3, LoggingSteps = 1, MaxLength = 32 };
        new SftLoop(model, options, reports).Run([new TokenExample([.. Prompt, 7, 8, 9, 10], Prompt.Length)]);
        Close.Below(0.7 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void Direct_preference_optimisation_begins_at_ln_2_and_learns_pairs(string name)
    {
        using CausalLanguageModel model = Load(name);
        var reports = new Collected();
        var options = new DpoOptions { MaxSteps = 8, LearningRate = 2e-3, LoggingSteps = 1, MaxLength = 32 };
        new DpoLoop(model, null, options, reports).Run(Pairs);
        double added = 0.001 * reports.Reports[0].Metrics.GetValueOrDefault("aux_loss"); // of models with experts
        Close.Absolute(Math.Log(2) + added, reports.Reports[0].Metrics["loss"], 1e-5, name);
        Close.Below(0.95 * Math.Log(2), reports.Reports[^1].Metrics["loss"], name);
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void A_reward_model_learns_pairs(string name)
    {
        using CausalLanguageModel policy = Load(name);
        using RewardModel model = RewardModel.FromPolicy(policy, 1);
        var reports = new Collected();
        var options = new RewardOptions { MaxSteps = 8, LearningRate = 5e-3, LoggingSteps = 1, MaxLength = 32 };
        new RewardLoop(model, options, reports).Run(Pairs);
        Close.Below(0.9 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void A_step_of_ppo_begins_at_the_reference_and_moves_the_weights(string name)
    {
        using CausalLanguageModel model = Load(name);
        float[] before = Toys.Flat(model.Weights());
        var options = new PpoOptions { BatchSize = 2, MiniBatchSize = 1, LearningRate = 1e-3, Generation = new() { MaxNewTokens = 6 } };
        using var session = new PpoSession(model, options);
        int[][] queries = [Prompt, [20, 21]];
        IReadOnlyList<int[]> responses = session.Generate(queries);
        PpoStatistics first = session.Step(queries, responses, [1, -1]);
        Close.Absolute(0, first["objective/kl"], 1e-4, name);
        Close.Above(0, Toys.Flat(model.Weights()).Zip(before, (now, then) => Math.Abs(now - then)).Max(), name);
        PpoStatistics second = session.Step(queries, responses, [1, -1]);
        Close.Above(1e-6, Math.Abs(second["objective/kl"]), name);
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void Adapters_learn_a_text_and_answer_alike_beside_a_base_that_stays(string name)
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = Load(name), original = Load(name);
        model.AddAdapter(new LoraOptions { R = 4, LoraAlpha = 16, TargetModules = [LoraOptions.AllLinear] });
        var reports = new Collected();
        var options = new SftOptions { MaxSteps = 12, LearningRate = 1e-2, LoggingSteps = 1, MaxLength = 32 };
        new SftLoop(model, options, reports).Run([new TokenExample([.. Prompt, 7, 8, 9, 10], Prompt.Length)]);
        Close.Below(0.8 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], name);
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
        int[][] prompts = [Prompt, [20, 21]];
        GenerationOptions greedy = new() { DoSample = false, MaxNewTokens = 8, EosTokenIds = [] };
        GenerationResult beside = new TokenGenerator(model).Generate(prompts, greedy);
        model.MergeAdapters();
        GenerationResult merged = new TokenGenerator(model).Generate(prompts, greedy);
        for (int row = 0; row < prompts.Length; row++)
            Close.Absolute(merged.LogProbs[row], beside.LogProbs[row], 1e-3, name);
        model.UnmergeAdapters();
        using var session = new PpoSession(
            model, new PpoOptions { BatchSize = 2, MiniBatchSize = 1, LearningRate = 1e-3, Generation = new() { MaxNewTokens = 6 } });
        Close.Above(1e-6, Math.Abs(session.Step(prompts, session.Generate(prompts), [1, -1])["objective/kl"]), "from the base");
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
    }

    /// <summary>What the sampler computed token by token is what one pass over the whole text gives, head included.</summary>
    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void Log_probabilities_of_sampled_tokens_are_those_of_the_whole_text(string name)
    {
        using CausalLanguageModel model = Load(name);
        int[][] prompts = [Prompt, [20, 21]];
        GenerationResult result = new TokenGenerator(model).Generate(prompts, new GenerationOptions { MaxNewTokens = 8, EosTokenIds = [] });
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (int row = 0; row < prompts.Length; row++)
        {
            int[] ids = [.. prompts[row], .. result.Tokens[row]];
            using TokenBatch batch = model.Batch([new TokenExample(ids, prompts[row].Length)]);
            Tensor logProbs = LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels);
            Close.Absolute(result.LogProbs[row], logProbs.data<float>().ToArray(), 1e-4, name);
        }
    }

    private static CausalLanguageModel Load(string name) => MadeModels.Load(name);
}
