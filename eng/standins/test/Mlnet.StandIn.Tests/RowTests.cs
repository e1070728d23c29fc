using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class RowTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void Members_become_columns_with_types_and_names_from_attributes()
    {
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(new Rich[0]).Schema;
        CollectionAssert.AreEqual(
            new[] { "Text: String", "Turns: Vector<String>", "Fixed: Vector<Single, 2, 2>", "Key: Key<UInt32, 0-2>", "When: DateTime", "renamed: Boolean" },
            schema.Select(column => column.ToString()).ToArray());
    }

    [TestMethod]
    public void Values_arrive_as_columns_say()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new Rich { Turns = ["a", null], Fixed = [1, 2, 3, 4], Key = 2, Renamed = true }, new Rich { Key = 7, Fixed = new float[4] } });
        CollectionAssert.AreEqual(new[] { "", "" }, view.Texts("Text"));
        CollectionAssert.AreEqual(new[] { "a", "" }, view.GetColumn<string[]>("Turns").First());
        Assert.AreEqual(0, view.GetColumn<string[]>("Turns").Last().Length);
        CollectionAssert.AreEqual(new uint[] { 3, 0 }, view.GetColumn<uint>("Key").ToArray());
        Assert.IsFalse(view.CanShuffle);
        Assert.AreEqual(2, view.GetRowCount());
        Assert.IsNull(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(_ => new Rich())).GetRowCount());
        Assert.AreEqual(1, view.GetRowCursorSet(view.Schema, 4).Length);
    }

    [TestMethod]
    public void Objects_come_back_each_new_or_always_the_same()
    {
        IDataView view = _ml.View();
        CollectionAssert.AreEqual(Support.Prompts, _ml.Data.CreateEnumerable<PromptRow>(view, reuseRowObject: false).ToArray().Select(row => row.Prompt).ToArray());
        PromptRow[] reused = [.. _ml.Data.CreateEnumerable<PromptRow>(view, reuseRowObject: true)];
        Assert.AreEqual(1, reused.Distinct().Count());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<CompletionRow>(view, false));
        Assert.AreEqual("prompt 0", _ml.Data.CreateEnumerable<CompletionRow>(view, false, ignoreMissingColumns: true).First().Prompt);
        Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.CreateEnumerable<WrongType>(view, false));
    }

    [TestMethod]
    public void Types_that_mean_no_column_are_refused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new Unknown[0]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new Nullables[0]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new Twins[0]));
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Data.LoadFromEnumerable<PromptRow>(null));
    }

    [TestMethod]
    public void A_null_row_is_an_error_when_it_is_reached()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new PromptRow { Prompt = "a" }, null });
        Assert.ThrowsExactly<InvalidOperationException>(() => view.Texts());
    }

    [TestMethod]
    public void A_definition_renames_columns_and_adds_annotations()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(PromptRow));
        definition["Prompt"].ColumnName = "Question";
        definition["Question"].AddAnnotation("Source", "people", TextDataViewType.Instance);
        definition["Number"].AddAnnotation("Names", new[] { "x", "y" }, new VectorDataViewType(TextDataViewType.Instance, 2));
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new PromptRow { Prompt = "a" } }, definition);
        Assert.AreEqual("Question: String {Source}", view.Schema["Question"].ToString());
        ReadOnlyMemory<char> source = default;
        view.Schema["Question"].Annotations.GetValue("Source", ref source);
        Assert.AreEqual("people", source.ToString());
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Number"].Annotations.GetValue("Names", ref names);
        Assert.AreEqual("x,y", string.Join(",", names.DenseValues()));
        Assert.ThrowsExactly<InvalidOperationException>(() => definition["Number"].AddAnnotation("Bad", "text", NumberDataViewType.Single));
    }

    [TestMethod]
    public void A_registered_type_may_be_a_member()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new HasOwn[0]));
        DataViewTypeManager.Register(new OwnType(), typeof(Own));
        DataViewTypeManager.Register(new OwnType(), typeof(Own));
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new HasOwn { Value = new Own("kept") } });
        Assert.AreEqual("kept", _ml.Data.CreateEnumerable<HasOwn>(view, false).Single().Value.Name);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DataViewTypeManager.Register(new OwnType(), typeof(int)));
    }

    [TestMethod]
    public void A_cursor_counts_from_minus_one_and_refuses_what_it_was_not_asked_for()
    {
        IDataView view = _ml.View();
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Prompt"]]);
        Assert.AreEqual(-1, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(0, cursor.Position);
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Number"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cursor.GetGetter<float>(view.Schema["Number"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<float>(view.Schema["Prompt"]));
        DataViewRowId id = default;
        cursor.GetIdGetter()(ref id);
        Assert.AreEqual(new DataViewRowId(0, 0), id);
        while (cursor.MoveNext())
        {
        }
        Assert.AreEqual(-1, cursor.Position);
        Assert.IsFalse(cursor.MoveNext());
    }

    private sealed class Rich
    {
        public string Text;
        public string[] Turns;
        [VectorType(2, 2)]
        public float[] Fixed;
        [KeyType(3)]
        public uint Key;
        public DateTime When;
        [NoColumn]
        public object Hidden = new();

        [ColumnName("renamed")]
        public bool Renamed { get; set; }
    }

    private sealed class WrongType
    {
        public int Prompt;
    }

    private sealed class Unknown
    {
        public object Value;
    }

    private sealed class Nullables
    {
        public float? Value;
    }

    private sealed class Twins
    {
        [ColumnName("same")]
        public float A;
        [ColumnName("same")]
        public float B;
    }

    private sealed class Own(string name)
    {
        public string Name { get; } = name;
    }

    private sealed class HasOwn
    {
        public Own Value;
    }

    private sealed class OwnType() : StructuredDataViewType(typeof(Own))
    {
        public override bool Equals(DataViewType other) => other is OwnType;

        public override bool Equals(object obj) => obj is OwnType;

        public override int GetHashCode() => 1;
    }
}
