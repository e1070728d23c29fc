using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Families and options without fixtures, against loops over doubles and against models that must be the same.</summary>
[TestClass]
public sealed class FamilyOptionTests
{
    private static readonly long[] Text = [5, 9, 3, 17, 2, 8, 11, 4, 1, 30];

    [TestMethod]
    [DataRow("", 10_000, 1_000_000, 1)]
    [DataRow(
        "\"rope_theta\": 5000, \"rope_local_base_freq\": 300, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}", 300, 5000, 8)]
    [DataRow(
        "\"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"default\", \"rope_theta\": 700}, \"full_attention\": "
        + "{\"rope_type\": \"linear\", \"factor\": 4, \"rope_theta\": 900}}",
        700, 900, 4)]
    public void Gemma_3_gives_what_loops_give(string rope, double local, double global, double slowed)
    {
        using CausalLanguageModel model = MadeModels.Create("gemma3_text", rope);
        PlainModel plain = new(model);
        const int Size = 8;
        double[][] x = plain.Embed(Text, "model.embed_tokens.weight", Math.Sqrt(32));
        for (int layer = 0; layer < 3; layer++)
        {
            string at = $"model.layers.{layer}.";
            bool isGlobal = layer == 1; // every second
            double[][] Norm(double[][] rows, string name) => [.. rows.Select(row => plain.ShiftedRms(row, at + name))];
            double[][] read = Norm(x, "input_layernorm");
            double[][] Heads(string name) => PlainModel.PerHead(
                plain.Linear(read, $"{at}self_attn.{name}_proj"), Size, (head, t) => PlainModel.Turn(
                    plain.ShiftedRms(head, $"{at}self_attn.{name}_norm"), t, isGlobal ? global : local, Size, isGlobal ? slowed : 1));
            double[][] mixed = PlainModel.Attend(
                Heads("q"), Heads("k"), plain.Linear(read, at + "self_attn.v_proj"), Size, 1 / Math.Sqrt(20), isGlobal ? 99 : 4);
            x = PlainModel.Sum(x, Norm(plain.Linear(mixed, at + "self_attn.o_proj"), "post_attention_layernorm"));
            double[][] inner = Norm(x, "pre_feedforward_layernorm");
            double[][] gate = plain.Linear(inner, at + "mlp.gate_proj"), up = plain.Linear(inner, at + "mlp.up_proj");
            double[][] gated = [.. gate.Zip(up, (g, u) => g.Zip(u, (a, b) => PlainModel.Gelu(a) * b).ToArray())];
            x = PlainModel.Sum(x, Norm(plain.Linear(gated, at + "mlp.down_proj"), "post_feedforward_layernorm"));
        }
        double[] expected = [.. x.SelectMany(row => plain.ShiftedRms(row, "model.norm"))];
        Close.Relative(expected, Hidden(model, Text), 1e-5, "gemma3_text states");
    }

    [TestMethod]
    public void Phi_with_norms_on_queries_and_keys_gives_what_loops_give()
    {
        using CausalLanguageModel model = MadeModels.Create("phi_qk_layernorm");
        PlainModel plain = new(model);
        const int Size = 8, Turned = 4;
        double[][] x = plain.Embed(Text, "model.embed_tokens.weight");
        for (int layer = 0; layer < 2; layer++)
        {
            string at = $"model.layers.{layer}.";
            double[][] read = [.. x.Select(row => plain.LayerNorm(row, at + "input_layernorm"))];
            double[][] Heads(string name) => PlainModel.PerHead(
                plain.Linear(read, $"{at}self_attn.{name}_proj"), Size,
                (head, t) => PlainModel.Turn(plain.LayerNorm(head, $"{at}self_attn.{name}_layernorm"), t, 10_000, Turned));
            double[][] mixed = PlainModel.Attend(
                Heads("q"), Heads("k"), plain.Linear(read, at + "self_attn.v_proj"), Size, 1 / Math.Sqrt(Size), 99);
            double[][] inner = [.. plain.Linear(read, at + "mlp.fc1").Select(row => row.Select(PlainModel.Gelu).ToArray())];
            x = PlainModel.Sum(x, PlainModel.Sum(plain.Linear(mixed, at + "self_attn.dense"), plain.Linear(inner, at + "mlp.fc2")));
        }
        double[] expected = [.. x.SelectMany(row => plain.LayerNorm(row, "model.final_layernorm"))];
        Close.Relative(expected, Hidden(model, Text), 1e-5, "phi states with qk_layernorm");
    }

