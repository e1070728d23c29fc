using Microsoft.ML;
using Microsoft.ML.Data;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

/// <summary>What keeps a handle on a view and what loses it.</summary>
[TestClass]
public sealed class HandleTests
{
    private readonly MLContext _ml = new(seed: 1);

    private IDataView Echoed => new EchoEstimator(_ml).Fit(_ml.View()).Transform(_ml.View());

    private static string NameOn(IDataView view) => EchoTransformer.HandleOf(view.Schema)?.Name;

    [TestMethod]
    public void An_annotation_stays_through_cache_shuffling_and_every_kind_of_row_selection()
    {
        IDataView view = Echoed;
        Assert.AreEqual("fit1", NameOn(view));
        Assert.AreEqual("fit1", NameOn(_ml.Data.Cache(view)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.ShuffleRows(view)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.TakeRows(view, 3)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.SkipRows(view, 3)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.FilterRowsByColumn(view, "Number", 1, 5)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.BootstrapSample(view)));
        Assert.AreEqual("fit1", NameOn(_ml.Data.TrainTestSplit(view).TrainSet));
        Assert.AreEqual("fit1", NameOn(_ml.Data.CrossValidationSplit(view, 2)[1].TestSet));
    }

    [TestMethod]
    public void A_later_stage_finds_the_handle_behind_a_cache_checkpoint()
    {
        var second = new EchoEstimator(_ml, "Second");
        new EchoEstimator(_ml).AppendCacheCheckpoint(_ml).Append(second).Fit(_ml.View());
        Assert.AreEqual("fit1", second.SeenUpstream);
    }

    [TestMethod]
    public void A_column_of_the_same_name_hides_the_old_one_which_keeps_its_annotation()
    {
        IDataView view = new EchoTransformer("Number2", "Completion", [], "over").Transform(
            new EchoTransformer("Prompt", "Number2", [], "x").Transform(Echoed));
        DataViewSchema.Column[] completions = [.. view.Schema.Where(column => column.Name == "Completion")];
        Assert.IsTrue(completions[0].IsHidden);
        Assert.IsFalse(completions[1].IsHidden);
        Assert.AreEqual(completions[1].Index, view.Schema["Completion"].Index);
        Assert.AreEqual("over", NameOn(view));
        EchoHandle hidden = null;
        completions[0].Annotations.GetValue(EchoTransformer.AnnotationKind, ref hidden);
        Assert.AreEqual("fit1", hidden.Name);
    }

    [TestMethod]
    public void A_column_of_a_structured_type_is_lost_in_cache_and_shuffling_alone()
    {
        var view = new HandleView(_ml.View());
        Assert.IsNull(_ml.Data.Cache(view).Schema.GetColumnOrNull("Handle"));
        Assert.IsNull(_ml.Data.ShuffleRows(view).Schema.GetColumnOrNull("Handle"));
        Assert.IsNotNull(_ml.Data.TakeRows(view, 2).Schema.GetColumnOrNull("Handle"));
        Assert.IsNotNull(_ml.Data.TrainTestSplit(view).TestSet.Schema.GetColumnOrNull("Handle"));
        Assert.IsNotNull(_ml.Data.FilterRowsByColumn(view, "Number", 0, 3).Schema.GetColumnOrNull("Handle"));
        CollectionAssert.AreEqual(Support.Prompts, _ml.Data.Cache(view).Texts());
    }

    [TestMethod]
    public void Saving_with_a_schema_drops_the_handle_without_a_word()
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(new EchoEstimator(_ml).Fit(_ml.View()), Echoed.Schema, stream);
        stream.Position = 0;
        _ml.Model.Load(stream, out DataViewSchema schema);
        CollectionAssert.AreEqual(new[] { "Prompt", "Number", "Completion" }, schema.Select(column => column.Name).ToArray());
        Assert.AreEqual(0, schema["Completion"].Annotations.Schema.Count);
    }

    [TestMethod]
    public void A_primitive_type_with_a_disposable_value_is_refused() =>
        Assert.ThrowsExactly<ArgumentException>(() => new DisposableType());

    private sealed class DisposableType : PrimitiveDataViewType
    {
        public DisposableType()
            : base(typeof(MemoryStream))
        {
        }

        public override bool Equals(DataViewType other) => other is DisposableType;
    }

    /// <summary>The source and a column with the same handle in every row.</summary>
    private sealed class HandleView : IDataView
    {
        private readonly IDataView _source;

        public HandleView(IDataView source)
        {
            _source = source;
            var builder = new DataViewSchema.Builder();
            builder.AddColumns(source.Schema);
            builder.AddColumn("Handle", EchoHandleType.Instance);
            Schema = builder.ToSchema();
        }

        public DataViewSchema Schema { get; }

        public bool CanShuffle => false;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
            _source.GetRowCursor(columnsNeeded.Where(column => column.Index < _source.Schema.Count).Select(column => _source.Schema[column.Index]));

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded)];
    }
}
