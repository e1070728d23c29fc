using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Filters against transformers' logits processors: equal scores to 1e-5, the same tokens forbidden.</summary>
[TestClass]
public sealed class LogitsFilterTests
{
    private const int Rows = 3;
    private const int Vocabulary = 30;
    private const double Tolerance = 1e-5;

    [TestMethod]
    public void Every_filter_bends_scores_as_transformers_does()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("generation", "processors.safetensors"));
        using JsonDocument cases = Fixtures.Json("generation", "processors.json");
        int[] tested = new int[2];
        foreach (JsonElement description in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = description.GetProperty("name").GetString()!;
            bool isOurs = FilterOf(description) is not null;
            tested[isOurs ? 1 : 0]++;
            if (isOurs)
                Check(file, name, [FilterOf(description)!]);
        }
        Assert.AreEqual(17, tested[1], "filters of this library among the cases");
    }

    /// <summary>A sampler tells the log-probability of one token per draw only, so it draws until every likely one has come.</summary>
    [TestMethod]
    [DataRow("top_k_1", 1, 1.0, 0.0)]
    [DataRow("top_k_5", 5, 1.0, 0.0)]
    [DataRow("top_k_100", 100, 1.0, 0.0)]
    [DataRow("top_p_0.1", 0, 0.1, 0.0)]
    [DataRow("top_p_0.5", 0, 0.5, 0.0)]
    [DataRow("top_p_0.9", 0, 0.9, 0.0)]
    [DataRow("top_p_0.99", 0, 0.99, 0.0)]
    [DataRow("min_p_0.05", 0, 1.0, 0.05)]
    [DataRow("min_p_0.3", 0, 1.0, 0.3)]
    public void Tokens_are_drawn_with_the_log_probabilities_of_transformers(string name, int topK, double topP, double minP)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("generation", "processors.safetensors"));
        float[][] scores = [.. file.Read("scores").data<float>().ToArray().Chunk(Vocabulary)];
        float[][] expected = [.. file.Read(name + ".logprobs").data<float>().ToArray().Chunk(Vocabulary)];
        int[][] contexts = Contexts(file);
        var sampler = new TokenSampler(new GenerationOptions { TopK = topK, TopP = topP, MinP = minP }, []);
        for (int row = 0; row < Rows; row++)
        {
            float[] drawn = [.. Enumerable.Repeat(float.NegativeInfinity, Vocabulary)];
            for (int seed = 0; seed < 4000; seed++)
            {
                (int token, _, float logProb) = sampler.Choose([.. scores[row]], contexts[row], 0, new RowRandom(seed, row));
                drawn[token] = logProb;
            }
            int[] compared = [.. Enumerable.Range(0, Vocabulary).Where(token => expected[row][token] > -6 || float.IsFinite(drawn[token]))];
            float[] Of(float[] all) => [.. compared.Select(token => all[token])];
            Close.Absolute(Of(expected[row]), Of(drawn), Tolerance, $"processors {name}.logprobs");
        }
    }

    [TestMethod]
    public void Filters_act_in_the_order_of_transformers()
    {
        GenerationOptions options = new() { RepetitionPenalty = 1.2, MinNewTokens = 3, Temperature = 0.8, TopK = 10, TopP = 0.85, MinP = 0.1 };
        CollectionAssert.AreEqual(
            new[] { typeof(RepetitionFilter), typeof(MinNewTokensFilter), typeof(TemperatureFilter), typeof(TopKFilter), typeof(TopPFilter), typeof(MinPFilter) },
            LogitsFilters.Of(options, [2]).Select(filter => filter.GetType()).ToArray());
    }

    [TestMethod]
    [DataRow(0.01)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    [DataRow(0.999)]
    public void Top_p_keeps_what_sorting_would(double probability)
    {
        Random chance = new(3);
        float[] scores = [.. Enumerable.Range(0, 2000).Select(_ => (float)(chance.Next(40) / 4.0 * chance.NextDouble()))];
        double sum = scores.Sum(score => Math.Exp(score));
        double before = 0;
        int kept = 0;
        foreach (float score in scores.OrderDescending())
        {
            if (before >= probability * sum)
                break;
            before += Math.Exp(score);
            kept++;
        }
        float least = scores.OrderDescending().ElementAt(kept - 1);
        float[] filtered = [.. scores];
        new TopPFilter((float)probability).Apply([], 0, filtered);
        Assert.AreEqual(kept, filtered.Count(float.IsFinite), 1);
        Assert.IsTrue(filtered.Where(float.IsFinite).All(score => score >= least - 1e-6));
    }

    private static ILogitsFilter? FilterOf(JsonElement description)
    {
        string[] keys = [.. description.EnumerateObject().Select(field => field.Name).Where(key => key != "name")];
        double Number(string key) => description.GetProperty(key).GetDouble();
        return string.Join(' ', keys) switch
        {
            "temperature" => new TemperatureFilter((float)Number("temperature")),
            "top_k" => new TopKFilter((int)Number("top_k")),
            "top_p" => new TopPFilter((float)Number("top_p")),
            "min_p" => new MinPFilter(Number("min_p")),
            "repetition_penalty" => new RepetitionFilter((float)Number("repetition_penalty")),
            "prompt_length_to_skip min_new_tokens eos_token_id" => new MinNewTokensFilter(
                (int)(Number("prompt_length_to_skip") + Number("min_new_tokens")), // the whole fixture row counts as new here
                [.. description.GetProperty("eos_token_id").EnumerateArray().Select(id => id.GetInt32())]),
            "min_length eos_token_id" => new MinNewTokensFilter((int)Number("min_length"), [description.GetProperty("eos_token_id").GetInt32()]),
            _ => null,
        };
    }

    private static void Check(SafetensorsFile file, string name, ILogitsFilter[] filters)
    {
        using var scope = NewDisposeScope();
        float[] scores = file.Read("scores").data<float>().ToArray();
        int[][] contexts = Contexts(file);
        for (int row = 0; row < Rows; row++)
            foreach (ILogitsFilter filter in filters)
                filter.Apply(contexts[row], contexts[row].Length, scores.AsSpan(row * Vocabulary, Vocabulary));
        Close.Absolute(file.Read(name).data<float>().ToArray(), scores, Tolerance, $"processors {name}"); // a forbidden token has -infinity on both sides
    }

    private static int[][] Contexts(SafetensorsFile file)
    {
        using var scope = NewDisposeScope();
        long[] ids = file.Read("input_ids").data<long>().ToArray();
        return [.. ids.Select(id => (int)id).Chunk(ids.Length / Rows)];
    }
}
