using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>Whole runs of TRL v1.9.0's GRPOTrainer and RLOOTrainer with given completions: trajectories/grpo_*, rloo_*.</summary>
[TestClass]
public sealed class GroupTrajectoryTests
{
    [TestMethod]
    [DataRow("grpo_gpt2")]
    [DataRow("grpo_gpt2_dapo")]
    [DataRow("grpo_gpt2_drgrpo_iter2")]
    [DataRow("grpo_gpt2_gspo")]
    public void A_run_of_GRPO_gives_the_losses_metrics_and_weights_of_TRL(string name)
    {
        using var run = new Trajectory(name);
        Replay(run, (policy, reference, work) => Loops.Grpo(policy, reference, Configure(run, new GrpoOptions()) with
        {
            LossType = run.Args.GetProperty("loss_type").Deserialize<GrpoLossType>(),
            ImportanceSamplingLevel = run.Args.GetProperty("importance_sampling_level").Deserialize<ImportanceSamplingLevel>(),
            ScaleRewards = run.Args.GetProperty("scale_rewards").Deserialize<ScaleRewards>(),
        }, work));
    }

    [TestMethod]
    [DataRow("rloo_gpt2")]
    [DataRow("rloo_gpt2_norm")]
    public void A_run_of_RLOO_gives_the_losses_metrics_and_weights_of_TRL(string name)
    {
        using var run = new Trajectory(name);
        Replay(run, (policy, reference, work) => Loops.Rloo(policy, reference, Configure(run, new RlooOptions()) with
        {
            NormalizeAdvantages = run.Args.GetProperty("normalize_advantages").GetBoolean(),
            RewardClipRange = run.Args.GetProperty("reward_clip_range").Deserialize<double[]?>(),
        }, work));
    }

    private static void Replay(
        Trajectory run, Func<CausalLanguageModel, CausalLanguageModel?, GroupWork, List<StepReport>> train)
    {
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(run.ModelFolder);
        int[][][] Ids(string name) => [.. run.Generations.Select(generation => generation.GetProperty(name).Deserialize<int[][]>()!)];
        int[][][] prompts = Ids("prompt_ids"), completions = Ids("completion_ids");
        int size = run.Args.GetProperty("num_generations").GetInt32();
        int[][] asked = [.. prompts.SelectMany(generation => generation.Where((_, row) => row % size == 0))];
        int next = 0;
        double[] weights = run.Args.GetProperty("reward_weights").Deserialize<double[]?>() ?? [1, 1];
        var shifted = new ShiftedPrompts();
        var work = new GroupWork(asked, new RecordedRewards(), weights, (queries, _) =>
        {
            shifted.Width = queries.Max(query => query.Length);
            for (int row = 0; row < queries.Count; row++)
                CollectionAssert.AreEqual(prompts[next][row], queries[row], $"{run.Name}: prompt {row} of generation {next}");
            return completions[next++];
        })
        { Hidden = shifted.Hidden };
        List<StepReport> reports = train(policy, null, work);
        foreach (Dictionary<string, double> step in run.Log)
            step.Remove("step_time");
        foreach (Dictionary<string, double> step in run.Log.Where(step => !step.ContainsKey("num_tokens")))
            Assert.DoesNotContain("reward", step.Keys); // nothing is generated in such a step
        run.RequireLog(reports);
        run.RequireWeights(policy.Weights(), 1e-5);
    }

    private static T Configure<T>(Trajectory run, T options) where T : GroupOptions => run.Configure(options) with
    {
        NumGenerations = run.Args.GetProperty("num_generations").GetInt32(),
        NumIterations = run.Args.GetProperty("num_iterations").GetInt32(),
        StepsPerGeneration = run.Args.GetProperty("steps_per_generation").GetInt32(),
        Beta = run.Args.GetProperty("beta").GetDouble(),
        Epsilon = run.Args.GetProperty("epsilon").GetDouble(),
        EpsilonHigh = run.Args.GetProperty("epsilon_high").Deserialize<double?>(),
        MaskTruncatedCompletions = run.Args.GetProperty("mask_truncated_completions").GetBoolean(),
        Generation = new()
        {
            MaxNewTokens = run.Args.GetProperty("max_completion_length").GetInt32(),
            Temperature = run.Args.GetProperty("temperature").GetDouble(),
        },
    };

    /// <summary>What the run's two rewards said of each generation.</summary>
    private sealed class RecordedRewards : IRolloutScorer
    {
        private readonly double?[][][] _columns; // [reward][generation][row]
        private int _next;

        public RecordedRewards()
        {
            using JsonDocument json = Fixtures.Json("trajectories", "group_rewards.json");
            double?[][] Column(string name) => json.RootElement.GetProperty(name).Deserialize<double?[][]>()!;
            _columns = [Column("reward_len"), Column("reward_e")];
        }

        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel)
        {
            int generation = _next++;
            return new RewardTable(["reward_len", "reward_e"], [.. _columns.Select(column => column[generation])]);
        }
    }

    /// <summary>GPT-2 as TRL runs it over prompts padded on the left: attention leaves the padding out, but positions count it.</summary>
    private sealed class ShiftedPrompts
    {
        /// <summary>Length of the longest prompt of the generation.</summary>
        public int Width { get; set; }

        public Tensor Hidden(CausalLanguageModel model, TokenBatch batch)
        {
            using var scope = NewDisposeScope();
            (int rows, int length) = (batch.Size, (int)batch.Ids.shape[1]);
            var positions = new long[rows * length];
            for (int row = 0; row < rows; row++)
                for (int at = 0; at < length; at++)
                {
                    int prompt = batch.Lengths[row] - batch.TargetCounts[row]; // where nothing is learnt, no state is asked for
                    positions[(row * length) + at] = Math.Min(at + Math.Max(0, Width - prompt), model.Config.ContextLength - 1);
                }
            AttentionPattern pattern = AttentionPattern.At(rows, length, tensor(positions));
            return model.Body.Run(batch.Ids, pattern, null, batch.TargetRows).MoveToOuterDisposeScope();
        }
    }
}
