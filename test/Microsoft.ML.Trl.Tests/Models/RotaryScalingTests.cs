using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Context extensions of rotary positions, against the formulas of transformers by hand.</summary>
[TestClass]
public sealed class RotaryScalingTests
{
    private const string Short = "\"original_max_position_embeddings\": 8", Longrope =
        "\"max_position_embeddings\": 64, \"original_max_position_embeddings\": 8, \"rope_scaling\": {\"type\": \"longrope\", "
        + "\"short_factor\": [1, 1.5, 2, 3], \"long_factor\": [2, 4, 8, 16]}";

    [TestMethod]
    [DataRow("\"factor\": 4", 1.1386294361119891)]                                      // 0.1 ln 4 + 1
    [DataRow("\"factor\": 40, \"mscale\": 1, \"mscale_all_dim\": 0.5", 1.1557219)]      // (0.1 ln 40 + 1) / (0.05 ln 40 + 1)
    [DataRow("\"factor\": 40, \"mscale\": 0.707, \"mscale_all_dim\": 0.707", 1)]
    [DataRow("\"factor\": 40, \"mscale\": 1, \"mscale_all_dim\": 0", 1.3688879)]        // 0 is none: 0.1 ln 40 + 1
    [DataRow("\"factor\": 40, \"mscale\": 2", 1.3688879)]
    [DataRow("\"factor\": 40, \"mscale\": 1, \"mscale_all_dim\": 0.5, \"attention_factor\": 1.25", 1.25)]
    [DataRow("\"factor\": 1, \"mscale\": 2, \"mscale_all_dim\": 1", 1)]
    [DataRow("\"original_max_position_embeddings\": 512", 1.1386294361119891)]          // the factor is 2048 / 512
    public void The_length_of_yarn_follows_from_factor_and_mscale(string settings, double expected)
    {
        RopeSettings rope = Parse($"\"rope_scaling\": {{\"rope_type\": \"yarn\", {settings}}}").Rope!;
        Close.Absolute(expected, rope.Scale, 1e-6, "yarn scale");
    }

    [TestMethod]
    public void Yarn_mixes_frequencies_between_dimensions_that_need_not_be_whole()
    {
        RopeSettings rope = Parse(
            "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"truncate\": false, "
            + "\"original_max_position_embeddings\": 2048}").Rope!;
        float[] frequencies = rope.Frequencies(32);
        double Place(double turns) => 32 * Math.Log(2048 / (turns * 2 * Math.PI)) / (2 * Math.Log(10_000));
        (double low, double high) = (Place(32), Place(1)); // 4.03 and 10.05
        for (int i = 0; i < 16; i++)
        {
            double plain = Math.Pow(10_000, -2.0 * i / 32), share = Math.Clamp((i - low) / (high - low), 0, 1);
            Close.Relative((plain / 4 * share) + (plain * (1 - share)), frequencies[i], 1e-6, $"yarn frequency {i}");
        }
        Close.Above(1e-4, Math.Abs(frequencies[5] - (rope with { Truncate = true }).Frequencies(32)[5]));
    }

    [TestMethod]
    public void Longrope_has_a_factor_for_each_pair_and_a_length()
    {
        RopeSettings rope = MadeModels.Config("phi3_longrope", Short).Rope!;
        Close.Relative([1f, 0.1f / 1.5f, 0.01f / 2, 0.001f / 3], rope.Frequencies(8), 1e-6, "short");
        Close.Relative([0.5f, 0.1f / 4, 0.01f / 8, 0.001f / 16], rope.Frequencies(8, isLong: true), 1e-6, "long");
        Close.Absolute(Math.Sqrt(1 + (Math.Log(8) / Math.Log(8))), rope.Scale, 1e-12, "sqrt(1 + ln(64 / 8) / ln 8)");
        Assert.AreEqual(8, rope.LongestShortText);
        Assert.AreEqual(1.19, (rope with { AttentionFactor = 1.19 }).Scale);
        Assert.AreEqual(1, (rope with { Factor = 1 }).Scale);
    }

