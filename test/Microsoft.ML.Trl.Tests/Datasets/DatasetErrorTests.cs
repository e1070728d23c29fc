using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>What is wrong with a file is said with its name and the line.</summary>
[TestClass]
public sealed class DatasetErrorTests : IDisposable
{
    private const string Good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";

    private readonly MLContext _ml = new(1);
    private readonly Files _files = new();

    public void Dispose() => _files.Dispose();

    [TestMethod]
    [DataRow("a.jsonl", Good + "{\"prompt\": ", "line 2", "no row", DisplayName = "half a line")]
    [DataRow("a.jsonl", Good + "[1]", "line 2", "one JSON object", DisplayName = "no object")]
    [DataRow("a.jsonl", Good + "{\"prompt\": \"a\", \"prompt\": \"b\"}", "line 2", "once each", DisplayName = "a key twice")]
    [DataRow("a.jsonl", Good + "{\"prompt\": \"\\ud800\", \"completion\": \"b\"}", "line 2", "surrogate", DisplayName = "half a character")]
    [DataRow("a.jsonl", Good + "{\"prompt\": 3, \"completion\": \"b\"}", "line 2", "'prompt' is Number here", DisplayName = "another type")]
    [DataRow("a.jsonl", Good + "{\"prompt\": null, \"completion\": \"b\"}", "line 2", "'prompt' has no value", DisplayName = "null")]
    [DataRow("a.jsonl", Good + "{\"prompt\": \"a\"}", "line 2", "'completion' has no value", DisplayName = "a column is missing")]
    [DataRow("a.jsonl", Good + "{\"ok\": true, \"prompt\": \"a\", \"completion\": \"b\"}", "line 1", "'ok' has no value",
        DisplayName = "no flag")]
    [DataRow("a.json", "[" + Good + "," + Good + "{}]", "line 3", "a comma", DisplayName = "no comma")]
    [DataRow("a.json", "[" + Good + ",\n" + Good, "line 4", "ends within an array", DisplayName = "no end of the array")]
    [DataRow("a.json", "[" + Good + ",\n{\"prompt\": 1", "line 3", "no row", DisplayName = "no end of the row")]
    [DataRow("a.json", "[" + Good + "] 1", "line 2", "something follows", DisplayName = "more behind the array")]
    [DataRow("a.json", "[1]", "line 1", "JSON object", DisplayName = "an array of numbers")]
    [DataRow("a.json", "{\"type\": \"float_only\", \"instances\": [{}]}", "line 1", "'float_only'", DisplayName = "LMFlow's floats")]
    [DataRow("a.json", "{\"type\": \"text_only\", \"instances\": [{\"a\": 1}]}", "line 1", "must have text", DisplayName = "no text")]
    [DataRow("a.json", "{\"instances\": [{\"text\": \"a\"}], \"type\": 1}", "line 1", "\"type\" must stand before",
        DisplayName = "late type")]
    [DataRow("a.json", "{\"instances\": [{\"text\": \"a\"}]", "line 1", "has no end", DisplayName = "LMFlow's object has no end")]
    [DataRow("a.json", "{\"type\": \"conversation\", \"instances\": [{\"messages\": []}]}", "line 1", "no answer",
        DisplayName = "no answer")]
    [DataRow("a.json", "{\"type\": \"conversation\", \"instances\": [{\"messages\": [1]}]}", "line 1", "no object with", DisplayName = "1")]
    [DataRow("a.csv", "a,b\n1,2\n3\n", "line 3", "1 cells, and the header 2", DisplayName = "a cell is missing")]
    [DataRow("a.csv", "a,b\n1,\"2\n3,4\n", "line 2", "no end", DisplayName = "a quote has no end")]
    [DataRow("a.csv", "a,a\n1,2\n", "line 1", "called 'a'", DisplayName = "a name twice")]
    [DataRow("a.parquet", "no parquet", "a.parquet", "cannot be read on", DisplayName = "no Parquet")]
    [DataRow("a.jsonl", "{\"conversations\": [{\"from\": \"who\", \"value\": \"a\"}]}", "line 1", "from 'who'", DisplayName = "a role")]
    [DataRow("a.jsonl", "{\"prompt\": \"a\", \"completions\": [\"a\"], \"labels\": [true, false]}", "line 1", "1 steps",
        DisplayName = "labels")]
    [DataRow("a.jsonl", "{\"prompt\": \"a\", \"completions\": [\"a\\n\"], \"labels\": [true]}", "line 1", "ends a step",
        DisplayName = "a step")]
    public void A_bad_row_is_named_with_file_and_line(string name, string content, string where, string what)
    {
        string path = _files.Write(name, content);
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(
            () => Files.ReadAll(_ml.Data.LoadDataset(path, new DatasetOptions { SchemaRows = 2 })));
        StringAssert.StartsWith(error.Message, path);
        StringAssert.Contains(error.Message, where);
        StringAssert.Contains(error.Message, what);
    }

