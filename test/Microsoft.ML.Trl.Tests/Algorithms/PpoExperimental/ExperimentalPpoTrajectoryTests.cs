using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>Whole runs of TRL v1.9.0's experimental PPOTrainer, replayed with its errors: trajectories/ppo_experimental_*.</summary>
/// <remarks>
/// TRL puts the score one token behind the end, where it fits, and lets the value model learn that token; predicts the first token of a
/// response from padding (<see cref="GhostTokens"/>); takes a mean per pass; updates once in as many passes as are accumulated, whatever
/// mini-batch they are of, but after each pass in a step with the last prompts of the data; never clips gradients; and averages its figures
/// over tokens behind the end and over passes that never were. <see cref="EpisodeReplay"/> does the first ones, this test the figures.
/// </remarks>
[TestClass]
public sealed class ExperimentalPpoTrajectoryTests
{
    private const int Pad = 5, End = 0;

    [TestMethod]
    [DataRow("ppo_experimental_gpt2")]
    [DataRow("ppo_experimental_gpt2_k3_whiten")]
    public void A_run_of_TRL_gives_its_figures_and_weights(string name)
    {
        using JsonDocument run = Fixtures.Json("trajectories", name, "run.json");
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(Folder("gpt2"));
        using CausalLanguageModel reference = HuggingFaceFolder.LoadModel(Folder("gpt2_ref"));
        using RewardModel reward = HuggingFaceFolder.LoadRewardModel(Folder("gpt2_reward"));
        using RewardModel value = HuggingFaceFolder.LoadRewardModel(Folder("gpt2_value"));
        ExperimentalPpoOptions options = Options(run.RootElement.GetProperty("args"));
        JsonElement[] generations = [.. run.RootElement.GetProperty("generations").EnumerateArray()];
        int[][] queries = [.. generations.SelectMany(step => step.GetProperty("queries").Deserialize<int[][]>()!)];
        int[][] responses = [.. generations.SelectMany(step => step.GetProperty("responses").Deserialize<int[][]>()!)];
        int[][] prompts = Array.ConvertAll(queries, query => query.Where(id => id != Pad).ToArray());
        var orders = new Queue<int[]>(run.RootElement.GetProperty("permutations").Deserialize<int[][]>()!);
        List<(int Rows, EpisodeSums Sums)> passes = [];
        int next = 0, batches = prompts.Select(prompt => string.Join(' ', prompt)).Distinct().Count() / options.BatchSize;
        bool IsLastOfData() => next / options.BatchSize % batches == 0;
        var replay = new EpisodeReplay(
            _ => orders.Dequeue(),
            order => order.Chunk(options.MiniBatchSize).SelectMany(rows => rows.Chunk(options.PerDeviceTrainBatchSize))
                .Chunk(IsLastOfData() ? 1 : options.GradientAccumulationSteps))
        {
            HiddenStates = (model, part) => GhostTokens.Hidden(model, part, queries[0].Length),
            GoesPastEnd = response => response.Length > 1 && response[^2] == End,
            Divisor = (pass, _, _) => pass * options.GradientAccumulationSteps,
            Learned = (rows, sums) => passes.Add((rows.Length, sums)),
        };
        var work = new EpisodeWork(prompts, new Scorer(reward), (asked, _) => [.. asked.Select(_ => PastEnd(responses[next++]))]);
        JsonElement[] log = [.. run.RootElement.GetProperty("log").EnumerateArray()];
        List<StepReport> reports = Loops.ExperimentalPpo(policy, value, reference, options, work, replay, report =>
        {
            Dictionary<string, double> ours = Trl(report, passes, options, responses[..next][^options.BatchSize..]);
            Dictionary<string, double> theirs = log[report.Step - 1].EnumerateObject()
                .Where(figure => figure.Name != "policy/entropy_avg") // that of tokens behind the end, too, which nobody reads here
                .ToDictionary(figure => figure.Name, figure => figure.Value.GetDouble());
            Close.Metrics(theirs, ours, Tolerance, $"{name} step {report.Step}");
            passes.Clear();
        });
        Assert.HasCount(log.Length, reports);
        Assert.IsEmpty(orders);
        (string, Tensor)[] weights = [.. Named(policy, value)];
        WeightChecks.Absolute(weights, Fixtures.Path("trajectories", name, "final.safetensors"), 1e-5, name);
        WeightChecks.Sums(weights, run.RootElement.GetProperty("final_stats"), name);
    }

    private static double Tolerance(string figure, double value) => figure switch
    {
        "lr" => 1e-12 * value,
        "episode" or "val/num_eos_tokens" => 0,
        _ => 1e-4,
    };

    private static string Folder(string model) => Fixtures.Path("trajectories", "models", model);

