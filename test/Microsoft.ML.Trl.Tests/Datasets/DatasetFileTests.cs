using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Datasets.Files;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Files of every kind as views.</summary>
[TestClass]
public sealed class DatasetFileTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly Files _files = new();

    public void Dispose() => _files.Dispose();

    [TestMethod]
    [DataRow(
        "a.jsonl",
        "{\"prompt\": \"p\\n\\\"é\\\"\", \"score\": 1.5, \"ok\": true}\n\n{\"prompt\": \"\", \"score\": null, \"ok\": false}\n")]
    [DataRow("a.jsonl.gz", "{\"prompt\": \"p\\n\\\"é\\\"\", \"score\": 1.5, \"ok\": true}\r\n{\"prompt\": \"\", \"ok\": false}")]
    [DataRow("a.json", "\uFEFF[ {\"prompt\": \"p\\n\\\"é\\\"\", \"score\": 1.5, \"ok\": true},\n {\"prompt\": \"\", \"ok\": false} ]\n")]
    [DataRow("b.json", "{\"prompt\": \"p\\n\\\"é\\\"\", \"score\": 1.5, \"ok\": true}\n{\"prompt\": \"\", \"ok\": false}")]
    [DataRow("a.csv", "prompt,score,ok\n\"p\n\"\"é\"\"\",1.5,true\n,,False\n")]
    [DataRow("a.csv.gz", "prompt,score,ok\r\n\"p\n\"\"é\"\"\",1.5,true\r\n,,False")]
    public void Every_kind_of_file_gives_the_same_rows(string name, string content)
    {
        IDataView view = _ml.Data.LoadDataset(_files.Write(name, content));
        Assert.AreEqual("Prompt String, score Double, ok Boolean", SchemaOf(view));
        CollectionAssert.AreEqual(new[] { "p\n\"é\"", "" }, Texts(view, "Prompt"));
        CollectionAssert.AreEqual(new[] { 1.5, double.NaN }, view.GetColumn<double>("score").ToArray());
        CollectionAssert.AreEqual(new[] { true, false }, view.GetColumn<bool>("ok").ToArray());
        Assert.AreEqual(2, ReadAll(view), "a second reading");
    }

    [TestMethod]
    public void A_quote_in_a_cell_without_quotes_is_a_character()
    {
        CollectionAssert.AreEqual(new[] { "a 6\" pipe", "say \"hi\"" }, Texts(
            _ml.Data.LoadDataset(_files.Write("a.csv", "text,n\na 6\" pipe,1\nsay \"hi\",2\n")), "Text"));
        string path = _files.Write("a.tsv", "text\tn\n\"never closed\t1\n\"both\"\t2\n");
        CollectionAssert.AreEqual(new[] { "\"never closed", "\"both\"" }, Texts(_ml.Data.LoadDataset(path), "Text"));
        string semicolons = _files.Write("b.tsv", "text;n\n\"a;b\";1\n");
        var options = new DatasetOptions { Separator = ';', AllowQuoting = true };
        CollectionAssert.AreEqual(new[] { "a;b" }, Texts(_ml.Data.LoadDataset(semicolons, options), "Text"));
    }

    [TestMethod]
    public void Texts_stay_texts_whatever_they_look_like()
    {
        IDataView view = _ml.Data.LoadDataset(_files.Write("a.csv", "prompt,completion,code\n2,4,007\n3,true,x\n"));
        Assert.AreEqual("Prompt String, Completion String, code String", SchemaOf(view));
        CollectionAssert.AreEqual(new[] { "4", "true" }, Texts(view, "Completion"));
        CollectionAssert.AreEqual(new[] { "007", "x" }, Texts(view, "code"));
    }

    [TestMethod]
    public void Lines_of_a_text_are_rows() => CollectionAssert.AreEqual(
        new[] { "one", "", "three" }, Texts(_ml.Data.LoadDataset(_files.Write("a.txt", "one\n\nthree\n")), "Text"));

    [TestMethod]
    public void Nested_values_are_JSON_and_lists_of_numbers_are_vectors()
    {
        IDataView view = _ml.Data.LoadDataset(_files.Write("a.jsonl", """
            {"messages": [{"role": "user", "content": "Où?"}], "x": [1, 2.5], "flags": [], "tools": [{"name": "f"}], "mixed": [1, "a"]}
            {"messages": [{"role": "user", "content": "b"}], "x": [], "flags": [true], "mixed": [2]}
            """));
        Assert.AreEqual("Messages String, x Vector<Single>, flags Vector<Boolean>, Tools String, mixed String", SchemaOf(view));
        CollectionAssert.AreEqual(new[] { "[{\"name\":\"f\"}]", "" }, Texts(view, "Tools"));
        Assert.AreEqual("[{\"role\":\"user\",\"content\":\"Où?\"}]", Texts(view, "Messages")[0]);
        CollectionAssert.AreEqual(new[] { "[1,\"a\"]", "[2]" }, Texts(view, "mixed"));
        float[][] vectors = [.. view.GetColumn<VBuffer<float>>("x").Select(vector => vector.DenseValues().ToArray())];
        CollectionAssert.AreEqual(new[] { 1, 2.5f }, vectors[0]);
        Assert.IsEmpty(vectors[1]);
    }

    /// <summary>The file was written by Apache Arrow's C++ library (ParquetSharp 25), from these values.</summary>
    [TestMethod]
    public void Parquet_of_another_writer_is_read_with_its_lists_and_structs()
    {
        IDataView view = _ml.Data.LoadDataset(Fixtures.Path("datasets", "conversations.parquet"));
        Assert.AreEqual("Messages String, score Double, ok Boolean, id Double, note String, marks Vector<Boolean>", SchemaOf(view));
        JsonNode expected = JsonNode.Parse(
            """[{"role": "user", "content": "Who wrote \"Emma\"?"}, {"role": "assistant", "content": "Jane Austen."}]""")!;
        Assert.IsTrue(JsonNode.DeepEquals(expected, JsonNode.Parse(Texts(view, "Messages")[0])));
        StringAssert.Contains(Texts(view, "Messages")[1], "Où est la gare ?");
        CollectionAssert.AreEqual(new[] { 0.5, double.NaN, 2.25 }, view.GetColumn<double>("score").ToArray());
        CollectionAssert.AreEqual(new[] { true, false, true }, view.GetColumn<bool>("ok").ToArray());
        CollectionAssert.AreEqual(new[] { 7, 8, double.NaN }, view.GetColumn<double>("id").ToArray());
        CollectionAssert.AreEqual(new[] { "a\nb", "c", "" }, Texts(view, "note"));
        bool[][] marks = [.. view.GetColumn<VBuffer<bool>>("marks").Select(vector => vector.DenseValues().ToArray())];
        CollectionAssert.AreEqual(new[] { true, false }, marks[0]);
    }

    [TestMethod]
    public void Parquet_is_read_one_row_group_after_another()
    {
        IDataView view = _ml.Data.LoadDataset(Fixtures.Path("datasets", "two_groups.parquet"));
        CollectionAssert.AreEqual(new[] { "p0", "p1", "p2", "p3", "p4" }, Texts(view, "Prompt"));
        CollectionAssert.AreEqual(new[] { "c0", "c1", "c2", "c3", "c4" }, Texts(view, "Completion"));
    }

    [TestMethod]
    public void Folders_patterns_and_splits_name_files_in_order()
    {
        string[] names = ["b/train-01.jsonl", "b/train-00.jsonl", "b/test.jsonl", "b/deep/train.csv", "b/readme.md", "b/dev/x.jsonl"];
        foreach (string name in names)
            _files.Write(name, name.EndsWith(".csv", StringComparison.Ordinal) ? $"text\n{name}\n" : $"{{\"text\": \"{name}\"}}");
        string folder = Path.Combine(_files.Folder, "b");
        Reads("b/deep/train.csv b/dev/x.jsonl b/test.jsonl b/train-00.jsonl b/train-01.jsonl", folder);
        Reads("b/train-00.jsonl b/train-01.jsonl", Path.Combine(folder, "train-*.jsonl"));
        Reads("b/dev/x.jsonl b/test.jsonl b/train-00.jsonl b/train-01.jsonl", Path.Combine(folder, "**", "*.jsonl"));
        Reads("b/deep/train.csv b/train-00.jsonl b/train-01.jsonl", folder, "train");
        Reads("b/test.jsonl", folder, "eval");
        Reads("b/dev/x.jsonl", folder, "validation");
        CollectionAssert.AreEqual(new[] { "b/test.jsonl", "b/train-00.jsonl" }, Texts(
            _ml.Data.LoadDataset([Path.Combine(folder, "test.jsonl"), Path.Combine(folder, "train-00.jsonl")]), "Text"));

        void Reads(string expected, string path, string? split = null) => CollectionAssert.AreEqual(
            expected.Split(' '), Texts(_ml.Data.LoadDataset(path, new DatasetOptions { Split = split }), "Text"), path);
    }

    [TestMethod]
    public void Columns_are_renamed_and_selected()
    {
        string path = _files.Write("a.jsonl", """{"question": "q", "answer": "a", "id": 3}""");
        var options = new DatasetOptions
        {
            Rename = new Dictionary<string, string> { ["question"] = "prompt", ["answer"] = "completion" },
            Columns = ["prompt", "Completion"],
        };
        IDataView view = _ml.Data.LoadDataset(path, options);
        Assert.AreEqual("Prompt String, Completion String", SchemaOf(view));
        Assert.AreEqual(("q", "a"), (Texts(view, "Prompt")[0], Texts(view, "Completion")[0]));
    }

    [TestMethod]
    public void A_function_of_rows_is_applied_while_they_are_read()
    {
        string path = _files.Write("a.jsonl", "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}\n");
        IDataView view = _ml.Data.LoadDataset(path, convert: DatasetRows.Unpair);
        Assert.AreEqual(new DatasetShape(DatasetType.UnpairedPreference, false), DatasetShape.Of(view));
        CollectionAssert.AreEqual(new[] { "c", "r" }, Texts(view, "Completion"));
        CollectionAssert.AreEqual(new[] { true, false }, view.GetColumn<bool>("Label").ToArray());
        IDataView numbers = _ml.Data.LoadDataset(path, convert: rows => rows.Select(_ => new JsonObject { ["n"] = 3, ["big"] = 4L }));
        Assert.AreEqual(3, numbers.GetColumn<double>("n").Single());
        Assert.AreEqual(4, numbers.GetColumn<double>("big").Single());
    }

    [TestMethod]
    public void Only_what_is_asked_for_is_read_and_no_more_rows_than_that()
    {
        string path = _files.Write("a.jsonl", string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\"text\": \"{i}\"}}\n")));
        int read = 0;
        IDataView view = _ml.Data.LoadDataset(
            path, new DatasetOptions { SchemaRows = 10 }, rows => rows.Select(row => { read++; return row; }));
        Assert.AreEqual(10, read);
        string[] first = [.. view.GetColumn<string>("Text").Take(3)];
        CollectionAssert.AreEqual(new[] { "0", "1", "2" }, first);
        Assert.IsLessThan(20, read);
        Assert.AreEqual(5000, ReadAll(view));
    }

    [TestMethod]
    public void It_works_with_what_MLNET_does_with_views()
    {
        string path = _files.Write("a.jsonl", string.Concat(Enumerable.Range(0, 100).Select(i => $"{{\"text\": \"{i}\", \"n\": {i}}}\n")));
        IDataView view = _ml.Data.LoadDataset(path);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(view, testFraction: 0.2, seed: 1);
        string[] all = [.. Texts(split.TrainSet, "Text"), .. Texts(split.TestSet, "Text")];
        CollectionAssert.AreEquivalent(Texts(view, "Text"), all);
        Assert.HasCount(100, Texts(_ml.Data.Cache(view), "Text"));
        Assert.HasCount(10, Texts(_ml.Data.FilterRowsByColumn(view, "n", 20, 30), "Text"));
        CollectionAssert.AreEquivalent(Texts(view, "Text"), Texts(_ml.Data.ShuffleRows(view, seed: 1), "Text"));
        Assert.AreEqual("7", _ml.Data.CreateEnumerable<Line>(view, reuseRowObject: false).ElementAt(7).Text);
        Assert.AreEqual("3", view.Preview(5).RowView[3].Values[0].Value.ToString());
    }

    [TestMethod]
    public void A_row_longer_than_any_buffer_is_read()
    {
        string longText = new('é', 300_000);
        string path = _files.Write("a.json", $"[{{\"text\": \"{longText}\"}}, {{\"text\": \"b\"}}]");
        CollectionAssert.AreEqual(new[] { longText, "b" }, Texts(_ml.Data.LoadDataset(path), "Text"));
    }

    private sealed class Line
    {
        public string Text { get; set; } = "";
    }
}
