using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>Whole runs of TRL v1.9.0's DPOTrainer, replayed from the tokens that it fed its model: trajectories/dpo_*.</summary>
[TestClass]
public sealed class DpoTrajectoryTests
{
    [TestMethod]
    [DataRow("dpo_gpt2_sigmoid")]
    [DataRow("dpo_gpt2_ipo_ga2")]
    [DataRow("dpo_gpt2_precompute")]
    [DataRow("dpo_gpt2_sync_ref")]
    [DataRow("dpo_llama_chat_mpo", 0.8, 0.2, 1.0)] // the run does not say its weights; they were these
    public void A_run_of_TRL_gives_its_losses_metrics_and_weights(string name, params double[] lossWeights)
    {
        using var run = new Trajectory(name);
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(run.ModelFolder);
        using CausalLanguageModel reference = HuggingFaceFolder.LoadModel(run.ReferenceFolder);
        DpoOptions options = Options(run) with { LossWeights = lossWeights.Length == 0 ? null : lossWeights };
        run.RequireLog(Loops.Dpo(policy, reference, options, [.. run.MicroBatches.SelectMany(micro => run.Pairs(micro.Number))]));
        run.RequireWeights(policy.Weights(), 1e-5);
    }

    [TestMethod]
    public void A_run_that_trains_an_adapter_follows_the_reference_with_the_base_as_reference()
    {
        using var scope = NewDisposeScope();
        using var run = new Trajectory("dpo_lora_llama");
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(run.ModelFolder), original = policy.Copy();
        policy.AddAdapter(new LoraOptions { R = 4, LoraAlpha = 16, TargetModules = ["q_proj", "v_proj", "o_proj"] });
        using (var initial = new FixtureTensors("trajectories", run.Name, "init_lora.safetensors"))
        using (var frozen = no_grad())
            foreach ((string name, Tensor value) in policy.AdapterWeights())
                value.copy_(initial[name.Replace(".weight", ".default.weight", StringComparison.Ordinal)]);
        run.Log[0].Remove("rewards/accuracies"); // policy and reference are equal: the sign of rounding
        run.RequireLog(Loops.Dpo(policy, null, Options(run), [.. run.MicroBatches.SelectMany(micro => run.Pairs(micro.Number))]));
        run.RequireAdapter(policy, 1e-5);
        WeightChecks.Equal(original.Weights(), policy.BaseWeights());
    }

    private static DpoOptions Options(Trajectory run) => run.Configure(new DpoOptions()) with
    {
        MaxLength = run.Args.GetProperty("max_length").GetInt32(),
        LossType = run.Args.GetProperty("loss_type").Deserialize<DpoLossType[]>()!,
        Beta = run.Args.GetProperty("beta").GetDouble(),
        PrecomputeRefLogProbs = run.Args.GetProperty("precompute_ref_log_probs").GetBoolean(),
        SyncRefModel = run.Args.GetProperty("sync_ref_model").GetBoolean(),
        RefModelMixupAlpha = run.Args.GetProperty("ref_model_mixup_alpha").GetDouble(),
        RefModelSyncSteps = run.Args.GetProperty("ref_model_sync_steps").GetInt32(),
    };
}
