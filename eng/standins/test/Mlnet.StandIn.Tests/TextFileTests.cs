using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class TextFileTests
{
    private static readonly TextLoader.Column[] Columns = [new("A", DataKind.String, 0), new("B", DataKind.Single, 1)];

    private readonly MLContext _ml = new(seed: 1);
    private readonly List<string> _files = [];

    [TestCleanup]
    public void DeleteFiles() => _files.ForEach(File.Delete);

    [TestMethod]
    public void Headers_comments_and_empty_lines_are_no_rows()
    {
        IDataView view = _ml.Data.LoadFromTextFile(FileOf("# c\n// c\n\nA\tB\nx\t1\n\n// c\n# row\t2\ny\n"), Columns, hasHeader: true);
        CollectionAssert.AreEqual(new[] { "x", "# row", "y" }, view.Texts("A"));
        CollectionAssert.AreEqual(new[] { 1f, 2f, 0f }, view.GetColumn<float>("B").ToArray());
        Assert.IsNull(view.GetRowCount());
        Assert.IsFalse(view.CanShuffle);
    }

    [TestMethod]
    public void Quotes_protect_separators_and_bad_quotes_leave_the_field_empty()
    {
        string file = FileOf("\"a,b\",1\n\"say \"\"hi\"\"\" ,2\na\"b\",3\n\"bad\"x,4\n");
        CollectionAssert.AreEqual(new[] { "a,b", "say \"hi\"", "a\"b\"", "" }, _ml.Data.LoadFromTextFile(file, Columns, ',', allowQuoting: true).Texts("A"));
        Assert.AreEqual("\"a", _ml.Data.LoadFromTextFile(file, Columns, ',').Texts("A")[0]);
    }

    [TestMethod]
    public void Quoted_fields_may_hold_line_breaks()
    {
        var options = new TextLoader.Options { Columns = Columns, Separators = [','], AllowQuoting = true, ReadMultilines = true };
        CollectionAssert.AreEqual(new[] { "one\n\ntwo", "three" }, _ml.Data.LoadFromTextFile(FileOf("\"one\n\ntwo\",1\nthree,2\n"), options).Texts("A"));
    }

    [TestMethod]
    public void White_space_goes_at_the_end_of_lines_on_demand()
    {
        TextLoader.Column[] last = [new("T", DataKind.String, 1)];
        string file = FileOf("1, a b \n");
        Assert.AreEqual("a b ", _ml.Data.LoadFromTextFile(file, last, ',').Texts("T").Single());
        Assert.AreEqual("a b", _ml.Data.LoadFromTextFile(file, last, ',', trimWhitespace: true).Texts("T").Single());
    }

    [TestMethod]
    public void Empty_numbers_are_zero_or_missing_and_bad_ones_are_missing()
    {
        string file = FileOf("x\t\ny\tfoo\nz\tNA\n");
        CollectionAssert.AreEqual(new[] { 0f, float.NaN, float.NaN }, _ml.Data.LoadFromTextFile(file, Columns).GetColumn<float>("B").ToArray());
        var options = new TextLoader.Options { Columns = Columns, MissingRealsAsNaNs = true };
        Assert.AreEqual(float.NaN, _ml.Data.LoadFromTextFile(file, options).GetColumn<float>("B").First());
    }

    [TestMethod]
    public void A_whole_number_that_cannot_be_read_is_an_error()
    {
        IDataView view = _ml.Data.LoadFromTextFile(FileOf("x\tq\n"), [new("N", DataKind.Int32, 1)]);
        Exception error = Assert.ThrowsExactly<FormatException>(() => view.GetColumn<int>("N").ToArray());
        Assert.AreEqual("Parsing failed with an exception: Could not parse value q in line 1, column N", error.Message);
    }

    [TestMethod]
    public void Members_name_their_fields()
    {
        IDataView view = _ml.Data.LoadFromTextFile<Row>(FileOf("T\tA\tB\tK\nt\t1\t2\t1\nu\t3\t4\t7\n"), hasHeader: true);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 2), view.Schema["Numbers"].Type);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), view.Schema["Key"].Type);
        Row[] rows = [.. _ml.Data.CreateEnumerable<Row>(view, reuseRowObject: false)];
        CollectionAssert.AreEqual(new[] { 3f, 4f }, rows[1].Values);
        CollectionAssert.AreEqual(new uint[] { 2, 0 }, rows.Select(row => row.Key).ToArray());
        Exception error = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.LoadFromTextFile<PromptRow>(FileOf("x\n")));
        StringAssert.Contains(error.Message, "is missing the LoadColumnAttribute attribute");
    }

    [TestMethod]
    public void Ranges_reach_to_the_end_of_the_line_or_of_all_lines()
    {
        string file = FileOf("1\t2\t3\n4\t5\t6\n");
        IDataView all = _ml.Data.LoadFromTextFile(file, new TextLoader.Options { Columns = [new("V", DataKind.Single, [new(1, null)])] });
        Assert.AreEqual(2, ((VectorDataViewType)all.Schema["V"].Type).Size);
        var toEnd = new TextLoader.Range { Min = 1, VariableEnd = true };
        IDataView each = _ml.Data.LoadFromTextFile(FileOf("1\t2\t3\n4\t5\n"), new TextLoader.Options { Columns = [new("V", DataKind.Single, [toEnd])] });
        CollectionAssert.AreEqual(new[] { 2, 1 }, each.GetColumn<float[]>("V").Select(values => values.Length).ToArray());
    }

    [TestMethod]
    public void What_was_saved_as_text_loads_by_its_own_description()
    {
        var stream = new MemoryStream();
        _ml.Data.SaveAsText(_ml.View(), stream);
        string text = System.Text.Encoding.UTF8.GetString(stream.ToArray());
        string head = string.Join(Environment.NewLine, "#@ TextLoader{", "#@   header+", "#@   sep=tab", "#@   col=Prompt:TX:0", "#@   col=Number:R4:1", "#@ }", "Prompt\tNumber", "prompt 0\t0", "");
        StringAssert.StartsWith(text, head);
        IDataView back = _ml.Data.LoadFromTextFile(FileOf(text));
        CollectionAssert.AreEqual(Support.Prompts, back.Texts());
        Assert.AreEqual(10f, back.GetColumn<float>("Number").Last());
    }

    [TestMethod]
    public void Text_is_saved_in_quotes_where_needed()
    {
        IDataView view = _ml.Data.LoadFromEnumerable([new PromptRow { Prompt = "a \"b\", c" }, new PromptRow { Prompt = "", Number = float.NaN }]);
        var stream = new MemoryStream();
        _ml.Data.SaveAsText(view, stream, ',', headerRow: false, schema: false);
        Assert.AreEqual(string.Join(Environment.NewLine, "\"a \"\"b\"\", c\",0", "\"\",?", ""), System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    [TestMethod]
    public void A_loader_survives_a_model_file()
    {
        TextLoader loader = _ml.Data.CreateTextLoader(Columns, ',', allowQuoting: true);
        var file = new MemoryStream();
        _ml.Model.Save(null, loader, file);
        file.Position = 0;
        new MLContext().Model.LoadWithDataLoader(file, out IDataLoader<IMultiStreamSource> loaded);
        CollectionAssert.AreEqual(new[] { "a,b", "c" }, loaded.Load(FileOf("\"a,b\",1\n"), FileOf("c,2\n")).Texts("A"));
    }

    private string FileOf(string text)
    {
        string path = Path.GetTempFileName();
        _files.Add(path);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class Row
    {
        [LoadColumn(0)] public string Text;
        [LoadColumn(3), KeyType(3)] public uint Key;

        [LoadColumn(1, 2), ColumnName("Numbers")] public float[] Values { get; set; }
    }
}
