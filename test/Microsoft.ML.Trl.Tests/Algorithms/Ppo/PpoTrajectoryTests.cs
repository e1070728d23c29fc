using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Whole runs of TRL v0.11.4's PPOTrainer.step, replayed: trajectories/ppo_classic_*.</summary>
[TestClass]
public sealed class PpoTrajectoryTests
{
    private static readonly string[] WholeGrid = ["ppo/policy/advantages"];
    private static readonly string[] ResponsesOnly = ["objective/logprobs", "objective/ref_logprobs", "ppo/policy/ratio"];
    private static readonly string[] PerRow = ["objective/kl_dist", "tokens/queries_dist", "tokens/responses_dist"];

    [TestMethod]
    [DataRow("ppo_classic_gpt2")]
    [DataRow("ppo_classic_gpt2_abs_whiten_norm")]
    [DataRow("ppo_classic_gpt2_earlystop")]
    [DataRow("ppo_classic_gpt2_full_kl")]
    [DataRow("ppo_classic_gpt2_left")]
    [DataRow("ppo_classic_gpt2_mse_clip")]
    public void A_run_of_TRL_gives_its_statistics_and_weights(string name)
    {
        using JsonDocument run = Fixtures.Json("trajectories", name, "run.json");
        using SafetensorsFile arrays = SafetensorsFile.Open(Fixtures.Path("trajectories", name, "arrays.safetensors"));
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(Fixtures.Path("trajectories", "models", "gpt2"));
        using CausalLanguageModel reference = HuggingFaceFolder.LoadModel(Fixtures.Path("trajectories", "models", "gpt2"));
        using ValueHead head = ValueHead.Create(policy.Config.HiddenSize, seed: 0);
        Load(reference.Weights(), Fixtures.Path("trajectories", "models", "gpt2_ppo_ref", "ref_init.safetensors"));
        Load(head.Weights(), Fixtures.Path("trajectories", "models", "gpt2_ppo_ref", "v_head_init.safetensors"));
        PpoOptions options = PpoRuns.Options(run.RootElement.GetProperty("config"));
        bool left = run.RootElement.GetProperty("padding_side").GetString() == "left";
        bool decays = run.RootElement.GetProperty("lr_scheduler").ValueKind != JsonValueKind.Null;
        Queue<int[]> orders = [];
        var shifted = new ShiftedPositions();
        var replay = new PpoReplay(
            _ => orders.Dequeue(),
            number => number == 0 ? options.MaxGradNorm : 0, // TRL v0.11.4 clips the very first update only
            left ? shifted.Hidden : (model, part) => model.HiddenAt(part.Ids, part.Positions));
        using var session = new PpoSession(policy, options, head, reference, replay);
        int number = 0;
        foreach (JsonElement step in run.RootElement.GetProperty("steps").EnumerateArray())
        {
            int[][] queries = step.GetProperty("queries").Deserialize<int[][]>()!;
            int[][] responses = step.GetProperty("responses").Deserialize<int[][]>()!;
            double[] scores = step.GetProperty("scores").Deserialize<double[]>()!;
            orders = new Queue<int[]>(step.GetProperty("permutations").Deserialize<int[][]>()!);
            shifted.Width = queries.Zip(responses, (query, response) => query.Length + response.Length).Max();
            PpoStatistics statistics = session.Step(queries, responses, scores, PpoRuns.Masks(step.GetProperty("response_masks")));
            if (decays)
                session.LearningRate = options.LearningRate / (number + 2);

            Assert.IsEmpty(orders, "every epoch of the run was trained");
            string what = $"{name} step {number}";
            Close.Metrics(PpoRuns.Figures(step.GetProperty("stats")), statistics.Scalars, Tolerance, what);
            Close.Absolute(step.GetProperty("kl_coef_after").GetDouble(), session.KlCoefficient, 1e-7, $"{what} KL coefficient");
            PpoLayout layout = PpoRuns.Layout(queries, responses, step.GetProperty("permutations").Deserialize<int[][]>()!, left);
            CompareArrays(name, arrays, $"s{number}.", statistics, layout);
            number++;
        }
        (string, Tensor)[] weights = [.. policy.Weights(), .. head.Weights()];
        WeightChecks.Relative(weights, Fixtures.Path("trajectories", name, "final.safetensors"), 1e-4, name);
        WeightChecks.Sums(weights, run.RootElement.GetProperty("final_stats"), name);
    }

    private static double Tolerance(string figure, double value) => figure == "ppo/learning_rate" ? 1e-12 * Math.Abs(value) : 1e-4;

    private static void CompareArrays(string run, SafetensorsFile arrays, string prefix, PpoStatistics statistics, PpoLayout layout)
    {
        using var scope = NewDisposeScope();
        foreach (string name in WholeGrid.Concat(ResponsesOnly).Concat(PerRow))
        {
            float[] expected = arrays.Read(prefix + name).data<float>().ToArray(), actual = statistics.Arrays[name];
            Assert.HasCount(expected.Length, actual, name);
            var places = PerRow.Contains(name)
                ? PpoLayout.Rows(expected.Length)
                : layout.Places(inOrderOfTraining: name.StartsWith("ppo/", StringComparison.Ordinal));
            (int Theirs, int Ours, bool)[] compared = [.. places.Where(place => place.Response || WholeGrid.Contains(name))];
            float[] theirs = Array.ConvertAll(compared, place => expected[place.Theirs]);
            float[] ours = Array.ConvertAll(compared, place => actual[place.Ours]);
            Close.Absolute(theirs, ours, 1e-4, $"{run} {name}");
        }
    }

    private static void Load(IEnumerable<(string Name, Tensor Value)> weights, string path)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach ((string name, Tensor value) in weights)
        {
            Tensor stored = file.Read(name);
            CollectionAssert.AreEqual(value.shape, stored.shape, $"{path} {name}");
            value.copy_(stored);
        }
    }
}
