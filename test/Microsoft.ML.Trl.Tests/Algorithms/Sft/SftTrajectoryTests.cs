using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

[TestClass]
public sealed class SftTrajectoryTests
{
    [TestMethod]
    [DataRow("sft_gpt2_nll")]
    [DataRow("sft_gpt2_chunked")]
    [DataRow("sft_gpt2_completion_ga2")]
    [DataRow("sft_gpt2_dft")]
    [DataRow("sft_gpt2_packing_wrapped")]
    [DataRow("sft_llama_nll")]
    public void Losses_norms_rates_and_weights_follow_the_reference(string name)
    {
        using var run = new Trajectory(name);
        List<TokenExample> examples = [.. run.MicroBatches.SelectMany(run.Rows).Select(row => new TokenExample(row.Ids) { Learned = row.Labelled })];
        SftOptions options = run.Configure(new SftOptions()) with
        {
            LossType = run.Args.GetProperty("loss_type").GetString() == "dft" ? SftLossType.Dft : SftLossType.Nll,
            MaxLength = run.Args.GetProperty("max_length").GetInt32(),
            Packing = run.Args.GetProperty("packing").GetBoolean(),
            PackingStrategy = PackingStrategy.Wrapped,
        };
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(run.ModelFolder);
        var progress = new Collected();
        new SftLoop(model, options, progress).Run(examples);
        run.RequireLog(progress.Reports);
        run.RequireWeights(model.Weights(), 2e-5);
    }

    [TestMethod]
    [DataRow("sft_llama_packing_bfd", PackingStrategy.Bfd)]
    [DataRow("sft_llama_packing_bfd_split", PackingStrategy.BfdSplit)]
    public void Best_fit_packing_follows_the_reference_from_texts_to_weights(string name, PackingStrategy strategy)
    {
        using var run = new Trajectory(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(run.ModelFolder);
        TextTokenizer tokenizer = TextTokenizer.Load(run.TokenizerFolder);
        int end = tokenizer.EosTokenId!.Value;
        SftOptions options = run.Configure(new SftOptions()) with { MaxLength = run.Args.GetProperty("max_length").GetInt32(), Packing = true, PackingStrategy = strategy };
        var progress = new Collected();
        new SftLoop(model, options, progress).Run([.. run.Texts.Select(text => new TokenExample([.. tokenizer.Encode(text), end]))]);
        run.RequireLog(progress.Reports);
        run.RequireWeights(model.Weights(), 2e-5);
    }
}
