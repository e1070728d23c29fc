using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

/// <summary>Whole runs of TRL v1.9.0's SFTTrainer, replayed from the tokens that it fed its model: trajectories/sft_*.</summary>
[TestClass]
public sealed class SftTrajectoryTests
{
    private const double WeightTolerance = 2e-5;

    [TestMethod]
    [DataRow("sft_gpt2_nll")]
    [DataRow("sft_gpt2_chunked")]
    [DataRow("sft_gpt2_completion_ga2")]
    [DataRow("sft_gpt2_dft")]
    [DataRow("sft_gpt2_packing_wrapped")]
    [DataRow("sft_llama_nll")]
    [DataRow("sft_llama_chat")]
    [DataRow("sft_llama_assistant_only")]
    public void Losses_norms_rates_and_weights_follow_the_reference(string name)
    {
        using var run = new Trajectory(name);
        var rows = run.MicroBatches.SelectMany(micro => run.Rows(micro.Number));
        Follows(run, [.. rows.Select(row => new TokenExample(row.Ids) { Learned = row.Labelled })]);
    }

    [TestMethod]
    [DataRow("sft_lora_llama")]
    [DataRow("sft_lora_llama_all")]
    public void A_run_that_trains_an_adapter_follows_the_reference_and_leaves_the_base_alone(string name)
    {
        using var run = new Trajectory(name);
        var rows = run.MicroBatches.SelectMany(micro => run.Rows(micro.Number));
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(run.ModelFolder), original = model.Copy();
        model.LoadAdapter(Fixtures.Path("trajectories", name + "_adapter_init"), isTrainable: true);
        run.RequireLog(Loops.Sft(model, Options(run), [.. rows.Select(row => new TokenExample(row.Ids) { Learned = row.Labelled })]));
        run.RequireAdapter(model, 5 * WeightTolerance); // its rate is five times that of the others
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
    }

    [TestMethod]
    [DataRow("sft_llama_packing_bfd")]
    [DataRow("sft_llama_packing_bfd_split")]
    public void Best_fit_packing_follows_the_reference(string name)
    {
        using var run = new Trajectory(name);
        Follows(run, [.. run.MicroBatches.SelectMany(micro => run.Packed(micro.Number)).Select(ids => new TokenExample(ids))]);
    }

    [TestMethod]
    [DataRow("sft_llama_packing_bfd")]
    [DataRow("sft_llama_packing_bfd_split")]
    public void Best_fit_packing_follows_the_reference_from_texts_to_weights(string name)
    {
        using JsonDocument texts = Fixtures.SharedJson("trajectories", name, "run.json");
        TextTokenizer tokenizer = TextTokenizer.Load(Fixtures.Shared(texts.RootElement.GetProperty("tokenizer").GetString()!.Split('/')));
        using var run = new Trajectory(name);
        Follows(run, [.. texts.RootElement.GetProperty("rows").EnumerateArray().Select(row =>
            new TokenExample([.. tokenizer.Encode(row.GetProperty("text").GetString()!), tokenizer.EosTokenId!.Value]))]);
    }

    private static void Follows(Trajectory run, IReadOnlyList<TokenExample> examples)
    {
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(run.ModelFolder);
        run.RequireLog(Loops.Sft(model, Options(run), examples));
        run.RequireWeights(model.Weights(), WeightTolerance);
    }

    private static SftOptions Options(Trajectory run) => run.Configure(new SftOptions()) with
    {
        LossType = run.Args.GetProperty("loss_type").GetString() == "dft" ? SftLossType.Dft : SftLossType.Nll,
        MaxLength = run.Args.GetProperty("max_length").GetInt32(),
        Packing = run.Args.GetProperty("packing").GetBoolean(),
        PackingStrategy = Trajectory.Named<PackingStrategy>(run.Args.GetProperty("packing_strategy")),
    };
}
