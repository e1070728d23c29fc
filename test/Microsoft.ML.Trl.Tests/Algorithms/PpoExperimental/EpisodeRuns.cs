using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>Short runs on toys, for tests of rules.</summary>
internal static class EpisodeRuns
{
    public static readonly int[][] Prompts = Toys.Rows(3, 6, 2, 6);

    public static readonly ExperimentalPpoOptions Quick = new()
    {
        PerDeviceTrainBatchSize = 8,
        MaxSteps = 2,
        NumPpoEpochs = 2,
        LearningRate = 1e-3,
        LrSchedulerType = LrSchedulerType.Constant,
        Generation = new() { MaxNewTokens = 8, EosTokenIds = [7], Temperature = 0.7 },
    };

    public static RewardModel Value(int seed = 2) => RewardModel.Create(ModelConfig.Gpt2(40, 16, 2, 2, 32, dropout: 0), seed);

    /// <summary>Share of small ids.</summary>
    public static double SmallIds(int[] response) => response.Average(id => id < 20 ? 1.0 : 0);

    public static (List<StepReport> Reports, float[] Policy, float[] Value) Train(
        ExperimentalPpoOptions options, Func<int[], double>? reward = null, EpisodeReplay? replay = null, Sampling? sample = null,
        CausalLanguageModel? reference = null)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using RewardModel value = Value();
        List<StepReport> reports = Loops.ExperimentalPpo(
            policy, value, reference, options, new EpisodeWork(Prompts, new Scorer(reward ?? SmallIds), sample), replay);
        return (reports, Toys.Flat(policy.Weights()), Toys.Flat(value.Weights()));
    }

    /// <summary>Scores responses one by one, and shows them as numbers.</summary>
    public sealed class Scorer(Func<int[], double> reward) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) => RewardTable.Of([.. rollout.Responses.Select(reward)]);

        public IReadOnlyList<SampleCompletion> Samples(
            RolloutTexts rollout, RewardTable table, IReadOnlyList<double?> scores, int count) =>
            [.. rollout.Responses.Take(count).Select((ids, row) => new SampleCompletion("", string.Join(' ', ids), scores[row] ?? 0))];
    }
}
