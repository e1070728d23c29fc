using Microsoft.ML;
using Microsoft.ML.Data;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class ViewTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void A_preview_has_the_first_hundred_rows()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 150).Select(i => new PromptRow { Prompt = $"p{i}", Number = i }));
        DataDebuggerPreview preview = view.Preview();
        Assert.AreEqual(100, preview.RowView.Length);
        Assert.AreEqual(2, preview.ColumnView.Length);
        Assert.AreEqual("2 columns, 100 rows", preview.ToString());
        Assert.AreEqual("p7", preview.RowView[7].Values[0].Value.ToString());
        Assert.AreEqual("Prompt", preview.RowView[7].Values[0].Key);
        Assert.AreEqual(42f, preview.ColumnView[1].Values[42]);
        Assert.AreEqual("Prompt: String", preview.ColumnView[0].ToString());
        Assert.AreEqual(3, view.Preview(maxRows: 3).RowView.Length);
    }

    [TestMethod]
    public void Previews_of_an_estimator_train_on_few_rows_and_of_a_transformer_not_at_all()
    {
        var estimator = new EchoEstimator(_ml);
        Assert.AreEqual("PROMPT 2", estimator.Preview(_ml.View()).ColumnView.Single(column => column.Column.Name == "Completion").Values[2].ToString());
        Assert.AreEqual(1, estimator.Fits);
        Assert.AreEqual(5, new EchoTransformer("Prompt", "B", [], "x").Preview(_ml.View(), maxRows: 5).RowView.Length);
    }

    [TestMethod]
    public void Rows_can_be_taken_and_skipped()
    {
        CollectionAssert.AreEqual(Support.Prompts[..3], _ml.Data.TakeRows(_ml.View(), 3).Texts());
        CollectionAssert.AreEqual(Support.Prompts[9..], _ml.Data.SkipRows(_ml.View(), 9).Texts());
        Assert.AreEqual(0, _ml.Data.SkipRows(_ml.View(), 90).Texts().Length);
        Assert.AreEqual(3, _ml.Data.TakeRows(_ml.Data.LoadFromEnumerable(new PromptRow[5]), 3).GetRowCount());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TakeRows(_ml.View(), 0));
    }

    [TestMethod]
    public void Rows_are_filtered_by_range_without_its_upper_end()
    {
        CollectionAssert.AreEqual(Support.Prompts[2..5], _ml.Data.FilterRowsByColumn(_ml.View(), "Number", 2, 5).Texts());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(_ml.View(), "Prompt", 2, 5));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(_ml.View(), "Missing", 2, 5));
    }

    [TestMethod]
    public void Rows_with_missing_numbers_can_be_left_out()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new PromptRow { Prompt = "a", Number = float.NaN }, new PromptRow { Prompt = "b" } });
        CollectionAssert.AreEqual(new[] { "b" }, _ml.Data.FilterRowsByMissingValues(view, "Number").Texts());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(view, "Prompt"));
    }

    [TestMethod]
    public void A_cache_reads_each_column_once_and_can_shuffle()
    {
        int reads = 0;
        IDataView counted = _ml.Data.LoadFromEnumerable(Support.Prompts.Select(prompt =>
        {
            reads++;
            return new PromptRow { Prompt = prompt };
        }));
        IDataView cache = _ml.Data.Cache(counted);
        Assert.AreEqual(0, reads);
        for (int i = 0; i < 3; i++)
            CollectionAssert.AreEqual(Support.Prompts, cache.Texts());
        Assert.AreEqual(11, reads);
        cache.GetColumn<float>("Number").Count();
        Assert.AreEqual(22, reads);
        Assert.IsTrue(cache.CanShuffle);
        Assert.AreEqual(11, cache.GetRowCount());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.Cache(counted, "Missing"));
    }

    [TestMethod]
    public void Filters_do_not_know_their_row_count()
    {
        IDataView list = _ml.Data.LoadFromEnumerable(new[] { new PromptRow() });
        Assert.AreEqual(1, list.GetRowCount());
        Assert.IsNull(_ml.Data.FilterRowsByColumn(list, "Number", 0).GetRowCount());
        Assert.IsNull(_ml.Data.BootstrapSample(list).GetRowCount());
        Assert.IsNull(_ml.Data.TrainTestSplit(list).TrainSet.GetRowCount());
    }

    [TestMethod]
    public void Parallel_passes_do_not_disturb_each_other()
    {
        IDataView view = _ml.Data.Cache(new EchoTransformer("Prompt", "Completion", [], "x").Transform(_ml.View()));
        string[] expected = [.. Support.Prompts.Select(prompt => prompt.ToUpperInvariant())];
        Parallel.For(0, 4, _ => CollectionAssert.AreEqual(expected, view.Texts("Completion")));
    }
}
