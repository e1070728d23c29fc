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

    public TestContext TestContext { get; set; } = null!;

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

    private void Check(SafetensorsFile file, string name, ILogitsFilter[] filters)
    {
        using var scope = NewDisposeScope();
        float[] scores = file.Read("scores").data<float>().ToArray();
        long[] ids = file.Read("input_ids").data<long>().ToArray();
        float[] expected = file.Read(name).data<float>().ToArray();
        int width = ids.Length / Rows;
        double largest = 0;
        for (int row = 0; row < Rows; row++)
        {
            int[] context = [.. ids.Skip(row * width).Take(width).Select(id => (int)id)];
            Span<float> line = scores.AsSpan(row * Vocabulary, Vocabulary);
            foreach (ILogitsFilter filter in filters)
                filter.Apply(context, width, line);
            for (int i = 0; i < Vocabulary; i++)
            {
                float wanted = expected[(row * Vocabulary) + i];
                Assert.AreEqual(float.IsNegativeInfinity(wanted), float.IsNegativeInfinity(line[i]), $"{name}: row {row}, token {i} forbidden");
                if (float.IsFinite(wanted))
                    largest = Math.Max(largest, Math.Abs(wanted - line[i]));
            }
        }
        TestContext.WriteLine($"{name}: {largest:E2}");
        Assert.IsLessThan(1e-5, largest, name);
    }
}
