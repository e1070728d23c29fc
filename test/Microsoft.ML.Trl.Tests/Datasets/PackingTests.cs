using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

[TestClass]
public sealed class PackingTests
{
    [TestMethod]
    public void Every_strategy_packs_as_the_reference_does()
    {
        using JsonDocument json = Fixtures.Json("data_utils", "packing.json");
        int[][] ids = json.RootElement.GetProperty(
            "input_ids").Deserialize<int[][]>()!, masks = json.RootElement.GetProperty("completion_mask").Deserialize<int[][]>()!;
        TokenExample[] examples = [.. ids.Zip(masks, (row, mask) => new TokenExample(row) { Learned = [.. mask.Select(bit => bit == 1)] })];
        int cases = 0;
        foreach (JsonElement expected in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            string strategy = expected.GetProperty("strategy").GetString()!;
            var options = new SftOptions
            {
                Packing = true,
                PackingStrategy = Enum.Parse<PackingStrategy>(strategy.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
                MaxLength = expected.GetProperty("seq_length").GetInt32(),
            };
            IReadOnlyList<TokenExample[]> rows = SftRows.Prepare(examples, options);
            JsonElement result = expected.GetProperty("result");
            string what = $"{strategy} {options.MaxLength}";
            Same(result.GetProperty("input_ids"), rows.Select(row => row.SelectMany(example => example.Ids)), what);
            Same(result.GetProperty("completion_mask"), rows.Select(
                row => row.SelectMany(example => Enumerable.Range(0, example.Ids.Length).Select(at => example.Learns(at) ? 1 : 0))), what);
            if (result.TryGetProperty("seq_lengths", out JsonElement lengths))
                Same(lengths, rows.Select(row => row.Select(example => example.Ids.Length)), what);
            cases++;
        }
        Assert.IsGreaterThan(3, cases);
    }

    private static void Same(JsonElement expected, IEnumerable<IEnumerable<int>> actual, string what) =>
        Assert.AreEqual(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual), what);
}
