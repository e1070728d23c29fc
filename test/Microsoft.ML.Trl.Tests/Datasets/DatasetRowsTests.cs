using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>TRL's data_utils on rows: data_utils/functions.json, all of it, and rules of TRL's documentation.</summary>
[TestClass]
public sealed class DatasetRowsTests
{
    private static readonly JsonArray Functions =
        JsonNode.Parse(File.ReadAllText(Fixtures.Path("data_utils", "functions.json")))!.AsArray();

    [TestMethod]
    public void Every_function_of_the_fixture_is_compared()
    {
        string[] names = [.. Functions.Select(one => one!["fn"]!.GetValue<string>())];
        CollectionAssert.AreEquivalent(
            new[] { "extract_prompt", "unpair_preference_dataset", "maybe_convert_to_chatml", "is_conversational" }, names);
    }

    [TestMethod]
    public void Prompts_are_extracted_as_by_the_reference()
    {
        int compared = 0;
        foreach ((JsonObject input, JsonNode output) in Cases("extract_prompt"))
        {
            Same(output, DatasetRows.ExtractPrompt(input));
            Same(output, DatasetRows.MaybeExtractPrompt(input));
            compared++;
        }
        Assert.AreEqual(4, compared);
    }

    [TestMethod]
    public void Pairs_are_unpaired_as_by_the_reference()
    {
        JsonNode test = Function("unpair_preference_dataset");
        JsonObject[] rows = ByRows(test["inputs"]!.AsObject()), expected = ByRows(test["outputs"]!.AsObject());
        foreach (JsonObject[] actual in new[] { DatasetRows.Unpair(rows).ToArray(), DatasetRows.MaybeUnpair(rows).ToArray() })
        {
            Assert.HasCount(expected.Length, actual);
            foreach ((JsonObject one, JsonObject other) in expected.Zip(actual))
                Same(one, other);
        }
    }

    [TestMethod]
    public void From_and_value_become_role_and_content_as_by_the_reference()
    {
        int compared = 0;
        foreach ((JsonObject input, JsonNode output) in Cases("maybe_convert_to_chatml"))
        {
            Same(output, DatasetRows.MaybeConvertToChatml(input));
            compared++;
        }
        Assert.AreEqual(3, compared);
        Same(Row("""{"messages": [{"role": "human", "content": "a"}], "id": 1}"""), DatasetRows.MaybeConvertToChatml(
            Row("""{"conversations": [{"from": "human", "value": "a"}], "id": 1}""")));
    }

    [TestMethod]
    public void Conversations_are_told_from_texts_as_by_the_reference()
    {
        int compared = 0;
        foreach ((JsonObject input, JsonNode output) in Cases("is_conversational"))
        {
            Assert.AreEqual(output.GetValue<bool>(), DatasetRows.IsConversational(input), input.ToJsonString());
            compared++;
        }
        Assert.AreEqual(5, compared);
    }

    [TestMethod]
    [DataRow("""{"conversations": [{"from": "user", "value": "a"}]}""", true)]
    [DataRow("""{"conversations": [{"role": "user", "content": "a"}]}""", false)]
    [DataRow("""{"conversations": "a"}""", false)]
    [DataRow("""{"messages": [{"from": "user", "value": "a"}]}""", false)]
    public void From_and_value_are_told(string row, bool expected) =>
        Assert.AreEqual(expected, DatasetRows.IsConversationalFromValue(Row(row)));

    [TestMethod]
    [DataRow("""{"prompt": "a"}""", DisplayName = "no pair")]
    [DataRow("""{"prompt": "a", "chosen": "b", "rejected": "c"}""", DisplayName = "texts with a prompt")]
    [DataRow(
        """{"prompt": [{"role": "user"}], "chosen": [{"role": "assistant"}], "rejected": [{"role": "x"}]}""", DisplayName = "messages")]
    public void Rows_that_need_no_extraction_stay_as_they_are(string json)
    {
        JsonObject row = Row(json);
        Same(row, DatasetRows.MaybeExtractPrompt(row));
    }

    /// <summary>TRL: some data sets repeat the prompt as a text beside conversations that begin with it.</summary>
    [TestMethod]
    public void A_prompt_of_another_kind_than_the_pair_is_extracted_anew() => Same(
        Row("""{"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "a"}], "rejected": [{"role": "b"}]}"""),
        DatasetRows.MaybeExtractPrompt(Row("""
            {"prompt": "q", "chosen": [{"role": "user", "content": "q"}, {"role": "a"}],
             "rejected": [{"role": "user", "content": "q"}, {"role": "b"}]}
            """)));

    [TestMethod]
    public void Of_a_thousand_rows_the_chosen_ones_come_first_and_other_columns_stay()
    {
        JsonObject[] rows = [.. Enumerable.Range(0, 1001).Select(i =>
            new JsonObject { ["chosen"] = $"c{i}", ["rejected"] = $"r{i}", ["id"] = i })];
        JsonObject[] unpaired = [.. DatasetRows.Unpair(rows)];
        Assert.HasCount(2002, unpaired);
        Same(Row("""{"completion": "c999", "label": true, "id": 999}"""), unpaired[999]);
        Same(Row("""{"completion": "r0", "label": false, "id": 0}"""), unpaired[1000]);
        Same(Row("""{"completion": "c1000", "label": true, "id": 1000}"""), unpaired[2000]);
        Assert.HasCount(3, rows[0], "the rows that are given stay as they are");
    }

    [TestMethod]
    public void Rows_without_pairs_are_not_unpaired()
    {
        JsonObject row = Row("""{"prompt": "p", "completion": "c", "label": true}""");
        Same(row, DatasetRows.MaybeUnpair([row]).Single());
    }

    private static IEnumerable<(JsonObject, JsonNode)> Cases(string function)
    {
        JsonNode test = Function(function);
        return test["inputs"]!.AsArray().Zip(test["outputs"]!.AsArray(), (input, output) => (input!.AsObject(), output!));
    }

    private static JsonNode Function(string name) => Functions.Single(one => one!["fn"]!.GetValue<string>() == name)!;

    private static JsonObject[] ByRows(JsonObject columns) =>
    [
        .. Enumerable.Range(0, columns.First().Value!.AsArray().Count).Select(i =>
            new JsonObject(columns.Select(column => KeyValuePair.Create(column.Key, column.Value!.AsArray()[i]?.DeepClone())))),
    ];

    private static JsonObject Row(string json) => JsonNode.Parse(json)!.AsObject();

    private static void Same(JsonNode expected, JsonNode actual) => Assert.IsTrue(
        JsonNode.DeepEquals(expected, actual), $"expected {expected.ToJsonString()}, got {actual.ToJsonString()}");
}
