using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Greedy generation against transformers: the same tokens.</summary>
[TestClass]
public sealed class GenerationFixtureTests
{
    private const double Tolerance = 1e-4;

    private static readonly GenerationOptions Greedy = new() { DoSample = false, MaxNewTokens = 16, EosTokenIds = [] };

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Writers), typeof(ModelFixture))]
    public void The_likeliest_tokens_are_those_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        int end = fixture.Info.GetProperty("g_eos_id").GetInt32();
        Matches(fixture, "g.greedy", Greedy);
        Matches(fixture, "g.greedy_eos", Greedy with { EosTokenIds = [end] });
        Matches(fixture, "g.greedy_eos_min12", Greedy with { EosTokenIds = [end], MinNewTokens = 12 });
    }

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Writers), typeof(ModelFixture))]
    public void Logits_of_the_first_and_the_last_token_are_those_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        int[][] prompts = FixtureRows.Of(fixture["g.input_ids"], fixture["g.attention_mask"]);
        GenerationResult result = new TokenGenerator(model) { KeepsStates = true }.Generate(prompts, Greedy);
        foreach ((string expected, int step) in new[] { ("g.greedy_logits0", 0), ("g.greedy_logits_last", Greedy.MaxNewTokens - 1) })
        {
            Tensor states = result.States!.view(prompts.Length, Greedy.MaxNewTokens, -1).select(1, step); // [B, H] that the sampler saw
            Close.Absolute(fixture[expected], model.Logits(states), Tolerance, $"{name} {expected}");
            Tensor logProbs = fixture[expected].log_softmax(-1);
            float[] chosen = [.. result.Tokens.Select((tokens, row) => logProbs[row, tokens[step]].item<float>())];
            Close.Absolute(chosen, result.LogProbs.Select(row => row[step]).ToArray(), Tolerance, $"{name} {expected} as log-probability");
        }
    }

    /// <summary>Rows that ended are filled with padding there; ours stop after the end token.</summary>
    private static void Matches(ModelFixture fixture, string name, GenerationOptions options)
    {
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        int[][] prompts = FixtureRows.Of(fixture["g.input_ids"], fixture["g.attention_mask"]);
        GenerationResult result = new TokenGenerator(model).Generate(prompts, options);
        int[][] expected = FixtureRows.Of(fixture[name]);
        int width = fixture.AnswerStart;
        for (int row = 0; row < prompts.Length; row++)
        {
            int[] tokens = result.Tokens[row];
            CollectionAssert.AreEqual(expected[row][width..(width + tokens.Length)], tokens, $"{name}, row {row}");
            Assert.IsTrue(
                tokens.Length == expected[row].Length - width || options.EosTokenIds!.Contains(tokens[^1]),
                $"{name}, row {row} ended too early");
            Assert.AreEqual(options.EosTokenIds!.Contains(tokens[^1]), result.Finished[row]);
        }
    }
}
