using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Algorithms.ReferenceFree;

/// <summary>Whole runs of TRL v1.9.0's ORPOTrainer and CPOTrainer, replayed from the tokens that they fed their model.</summary>
[TestClass]
public sealed class PairTrajectoryTests
{
    [TestMethod]
    public void A_run_of_ORPO_gives_its_losses_metrics_and_weights() => Follows("orpo_gpt2", (run, policy, pairs) => Loops.Orpo(
        policy, run.Configure(new OrpoOptions()) with { Beta = Number(run, "beta"), MaxLength = (int)Number(run, "max_length") }, pairs));

    [TestMethod]
    [DataRow("cpo_gpt2_sigmoid")]
    [DataRow("simpo_gpt2")]
    public void A_run_of_CPO_gives_its_losses_metrics_and_weights(string name) => Follows(name, (run, policy, pairs) =>
    {
        CpoOptions options = run.Configure(new CpoOptions()) with
        {
            Beta = Number(run, "beta"),
            LossType = run.Args.GetProperty("loss_type").Deserialize<CpoLossType>(),
            CpoAlpha = Number(run, "cpo_alpha"),
            SimpoGamma = Number(run, "simpo_gamma"),
            LabelSmoothing = Number(run, "label_smoothing"),
            MaxLength = (int)Number(run, "max_length"),
        };
        return Loops.Cpo(policy, options, pairs);
    });

    private static void Follows(string name, Func<Trajectory, CausalLanguageModel, PreferenceExample[], List<StepReport>> train)
    {
        using var run = new Trajectory(name);
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(run.ModelFolder);
        foreach (Dictionary<string, double> step in run.Log) // TRL's mean of the logits is over prompts and padding too
        {
            step.Remove("logits/chosen");
            step.Remove("logits/rejected");
        }
        run.RequireLog(train(run, policy, [.. run.MicroBatches.SelectMany(micro => run.SidedPairs(micro.Number))]));
        run.RequireWeights(policy.Weights(), 1e-5);
    }

    private static double Number(Trajectory run, string name) => run.Args.GetProperty(name).GetDouble();
}
