using System.Text.Json;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Beam search and the processors against transformers, on whole generations: the same tokens, scores to 1e-4.</summary>
[TestClass]
public sealed class GenerationCaseTests
{
    private const double Tolerance = 1e-4;

    public static IEnumerable<object[]> Cases =>
        from name in new[] { "gpt2", "llama", "qwen2", "bloom", "opt", "t5" }
        from generation in new[]
        {
            "beam4", "beam4_eos_lp06", "beam3_eos_early", "beam4_eos_lp2_never", "rep13", "ngram2", "badwords", "suppress", "forced_eos",
            "two_eos",
        }
        where (name, generation) is not ("t5", "two_eos") // there is none
        select new object[] { name, generation };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Tokens_and_scores_are_those_of_transformers(string name, string generation)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var scope = NewDisposeScope();
        GenerationOptions options = Options(fixture.Info.GetProperty("gen_cases").GetProperty(generation));
        int[][] prompts = FixtureRows.Of(fixture["g.input_ids"], fixture["g.attention_mask"]);
        GenerationResult result = new TokenGenerator(model).Generate(prompts, options);
        int[][] expected = FixtureRows.Of(fixture["g." + generation]);
        int width = fixture.AnswerStart;
        IReadOnlyList<int> ends = options.EosTokenIds ?? model.Config.EosTokenIds;
        Assert.HasCount(expected.Length, result.Tokens);
        for (int row = 0; row < expected.Length; row++)
        {
            int[] tokens = result.Tokens[row];
            bool ended = ends.Contains(tokens[^1]);
            CollectionAssert.AreEqual(expected[row][width..(width + tokens.Length)], tokens, $"row {row}");
            Assert.IsTrue(tokens.Length == 12 || ended, $"row {row} ended too early");
            Assert.AreEqual(ended, result.Finished[row]);
        }
        if (options.NumBeams > 1)
            Close.Absolute(
                fixture[$"g.{generation}_scores"].data<float>().ToArray(), [.. result.Scores!], Tolerance, $"{name} {generation} scores");
        else
            Assert.IsNull(result.Scores);
    }

    private static GenerationOptions Options(JsonElement given)
    {
        GenerationOptions options = new() { DoSample = false, MaxNewTokens = 12 };
        foreach (JsonProperty field in given.EnumerateObject())
            options = field.Name switch
            {
                "num_beams" => options with { NumBeams = field.Value.GetInt32() },
                "num_return_sequences" => options with { NumReturnSequences = field.Value.GetInt32() },
                "length_penalty" => options with { LengthPenalty = field.Value.GetDouble() },
                "early_stopping" => options with { EarlyStopping = Enum.Parse<EarlyStopping>(field.Value.ToString(), ignoreCase: true) },
                "eos_token_id" => options with { EosTokenIds = Ids(field.Value) },
                "repetition_penalty" => options with { RepetitionPenalty = field.Value.GetDouble() },
                "no_repeat_ngram_size" => options with { NoRepeatNgramSize = field.Value.GetInt32() },
                "bad_words_ids" => options with { BadWordsIds = [.. field.Value.EnumerateArray().Select(word => Ids(word)!)] },
                "suppress_tokens" => options with { SuppressTokens = Ids(field.Value)! },
                "forced_eos_token_id" => options with { ForcedEosTokenId = field.Value.GetInt32() },
                _ => throw new InvalidDataException(field.Name),
            };
        return options;
    }

    private static int[]? Ids(JsonElement given) => given.ValueKind switch
    {
        JsonValueKind.Null => null, // that of the model, as there
        JsonValueKind.Array => [.. given.EnumerateArray().Select(id => id.GetInt32())],
        _ => [given.GetInt32()],
    };
}
