using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlnet.StandIn.Tests;

/// <summary>The expected rows are those of ML.NET 5.0.0 for the same data and seeds.</summary>
[TestClass]
public sealed class SplitTests
{
    private readonly MLContext _ml = new(seed: 5);

    private IDataView Numbered => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => new Item { Id = i, Group = $"g{i % 5}", Score = i * 0.5f }));

    private static string Ids(IDataView view) => string.Join(",", view.GetColumn<int>("Id"));

    [TestMethod]
    public void A_seed_decides_the_split()
    {
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(Numbered, 0.3, seed: 7);
        Assert.AreEqual("3,16,17,19", Ids(split.TestSet));
        Assert.AreEqual(Ids(split.TestSet), Ids(_ml.Data.TrainTestSplit(Numbered, 0.3, seed: 7).TestSet));
        Assert.AreEqual(20, Ids(split.TrainSet).Split(',').Union(Ids(split.TestSet).Split(',')).Count());
    }

    [TestMethod]
    public void Without_a_seed_that_of_the_context_decides() =>
        Assert.AreEqual("1,2,7,14,15,16,17", Ids(_ml.Data.TrainTestSplit(Numbered, 0.3).TestSet));

    [TestMethod]
    public void Rows_with_the_same_key_stay_together()
    {
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(Numbered, 0.4, samplingKeyColumnName: "Group", seed: 7);
        Assert.AreEqual("0,2,3,5,7,8,10,12,13,15,17,18", Ids(split.TestSet));
        Assert.AreEqual(0, split.TrainSet.Texts("Group").Intersect(split.TestSet.Texts("Group")).Count());
    }

    [TestMethod]
    public void A_number_as_key_is_scaled() => Assert.AreEqual("0,1,2,3,4", Ids(_ml.Data.TrainTestSplit(Numbered, 0.25, "Score").TestSet));

    [TestMethod]
    public void Folds_cover_all_rows()
    {
        IReadOnlyList<DataOperationsCatalog.TrainTestData> folds = _ml.Data.CrossValidationSplit(Numbered, 3, seed: 2);
        Assert.AreEqual("0,3,5,7,10,12,13,15,18", Ids(folds[1].TestSet));
        Assert.AreEqual(20, folds.SelectMany(fold => Ids(fold.TestSet).Split(',')).Distinct().Count());
    }

    [TestMethod]
    public void Rows_whose_key_is_empty_text_are_in_neither_part()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new Item { Group = null }, new Item { Id = 1, Group = "a" } });
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(view, 0.5, "Group");
        Assert.AreEqual("1", Ids(split.TrainSet) + Ids(split.TestSet));
    }

    [TestMethod]
    public void The_split_column_does_not_show() =>
        CollectionAssert.AreEqual(new[] { "Id", "Group", "Score" }, _ml.Data.TrainTestSplit(Numbered).TestSet.Schema.Select(column => column.Name).ToArray());

    [TestMethod]
    public void Shuffling_and_sampling_repeat_themselves()
    {
        Assert.AreEqual("11,17,3,9,18,2,4,5,1,19,10,16,12,15,0,14,6,13,8,7", Ids(_ml.Data.ShuffleRows(Numbered, seed: 3)));
        Assert.AreEqual("0,4,1,5,2,6,3,8,10,12,7,9,15,14,17,11,19,16,18,13", Ids(_ml.Data.ShuffleRows(Numbered, seed: 3, shufflePoolSize: 4, shuffleSource: false)));
        Assert.AreEqual("0,1,14,18,2,15,3,13,16,7,9,6,19,11,10,5,17,12,8,4", Ids(_ml.Data.ShuffleRows(_ml.Data.Cache(Numbered), seed: 3)));
        Assert.AreEqual("0,2,2,3,4,5,6,7,8,10,11,11,11,15,16,17,19", Ids(_ml.Data.BootstrapSample(Numbered, seed: 4)));
        Assert.AreEqual("1,9,12,13,14,18", Ids(_ml.Data.BootstrapSample(Numbered, seed: 4, complement: true)));
    }

    private sealed class Item
    {
        public int Id;
        public string Group;
        public float Score;
    }
}