    private static ExperimentalPpoOptions Options(JsonElement args) => new ExperimentalPpoOptions
    {
        LearningRate = args.GetProperty("learning_rate").GetDouble(),
        PerDeviceTrainBatchSize = args.GetProperty("per_device_train_batch_size").GetInt32(),
        GradientAccumulationSteps = args.GetProperty("gradient_accumulation_steps").GetInt32(),
        NumMiniBatches = args.GetProperty("num_mini_batches").GetInt32(),
        NumPpoEpochs = args.GetProperty("num_ppo_epochs").GetInt32(),
        TotalEpisodes = args.GetProperty("total_episodes").GetInt32(),
        LocalRolloutForwardBatchSize = args.GetProperty("local_rollout_forward_batch_size").GetInt32(),
        KlCoef = args.GetProperty("kl_coef").GetDouble(),
        KlEstimator = args.GetProperty("kl_estimator").Deserialize<KlEstimator>(),
        Cliprange = args.GetProperty("cliprange").GetDouble(),
        VfCoef = args.GetProperty("vf_coef").GetDouble(),
        CliprangeValue = args.GetProperty("cliprange_value").GetDouble(),
        Gamma = args.GetProperty("gamma").GetDouble(),
        Lam = args.GetProperty("lam").GetDouble(),
        WhitenRewards = args.GetProperty("whiten_rewards").GetBoolean(),
        MissingEosPenalty = args.GetProperty("missing_eos_penalty").Deserialize<double?>(),
        MaxGradNorm = 0, // of max_grad_norm TRL's loop makes no use
        TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
        Generation = new()
        {
            MaxNewTokens = args.GetProperty("response_length").GetInt32(),
            Temperature = args.GetProperty("temperature").GetDouble(),
            EosTokenIds = [End],
        },
    }.Validated();

    /// <summary>A response with one token behind its end, where there is one.</summary>
    private static int[] PastEnd(int[] response)
    {
        int end = Array.IndexOf(response, End);
        return end < 0 ? response : response[..Math.Min(end + 2, response.Length)];
    }

    /// <summary>The figures as TRL averages them: over all places of responses, and over a table of passes that is not filled.</summary>
    private static Dictionary<string, double> Trl(
        StepReport report, List<(int Rows, EpisodeSums Sums)> passes, ExperimentalPpoOptions options, int[][] responses)
    {
        int length = responses[0].Length, places = options.NumPpoEpochs * options.NumMiniBatches * options.GradientAccumulationSteps;
        double Mean(Func<int, EpisodeSums, double> figure) => passes.Sum(pass => figure(pass.Rows * length, pass.Sums)) / places;
        double Ratio(int all, EpisodeSums sums) => (sums.Ratio + all - sums.Tokens) / all;
        double ratio = Mean(Ratio);
        int behind = responses.Sum(response => Array.IndexOf(response, End) is >= 0 and int end ? length - end - 1 : 0);
        return new Dictionary<string, double>(report.Metrics)
        {
            ["objective/entropy"] = report["objective/entropy"] - ((double)behind / responses.Length),
            ["policy/approxkl_avg"] = Mean((all, sums) => 0.5 * sums.SquaredMove / all),
            ["policy/clipfrac_avg"] = Mean((_, sums) => sums.PolicyClipped / sums.Tokens),
            ["loss/policy_avg"] = Mean((_, sums) => sums.PolicyLoss),
            ["loss/value_avg"] = Mean((_, sums) => sums.ValueLoss),
            ["val/clipfrac_avg"] = Mean((_, sums) => sums.ValueClipped / sums.Values),
            ["val/ratio"] = ratio,
            ["val/ratio_var"] = (passes.Sum(pass => Math.Pow(Ratio(pass.Rows * length, pass.Sums) - ratio, 2))
                + ((places - passes.Count) * ratio * ratio)) / (places - 1),
        };
    }

    private static IEnumerable<(string Name, Tensor Value)> Named(CausalLanguageModel policy, RewardModel value)
    {
        const string Body = "transformer.";
        foreach ((string name, Tensor weight) in policy.Weights())
        {
            yield return ($"policy.{name}", weight);
            if (name == "transformer.wte.weight")
                yield return ("policy.EMB16", weight.narrow(0, 0, 16));
        }
        foreach ((string name, Tensor weight) in value.Weights())
        {
            yield return ($"value_model.{name}", weight);
            if (name.StartsWith(Body, StringComparison.Ordinal))
                yield return ($"critic_backbone.{name[Body.Length..]}", weight);
        }
    }

    /// <summary>TRL's score: of the last token up to the end, whatever pad token the reward model has.</summary>
    private sealed class Scorer(RewardModel reward) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            RewardTable.Of([.. rollout.Queries.Zip(rollout.Responses, (query, response) => Score([.. query, .. UpToEnd(response)]))]);

        private double Score(int[] ids)
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            Tensor last = reward.Body.HiddenAt(tensor(ids.Select(id => (long)id).ToArray(), 1, ids.Length), tensor([ids.Length - 1L]));
            return reward.ScoresOf(last).item<float>();
        }

        private static int[] UpToEnd(int[] response) =>
            Array.IndexOf(response, End) is >= 0 and int end ? response[..(end + 1)] : response;
    }
}
