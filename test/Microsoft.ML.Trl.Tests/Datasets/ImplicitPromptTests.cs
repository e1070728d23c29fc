using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Prompts that are what both answers of a pair begin with.</summary>
[TestClass]
public sealed class ImplicitPromptTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void They_are_the_references()
    {
        using JsonDocument functions = Fixtures.Json("data_utils", "functions.json");
        JsonElement golden = functions.RootElement.EnumerateArray().Single(one => one.GetProperty("fn").GetString() == "extract_prompt");
        int compared = 0;
        foreach ((JsonElement input, JsonElement output) in
            golden.GetProperty("inputs").EnumerateArray().Zip(golden.GetProperty("outputs").EnumerateArray()))
        {
            if (input.GetProperty("chosen").ValueKind != JsonValueKind.String)
                continue; // conversations
            Assert.AreEqual(
                (Of(output, "prompt"), Of(output, "chosen"), Of(output, "rejected")),
                ImplicitPrompt.Extract(Of(input, "chosen"), Of(input, "rejected")));
            compared++;
        }
        Assert.AreEqual(3, compared);

        static string Of(JsonElement row, string name) => row.GetProperty(name).GetString()!;
    }

    /// <summary>Worked by hand in the reference's loop, which goes by characters of Unicode.</summary>
    [TestMethod]
    [DataRow("ab", "abc", "a", DisplayName = "one begins the other")]
    [DataRow("ab ", "ab c", "ab", DisplayName = "one begins the other, with a space at its end")]
    [DataRow("ab", "ab", "a", DisplayName = "the same")]
    [DataRow("", "abc", "", DisplayName = "an empty one")]
    [DataRow("a  b", "a  c", "a ", DisplayName = "one of two spaces")]
    [DataRow("a\U0001F600", "a\U0001F601", "a", DisplayName = "characters of four bytes that begin alike")]
    [DataRow("a\U0001F600", "a\U0001F600b", "a", DisplayName = "the last one shared has four bytes")]
    [DataRow("a\U0001F600b", "a\U0001F600c", "a\U0001F600", DisplayName = "a shared one of four bytes")]
    public void They_end_where_the_answers_differ(string chosen, string rejected, string prompt) => Assert.AreEqual(
        (prompt, chosen[prompt.Length..], rejected[prompt.Length..]), ImplicitPrompt.Extract(chosen, rejected));

    [TestMethod]
    public void Pairs_without_a_column_of_prompts_train_as_those_with_one()
    {
        var options = new DpoOptions { MaxSteps = 2, LearningRate = 1e-2, LoggingSteps = 1 };
        Row[] rows =
        [
            new() { Prompt = "the film", Chosen = " was good", Rejected = " is bad" },
            new() { Prompt = "a story", Chosen = " good", Rejected = " warm" },
            new() { Prompt = "", Chosen = "the plot was thin", Rejected = "a bad plot" },
        ];
        IDataView apart = _ml.Data.LoadFromEnumerable(rows), whole = _ml.Data.LoadFromEnumerable(
            rows.Select(row => new { Chosen = row.Prompt + row.Chosen, Rejected = row.Prompt + row.Rejected }));
        Func<IDataView, TextGenerationTransformer>[] fits =
        [
            data => _ml.Trl().Dpo(Tiny.Source(), options).Fit(data),
            data => _ml.Trl().Orpo(Tiny.Source(), new OrpoOptions { MaxSteps = 2, LearningRate = 1e-2, LoggingSteps = 1 }).Fit(data),
            data => _ml.Trl().Kto(Tiny.Source(), new KtoOptions { MaxSteps = 2, LearningRate = 1e-2, LoggingSteps = 1 }).Fit(data),
        ];
        foreach (Func<IDataView, TextGenerationTransformer> fit in fits)
        {
            using TextGenerationTransformer expected = fit(apart), found = fit(whole);
            Assert.AreEqual(expected.Reports[^1]["loss"], found.Reports[^1]["loss"]);
            Assert.AreEqual(1, found.Reports[0]["data/no_prompt"]);
            Assert.AreEqual(expected.Reports[^1]["num_tokens"], found.Reports[^1]["num_tokens"]);
        }
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        public string Chosen { get; set; } = "";

        public string Rejected { get; set; } = "";
    }
}
