using System.Text.Json;
using static Microsoft.ML.Trl.Tests.Datasets.Files;

namespace Microsoft.ML.Trl.Tests.Datasets;

[TestClass]
public sealed class DatasetMixtureTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly Files _files = new();

    public void Dispose() => _files.Dispose();

    [TestMethod]
    public void Without_shares_all_rows_stand_one_behind_the_other()
    {
        IDataView mixed = _ml.Data.LoadDatasetMixture([Part("a", 2), Part("b", 1), Part("c", 2)]);
        CollectionAssert.AreEqual(new[] { "a0", "a1", "b0", "c0", "c1" }, Texts(mixed, "Text"));
        Assert.AreEqual(5, ReadAll(mixed));
    }

    /// <summary>
    /// By hand with the rule of TRL's get_dataset: weights sum to one, total = min(rows / weight), the first round(weight * total) rows.
    /// 10 and 4 rows at 0.7 : 0.3: total = min(14.29, 13.33) = 13.33, so 9 (of 9.33) and 4. 3 : 1: min(13.33, 16) = 13.33, 10 and 3.
    /// A weight of 0 gives no row. 1 : 1 : 2 of 10, 4, 2: total = 4, so 1, 1, 2. 0.5 rounds to the even number: 1 : 1 : 6 of 10, 4, 3 = 4,
    /// so 0, 0, 3.
    /// </summary>
    [TestMethod]
    [DataRow(new[] { 10, 4 }, new[] { 0.7, 0.3 }, new[] { 9, 4 })]
    [DataRow(new[] { 10, 4 }, new[] { 3.0, 1.0 }, new[] { 10, 3 })]
    [DataRow(new[] { 10, 4 }, new[] { 0.0, 0.3 }, new[] { 0, 4 })]
    [DataRow(new[] { 10, 4, 2 }, new[] { 1.0, 1.0, 2.0 }, new[] { 1, 1, 2 })]
    [DataRow(new[] { 10, 4, 3 }, new[] { 1.0, 1.0, 6.0 }, new[] { 0, 0, 3 })]
    public void Shares_take_the_first_rows_that_TRL_takes(int[] rows, double[] shares, int[] expected)
    {
        string[] names = ["a", "b", "c"];
        DatasetPart[] parts = [.. rows.Select((count, i) => Part(names[i], count) with { Fraction = shares[i] })];
        string[] wanted = [.. expected.SelectMany((count, i) => Enumerable.Range(0, count).Select(row => names[i] + row))];
        CollectionAssert.AreEqual(wanted, Texts(_ml.Data.LoadDatasetMixture(parts), "Text"));
    }

    [TestMethod]
    public void A_seed_takes_as_many_rows_at_random_and_the_same_each_time()
    {
        DatasetPart[] parts = [Part("a", 1000) with { Fraction = 1 }, Part("b", 100) with { Fraction = 1 }];
        IDataView view = _ml.Data.LoadDatasetMixture(parts, seed: 3);
        string[] rows = Texts(view, "Text");
        Assert.HasCount(200, rows);
        int[] taken = [.. rows.Take(100).Select(row => int.Parse(row[1..], System.Globalization.CultureInfo.InvariantCulture))];
        CollectionAssert.AreEqual(taken.Order().Distinct().ToArray(), taken, "in their order, none twice");
        Assert.IsGreaterThan(800, taken.Max());
        CollectionAssert.AreEqual(Enumerable.Range(0, 100).Select(i => $"b{i}").ToArray(), rows[100..]);
        CollectionAssert.AreEqual(rows, Texts(view, "Text"));
        CollectionAssert.AreEqual(rows, Texts(_ml.Data.LoadDatasetMixture(parts, seed: 3), "Text"));
        CollectionAssert.AreNotEqual(rows, Texts(_ml.Data.LoadDatasetMixture(parts, seed: 4), "Text"));
    }

    [TestMethod]
    public void Columns_and_splits_are_selected_for_each_part()
    {
        _files.Write("p/train.jsonl", """{"prompt": "p", "completion": "c", "id": 1}""");
        _files.Write("p/test.jsonl", """{"prompt": "no", "completion": "no", "id": 2}""");
        string other = _files.Write("q.csv", "completion,prompt,score\nd,q,1\n");
        IDataView mixed = _ml.Data.LoadDatasetMixture(
        [
            new() { Path = Path.Combine(_files.Folder, "p"), Options = new() { Split = "train", Columns = ["prompt", "completion"] } },
            new() { Path = other, Options = new() { Columns = ["prompt", "completion"] } },
        ]);
        CollectionAssert.AreEqual(new[] { "p", "q" }, Texts(mixed, "Prompt"));
        CollectionAssert.AreEqual(new[] { "c", "d" }, Texts(mixed, "Completion"));
    }

    [TestMethod]
    public void Parts_and_options_go_through_JSON_and_back()
    {
        var part = new DatasetPart
        {
            Path = "a/*.csv", Fraction = 0.25,
            Options = new()
            {
                Format = DatasetFormat.HhRlhf, AsConversations = true, Rename = new Dictionary<string, string> { ["a"] = "b" },
                Columns = ["b"], Split = "train", Separator = ';', AllowQuoting = false, SchemaRows = 7, StepSeparator = "|",
            },
        };
        string json = JsonSerializer.Serialize(part);
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<DatasetPart>(json)));
        StringAssert.Contains(json, "\"Rename\":{\"a\":\"b\"}");
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<DatasetOptions>("{\"Splits\": \"train\"}"));
    }

    [TestMethod]
    public void Parts_that_do_not_fit_together_are_refused()
    {
        string other = _files.Write("o.jsonl", """{"prompt": "p"}"""), number = _files.Write("n.jsonl", """{"text": 1}""");
        Fails("all parts of a mixture need the same", [Part("a", 1), new() { Path = other }]);
        Fails("'text' is Text in", [Part("a", 1), new() { Path = number }]);
        Fails("has no Fraction, and others have", [Part("a", 1) with { Fraction = 1 }, Part("b", 1)]);
        Fails("all 0", [Part("a", 1) with { Fraction = 0 }]);
        Fails("Fraction (-1)", [Part("a", 1) with { Fraction = -1 }]);
        Fails("Path is empty", [new() { Path = " " }]);
        Fails("parts is empty", []);

        void Fails(string what, DatasetPart[] parts) =>
            StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.Data.LoadDatasetMixture(parts)).Message, what);
    }

    private DatasetPart Part(string name, int rows) => new()
    {
        Path = _files.Write(name + ".jsonl", string.Concat(Enumerable.Range(0, rows).Select(i => $"{{\"text\": \"{name}{i}\"}}\n"))),
    };
}
