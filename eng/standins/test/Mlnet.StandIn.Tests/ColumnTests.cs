using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class ColumnTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void A_copy_has_the_values_and_the_annotations()
    {
        IDataView copied = _ml.Transforms.CopyColumns("Copy", "Group").Fit(Rows()).Transform(Rows());
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        copied.Schema["Copy"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(new[] { "un", "deux" }, names.DenseValues().Select(name => name.ToString()).ToArray());
        // Members count keys from 0; 2 is beyond the last, so it is missing.
        CollectionAssert.AreEqual(new uint[] { 0, 1, 2 }, copied.GetColumn<uint>("Copy").ToArray());
    }

    [TestMethod]
    public void A_column_that_hides_another_stands_right_behind_it()
    {
        IDataView hiding = _ml.Transforms.CopyColumns("Text", "Number").Fit(Rows()).Transform(Rows());
        CollectionAssert.AreEqual(new[] { "Text-", "Text", "Number", "Vector", "Group" }, Names(hiding));
        CollectionAssert.AreEqual(new[] { 1f, 2f, 3f }, hiding.GetColumn<float>("Text").ToArray());
    }

    [TestMethod]
    public void Selecting_orders_columns_and_drops_or_keeps_hidden_ones()
    {
        IDataView hiding = _ml.Transforms.CopyColumns("Text", "Number").Fit(Rows()).Transform(Rows());
        CollectionAssert.AreEqual(new[] { "Number", "Text" }, Names(_ml.Transforms.SelectColumns("Number", "Text").Fit(hiding).Transform(hiding)));
        CollectionAssert.AreEqual(new[] { "Number", "Text-", "Text" }, Names(_ml.Transforms.SelectColumns(["Number", "Text"], keepHidden: true).Fit(hiding).Transform(hiding)));
        CollectionAssert.AreEqual(new[] { "Number", "Vector", "Group" }, Names(_ml.Transforms.DropColumns("Text").Fit(hiding).Transform(hiding)));
        Exception missing = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.DropColumns("A", "B").Fit(hiding));
        StringAssert.StartsWith(missing.Message, "Could not find input column 'A,B'");
    }

    [TestMethod]
    public void Joined_columns_name_their_slots()
    {
        IDataView joined = _ml.Transforms.Concatenate("All", "Number", "Vector").Fit(Rows()).Transform(Rows());
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        joined.Schema["All"].GetSlotNames(ref names);
        CollectionAssert.AreEqual(new[] { "Number", "", "" }, names.DenseValues().Select(name => name.ToString()).ToArray());
        CollectionAssert.AreEqual(new[] { 3f, 0f, 6f }, joined.GetColumn<float[]>("All").Last());
        StringAssert.StartsWith(Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Transforms.Concatenate("All", "Number", "Text").Append(_ml.Transforms.CopyColumns("A", "All")).Fit(Rows())).Message, "Concatenated columns should have the same type.");
    }

    [TestMethod]
    [DataRow(DataKind.String, "1", "2", "3")]
    [DataRow(DataKind.Int32, 1, 2, 3)]
    [DataRow(DataKind.Boolean, true, true, true)]
    public void Numbers_convert(DataKind kind, object first, object second, object third)
    {
        if (kind == DataKind.Int32) // there is no way from a real number to a whole one
        {
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.ConvertType("X", "Number", kind).Fit(Rows()));
            return;
        }
        IDataView converted = _ml.Transforms.Conversion.ConvertType("X", "Number", kind).Fit(Rows()).Transform(Rows());
        object[] values = kind == DataKind.String ? [.. converted.GetColumn<string>("X")] : [.. converted.GetColumn<bool>("X").Cast<object>()];
        CollectionAssert.AreEqual(new[] { first, second, third }, values);
    }

    [TestMethod]
    [DataRow("", 0f)]
    [DataRow("1e3", 1000f)]
    [DataRow("1.", 1f)]
    [DataRow("1e", float.NaN)]
    [DataRow("1,5", float.NaN)]
    [DataRow("?", float.NaN)]
    [DataRow("-Infinity", float.NegativeInfinity)]
    public void Text_converts_to_numbers(string text, float expected)
    {
        IDataView view = _ml.Data.LoadFromEnumerable([new PromptRow { Prompt = text }]);
        Assert.AreEqual(expected, _ml.Transforms.Conversion.ConvertType("X", "Prompt").Fit(view).Transform(view).GetColumn<float>("X").Single());
    }

    [TestMethod]
    public void Values_get_keys_by_occurrence_or_by_value_and_come_back()
    {
        IDataView rows = Rows();
        var toKey = _ml.Transforms.Conversion.MapValueToKey("Key", "Text");
        CollectionAssert.AreEqual(new uint[] { 1, 2, 1 }, toKey.Fit(rows).Transform(rows).GetColumn<uint>("Key").ToArray());
        var byValue = _ml.Transforms.Conversion.MapValueToKey("Key", "Text", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue);
        CollectionAssert.AreEqual(new uint[] { 2, 1, 2 }, byValue.Fit(rows).Transform(rows).GetColumn<uint>("Key").ToArray());
        IDataView back = toKey.Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(rows).Transform(rows);
        CollectionAssert.AreEqual(new[] { "z", "a", "z" }, back.GetColumn<string>("Back").ToArray());
    }

    [TestMethod]
    public void A_value_that_was_not_learned_gets_the_missing_key()
    {
        ITransformer most = _ml.Transforms.Conversion.MapValueToKey("Key", "Text", maximumNumberOfKeys: 1).Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(Rows());
        IDataView mapped = most.Transform(Rows());
        CollectionAssert.AreEqual(new uint[] { 1, 0, 1 }, mapped.GetColumn<uint>("Key").ToArray());
        CollectionAssert.AreEqual(new[] { "z", "", "z" }, mapped.GetColumn<string>("Back").ToArray());
    }

    [TestMethod]
    public void All_of_it_survives_a_model_file()
    {
        IDataView rows = Rows();
        ITransformer model = _ml.Transforms.CopyColumns("Copy", "Text")
            .Append(_ml.Transforms.Concatenate("All", "Number", "Vector"))
            .Append(_ml.Transforms.Conversion.ConvertType("All", outputKind: DataKind.Double))
            .Append(_ml.Transforms.Conversion.MapValueToKey([new("TextKey", "Text"), new("NumberKey", "Number")]))
            .Append(_ml.Transforms.Conversion.MapKeyToValue([new("TextBack", "TextKey"), new("NumberBack", "NumberKey")]))
            .Append(_ml.Transforms.Text.NormalizeText("Upper", "Copy", Microsoft.ML.Transforms.Text.TextNormalizingEstimator.CaseMode.Upper))
            .Append(_ml.Transforms.Text.TokenizeIntoWords("Words", "Upper", [',']))
            .Append(_ml.Transforms.SelectColumns("TextBack", "NumberBack", "All", "Words")).Fit(rows);
        var file = new MemoryStream();
        _ml.Model.Save(model, rows.Schema, file);
        file.Position = 0;
        IDataView loaded = new MLContext().Model.Load(file, out _).Transform(rows);
        CollectionAssert.AreEqual(new[] { "TextBack", "NumberBack", "All", "Words" }, Names(loaded));
        CollectionAssert.AreEqual(new[] { "z", "a", "z" }, loaded.GetColumn<string>("TextBack").ToArray());
        CollectionAssert.AreEqual(new[] { 1f, 2f, 3f }, loaded.GetColumn<float>("NumberBack").ToArray());
        CollectionAssert.AreEqual(new[] { 3d, 0, 6 }, loaded.GetColumn<double[]>("All").Last());
        CollectionAssert.AreEqual(new[] { "Z" }, loaded.GetColumn<string[]>("Words").First());
    }

    [TestMethod]
    public void Text_loses_marks_case_punctuation_and_numbers_on_demand()
    {
        IDataView view = _ml.Data.LoadFromEnumerable([new PromptRow { Prompt = "Ça va, Élan 12?" }]);
        string Normal(bool keepMarks, bool keepPunctuation, bool keepNumbers) => _ml.Transforms.Text
            .NormalizeText("X", "Prompt", keepDiacritics: keepMarks, keepPunctuations: keepPunctuation, keepNumbers: keepNumbers).Fit(view).Transform(view).Texts("X").Single();
        Assert.AreEqual("ca va, elan 12?", Normal(false, true, true));
        Assert.AreEqual("ça va élan ", Normal(true, false, false));
    }

    private static string[] Names(IDataView view) => [.. view.Schema.Select(column => column.Name + (column.IsHidden ? "-" : ""))];

    private IDataView Rows()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Row));
        definition["Group"].AddAnnotation("KeyValues", new[] { "un", "deux" }, new VectorDataViewType(TextDataViewType.Instance, 2));
        return _ml.Data.LoadFromEnumerable(
            [new Row { Text = "z", Number = 1, Vector = [1, 2], Group = 2 }, new Row { Text = "a", Number = 2, Vector = [3, 4] }, new Row { Text = "z", Number = 3, Vector = [0, 6], Group = 1 }],
            definition);
    }

    private sealed class Row
    {
        public string Text;
        public float Number;
        [VectorType(2)] public float[] Vector;
        [KeyType(2)] public uint Group;
    }
}