    /// <summary>With factors of 1 below and of 2 above, a model is the plain one below and the linearly scaled one above.</summary>
    [TestMethod]
    public void Longrope_reads_texts_of_the_original_context_by_its_short_factors_and_longer_ones_by_its_long()
    {
        using CausalLanguageModel model = MadeModels.Create("phi3_longrope", Short);
        RopeSettings rope = model.Config.Rope! with { ShortFactor = [1, 1, 1, 1], LongFactor = [2, 2, 2, 2], AttentionFactor = 1 };
        CausalLanguageModel With(RopeSettings settings) =>
            new(model.Config with { Rope = settings }, new CopiedWeights([.. model.Weights()]));
        using CausalLanguageModel both = With(rope), plain = With(new RopeSettings()), linear = With(new() { Type = "linear", Factor = 2 });
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = arange(1, 13, ScalarType.Int64).view(1, -1), beginning = ids.narrow(1, 0, 8);
        Close.Absolute(plain.Hidden(beginning), both.Hidden(beginning), 1e-6, "8 tokens");
        Close.Absolute(linear.Hidden(ids), both.Hidden(ids), 1e-5, "12 tokens");
        Tensor mask = cat([zeros(1, 4, ScalarType.Int64), ones(1, 8, ScalarType.Int64)], 1); // four of padding, eight real: a short text
        Tensor padded = both.Hidden(cat([ids.narrow(1, 8, 4), beginning], 1), mask);
        Close.Absolute(plain.Hidden(beginning), padded.narrow(1, 4, 8), 1e-5, "padded");
    }

    [TestMethod]
    public void Longrope_is_read_in_pieces_on_either_side_of_the_original_context_but_not_across()
    {
        using CausalLanguageModel model = MadeModels.Create("phi3_longrope", Short);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = arange(1, 14, ScalarType.Int64).view(1, -1);
        foreach ((int first, int all) in new[] { (5, 8), (9, 13) })
        {
            using KeyValueCache cache = new(model.Body, 1, all);
            model.Hidden(ids.narrow(1, 0, first), null, cache);
            Tensor rest = model.Hidden(ids.narrow(1, first, all - first), null, cache);
            Close.Absolute(model.Hidden(ids.narrow(1, 0, all)).narrow(1, first, all - first), rest, 1e-5, $"{first} of {all}");
        }
        using KeyValueCache across = new(model.Body, 1, 13);
        model.Hidden(ids.narrow(1, 0, 5), null, across);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(ids.narrow(1, 5, 4), null, across)).Message,
            "grows from 5 to 9 tokens, but the model reads texts of more than 8 tokens by other rotary frequencies");
        TokenGenerator generator = new(model);
        GenerationOptions Tokens(int count) => new() { MaxNewTokens = count, MinNewTokens = count, DoSample = false };
        Assert.HasCount(5, generator.Generate([[1, 2, 3, 4]], Tokens(5)).Tokens[0]); // the ninth token is not read
        Assert.HasCount(5, generator.Generate([[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2]], Tokens(5)).Tokens[0]);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => generator.Generate([[1, 2, 3, 4]], Tokens(6))).Message,
            "The longest prompt has 4 tokens, and 6 new ones lead beyond 8");
    }

    [TestMethod]
    public void Settings_are_written_back_in_either_layout()
    {
        string[] extensions =
        [
            "\"rope_type\": \"yarn\", \"factor\": 4.0, \"beta_fast\": 16.0, \"beta_slow\": 2.0, \"truncate\": false, \"mscale\": 1.0, "
                + "\"mscale_all_dim\": 0.5, \"original_max_position_embeddings\": 512",
            "\"rope_type\": \"longrope\", \"factor\": 8.0, \"short_factor\": [1.0, 2.0], \"long_factor\": [3.0, 4.0], "
                + "\"attention_factor\": 1.5, \"original_max_position_embeddings\": 256",
        ];
        foreach (string extension in extensions)
            foreach (string layout in new[]
            {
                $"\"rope_scaling\": {{{extension}}}", $"\"rope_parameters\": {{{extension}, \"rope_theta\": 7000}}",
            })
            {
                ModelConfig read = Parse("\"hidden_size\": 8, \"num_attention_heads\": 2, " + layout);
                RopeSettings again = ModelConfig.Parse(read.ToJson(), "again").Rope!;
                Assert.AreEqual(Plain(read.Rope!), Plain(again));
                CollectionAssert.AreEqual(read.Rope!.ShortFactor.ToArray(), again.ShortFactor.ToArray());
                CollectionAssert.AreEqual(read.Rope!.LongFactor.ToArray(), again.LongFactor.ToArray());
                Assert.AreEqual(read.ToJson(), ModelConfig.Parse(read.ToJson(), "again").ToJson());
            }
        Assert.AreEqual("longrope", Parse("\"hidden_size\": 8, \"num_attention_heads\": 2, " + Longrope.Replace("longrope", "su")
            .Replace("[1, 1.5, 2, 3]", "[1, 2]").Replace("[2, 4, 8, 16]", "[1, 2]")).Rope!.Type);
    }

    private static RopeSettings Plain(RopeSettings rope) =>
        rope with { ShortFactor = Array.Empty<double>(), LongFactor = Array.Empty<double>() };

    private static ModelConfig Parse(string settings) => ModelConfig.Parse($"{{\"model_type\": \"llama\", {settings}}}", "rotary settings");
}