    [TestMethod]
    [DataRow("{\"prompt\": 1, \"completion\": \"b\"}", "'prompt' is Number here, and Text in the first rows")]
    [DataRow("{\"prompt\": \"a\", \"completion\": \"b\", \"new\": 1}", "'new' is in none of the first rows")]
    public void Rows_behind_those_that_tell_the_schema_are_held_to_it(string bad, string what)
    {
        IDataView view = _ml.Data.LoadDataset(_files.Write("a.jsonl", Good + Good + bad), new DatasetOptions { SchemaRows = 2 });
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => Files.ReadAll(view));
        StringAssert.Contains(error.Message, "a.jsonl, line 3: ");
        StringAssert.Contains(error.Message, what);
    }

    [TestMethod]
    [DataRow("n\n1\n2\nx\n", "'n' holds numbers in the first rows, and 'x' here")]
    [DataRow("n\ntrue\nfalse\n1\n", "'n' holds true and false in the first rows, and '1' here")]
    public void Cells_behind_those_that_tell_the_type_are_held_to_it(string content, string what)
    {
        IDataView view = _ml.Data.LoadDataset(_files.Write("a.csv", content), new DatasetOptions { SchemaRows = 2 });
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => Files.ReadAll(view));
        StringAssert.Contains(error.Message, "a.csv, line 4: " + "the column " + what);
    }

    [TestMethod]
    public void Damaged_bytes_are_told_with_the_row_before_them()
    {
        string path = _files.Write("a.jsonl", Good);
        using (FileStream file = File.Open(path, FileMode.Append))
            file.Write([.. new byte[70_000].Select(_ => (byte)' '), 0xC3, 0x28]);
        StringAssert.Contains(Fails(path), "behind line 1: the file cannot be read on");
        string packed = _files.Write("b.jsonl.gz", string.Concat(Enumerable.Repeat(Good, 1000)));
        File.WriteAllBytes(packed, [.. File.ReadAllBytes(packed).Select((value, i) => i is > 20 and < 60 ? (byte)~value : value)]);
        StringAssert.StartsWith(Fails(packed), packed);

        string Fails(string file) =>
            Assert.ThrowsExactly<InvalidDataException>(() => Files.ReadAll(_ml.Data.LoadDataset(file))).Message;
    }

    [TestMethod]
    public void A_layout_that_does_not_fit_is_said_with_the_line()
    {
        (DatasetFormat Format, string Row, string What)[] cases =
        [
            (DatasetFormat.Alpaca, """{"instruction": "a"}""", "'output' is missing"),
            (DatasetFormat.ShareGpt, """{"conversations": "a"}""", "'conversations' is missing"),
            (DatasetFormat.ShareGpt, """{"conversations": [1]}""", "no object with"),
            (DatasetFormat.HhRlhf, """{"chosen": "a", "rejected": "b"}""", "'chosen' is no transcript"),
            (DatasetFormat.HhRlhf, """{"chosen": "Human: a\n\nAssistant: b", "rejected": "Human: c\n\nAssistant: b"}""", "same turn"),
            (DatasetFormat.HumanAssistant, """{"text": "a"}""", "does not begin with ###Human"),
            (DatasetFormat.HumanAssistant, """{"text": "###Human: a"}""", "no ###Assistant"),
            (DatasetFormat.LmFlow, """{"messages": 1}""", "'messages' is missing"),
            (DatasetFormat.Columns, """{"completions": [1], "labels": [true]}""", "'completions' is missing"),
        ];
        foreach ((DatasetFormat format, string row, string what) in cases)
        {
            string path = _files.Write("a.jsonl", row);
            string message = Assert.ThrowsExactly<InvalidDataException>(
                () => _ml.Data.LoadDataset(path, new DatasetOptions { Format = format })).Message;
            StringAssert.StartsWith(message, $"{path}, line 1: ");
            StringAssert.Contains(message, what);
        }
    }

    [TestMethod]
    public void What_a_function_of_rows_finds_wrong_is_said_of_the_row()
    {
        string path = _files.Write("a.jsonl", "{\"chosen\": \"a b\", \"rejected\": \"a c\"}\n{\"chosen\": \"\", \"rejected\": \"x\"}\n");
        Says("line 2: The prompt cannot be extracted", rows => rows.Select(DatasetRows.ExtractPrompt));
        Says("line 2: the function 'convert' gave null", rows => rows.Select((row, i) => i == 0 ? row : null!));
        Says("line 2: The row cannot be unpaired", rows => DatasetRows.Unpair(rows.Select((row, i) => i == 0 ? row : new JsonObject())));

        void Says(string what, Func<IEnumerable<JsonObject>, IEnumerable<JsonObject>> convert) => StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadDataset(path, convert: convert)).Message, what);
    }

    [TestMethod]
    public void A_column_that_is_renamed_onto_another_one_is_refused()
    {
        string path = _files.Write("a.jsonl", Good);
        var options = new DatasetOptions { Rename = new Dictionary<string, string> { ["prompt"] = "completion" } };
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadDataset(path, options)).Message, "rename that one too");
    }
}
