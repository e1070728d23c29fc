using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Algorithms.UnpairedMethods;

/// <summary>Whole runs of TRL v1.9.0's KTOTrainer, replayed from the tokens that it fed its model: trajectories/kto_*.</summary>
[TestClass]
public sealed class KtoTrajectoryTests
{
    [TestMethod]
    [DataRow("kto_gpt2")]
    [DataRow("kto_gpt2_apo")]
    public void A_run_of_TRL_gives_its_losses_metrics_and_weights(string name)
    {
        using var run = new Trajectory(name);
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(run.ModelFolder);
        using CausalLanguageModel reference = HuggingFaceFolder.LoadModel(run.ReferenceFolder);
        double Number(string option) => run.Args.GetProperty(option).GetDouble();
        KtoOptions options = run.Configure(new KtoOptions()) with
        {
            LossType = run.Args.GetProperty("loss_type").Deserialize<KtoLossType>(),
            Beta = Number("beta"),
            DesirableWeight = Number("desirable_weight"),
            UndesirableWeight = Number("undesirable_weight"),
            MaxLength = (int)Number("max_length"),
        };
        UnpairedExample[] examples = [.. run.MicroBatches.SelectMany(micro => run.Unpaired(micro.Number))];
        run.RequireLog(Loops.Kto(policy, reference, options, examples));
        run.RequireWeights(policy.Weights(), 1e-5);
    }

    [TestMethod]
    public void Completions_are_mismatched_as_by_TRL()
    {
        using var run = new Trajectory("kto_gpt2");
        UnpairedExample[] examples = [.. run.MicroBatches.SelectMany(micro => run.Unpaired(micro.Number))];
        int[][] others = UnpairedBatch.Mismatch(examples, 4);
        foreach (int micro in Enumerable.Range(0, run.Steps))
        {
            int[][] ids = run.Batches.Rows($"m{micro}.KL_input_ids"), real = run.Batches.Rows($"m{micro}.KL_attention_mask");
            for (int row = 0; row < 4; row++)
            {
                int example = (4 * micro) + row;
                int[] expected = ids[row][..real[row].Sum()];
                CollectionAssert.AreEqual(expected, examples[example].Text(others[example]).Truncated(64).Ids);
            }
        }
    }
}