    [TestMethod]
    public void Bloom_may_take_its_residual_behind_the_norms()
    {
        using CausalLanguageModel model = MadeModels.Create("bloom_post_layernorm");
        PlainModel plain = new(model);
        const int Size = 8, Heads = 4; // slopes 1/4, 1/16, 1/64, 1/256; each head's query, key and value side by side
        double[][] x = [.. plain.Embed(Text, "transformer.word_embeddings.weight")
            .Select(row => plain.LayerNorm(row, "transformer.word_embeddings_layernorm"))];
        for (int layer = 0; layer < 2; layer++)
        {
            string at = $"transformer.h.{layer}.";
            double[][] read = [.. x.Select(row => plain.LayerNorm(row, at + "input_layernorm"))];
            double[][] packed = plain.Linear(read, at + "self_attention.query_key_value");
            double[][] mixed = [.. Text.Select(_ => new double[Heads * Size])];
            for (int head = 0; head < Heads; head++)
            {
                // a further dimension of 1 and of the key's place times the slope gives the bias
                double[][] Part(int part, Func<int, double> last) =>
                    [.. packed.Select((token, t) => token.Chunk(Size).ElementAt((head * 3) + part).Append(last(t)).ToArray())];
                double slope = Math.Pow(2, -2 * (head + 1)) * Math.Sqrt(Size);
                double[][] result = PlainModel.Attend(
                    Part(0, _ => 1), Part(1, t => slope * t), Part(2, _ => 0), Size + 1, 1 / Math.Sqrt(Size), 99);
                for (int t = 0; t < Text.Length; t++)
                    result[t][..Size].CopyTo(mixed[t], head * Size);
            }
            double[][] seen = PlainModel.Sum(plain.Linear(mixed, at + "self_attention.dense"), read);
            double[][] normed = [.. seen.Select(row => plain.LayerNorm(row, at + "post_attention_layernorm"))];
            double[][] inner = [.. plain.Linear(normed, at + "mlp.dense_h_to_4h").Select(row => row.Select(PlainModel.Gelu).ToArray())];
            x = PlainModel.Sum(plain.Linear(inner, at + "mlp.dense_4h_to_h"), normed);
        }
        double[] expected = [.. x.SelectMany(row => plain.LayerNorm(row, "transformer.ln_f"))];
        Close.Relative(expected, Hidden(model, Text), 1e-5, "bloom states behind the norms");
    }

    [TestMethod]
    [DataRow("true")]
    [DataRow("false")]
    public void Opt_without_weights_in_its_norms_is_opt_with_ones_and_zeros(string before)
    {
        string option = $"\"do_layer_norm_before\": {before}";
        using CausalLanguageModel plain = MadeModels.Create("opt_plain_norms", option);
        ModelConfig config = MadeModels.Config("opt_plain_norms", option.Replace("\"do", "\"layer_norm_elementwise_affine\": true, \"do"));
        using RandomWeights fresh = new(1); // norms begin at 1 and 0
        using CausalLanguageModel affine = new(config, new CopiedWeights([.. plain.Weights()], fresh));
        affine.eval();
        Assert.IsFalse(plain.Weights().Any(weight => weight.Name.Contains("norm", StringComparison.Ordinal)));
        Close.Absolute(Hidden(affine, Text), Hidden(plain, Text), 0);
    }

    private static double[] Hidden(CausalLanguageModel model, long[] ids)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return [.. model.Hidden(tensor(ids).view(1, -1)).data<float>().Select(value => (double)value)];
    }
}
