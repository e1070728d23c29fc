using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>Whole runs of TRL v1.9.0's DPOTrainer, replayed: trajectories/dpo_gpt2_*.</summary>
[TestClass]
public sealed class DpoTrajectoryTests
{
    [TestMethod]
    [DataRow("dpo_gpt2_sigmoid")]
    [DataRow("dpo_gpt2_ipo_ga2")]
    [DataRow("dpo_gpt2_precompute")]
    [DataRow("dpo_gpt2_sync_ref")]
    public void A_run_of_TRL_gives_its_losses_metrics_and_weights(string name)
    {
        using JsonDocument run = Fixtures.Json("trajectories", name, "run.json");
        using SafetensorsFile batches = SafetensorsFile.Open(Fixtures.Path("trajectories", name, "batches.safetensors"));
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(Fixtures.Path("trajectories", "models", "gpt2"));
        using CausalLanguageModel reference = HuggingFaceFolder.LoadModel(Fixtures.Path("trajectories", "models", "gpt2_ref"));
        var reports = new List<StepReport>();

        new DpoLoop(policy, reference, Options(run.RootElement.GetProperty("args")), new Recorder(reports.Add)).Run(Pairs(batches));

        var worst = new Worst();
        JsonElement[] log = [.. run.RootElement.GetProperty("log").EnumerateArray().Where(line => line.TryGetProperty("loss", out _))];
        Assert.HasCount(log.Length, reports);
        for (int i = 0; i < log.Length; i++)
            foreach (JsonProperty property in log[i].EnumerateObject().Where(property => property.Name is not ("epoch" or "step")))
                worst.Check($"step {i + 1} {property.Name}", property.Value.GetDouble(), reports[i][property.Name], property.Name == "grad_norm" ? 1e-3 : 1e-4, property.Name == "grad_norm" ? "norm" : "value");
        WeightChecks.Compare(worst, policy.Weights(), Fixtures.Path("trajectories", name, "final.safetensors"), 1e-5);
        worst.Print(name);
    }

    private static DpoOptions Options(JsonElement args) => new DpoOptions
    {
        LearningRate = args.GetProperty("learning_rate").GetDouble(),
        LrSchedulerType = args.GetProperty("lr_scheduler_type").GetString() == "cosine" ? LrSchedulerType.Cosine : LrSchedulerType.Linear,
        WarmupSteps = args.GetProperty("warmup_steps").GetDouble(),
        PerDeviceTrainBatchSize = args.GetProperty("per_device_train_batch_size").GetInt32(),
        GradientAccumulationSteps = args.GetProperty("gradient_accumulation_steps").GetInt32(),
        MaxSteps = args.GetProperty("max_steps").GetInt32(),
        MaxLength = args.GetProperty("max_length").GetInt32(),
        LossType = args.GetProperty("loss_type").Deserialize<DpoLossType[]>()!,
        Beta = args.GetProperty("beta").GetDouble(),
        PrecomputeRefLogProbs = args.GetProperty("precompute_ref_log_probs").GetBoolean(),
        SyncRefModel = args.GetProperty("sync_ref_model").GetBoolean(),
        RefModelMixupAlpha = args.GetProperty("ref_model_mixup_alpha").GetDouble(),
        RefModelSyncSteps = args.GetProperty("ref_model_sync_steps").GetInt32(),
        TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
        LoggingSteps = 1,
    };

    private static List<PreferenceExample> Pairs(SafetensorsFile batches)
    {
        using var scope = NewDisposeScope();
        var pairs = new List<PreferenceExample>();
        for (int micro = 0; batches.Entries.ContainsKey($"m{micro}.input_ids"); micro++)
        {
            int rows = (int)batches.Entries[$"m{micro}.input_ids"].Shape[0], width = (int)batches.Entries[$"m{micro}.input_ids"].Shape[1];
            int[] ids = batches.Read($"m{micro}.input_ids").data<int>().ToArray();
            int[] real = batches.Read($"m{micro}.attention_mask").data<int>().ToArray();
            int[] answer = batches.Read($"m{micro}.completion_mask").data<int>().ToArray();
            int[] Part(int row, int completion) => [.. Enumerable.Range(row * width, width).Where(i => real[i] == 1 && answer[i] == completion).Select(i => ids[i])];
            for (int row = 0; row < rows / 2; row++)
                pairs.Add(new PreferenceExample(Part(row, 0), Part(row, 1), Part(row + (rows / 2), 1)));
        }
        return pairs;
    }

    private sealed class Recorder(Action<StepReport> report) : IProgress<StepReport>
    {
        public void Report(StepReport value) => report(value);
    }
}
