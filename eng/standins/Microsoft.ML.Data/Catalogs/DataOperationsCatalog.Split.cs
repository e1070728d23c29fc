using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed partial class DataOperationsCatalog
{
    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        Guard.NotNull(data, nameof(data), _env);
        Guard.Argument(testFraction > 0 && testFraction < 1, nameof(testFraction), "Must be between 0 and 1 exclusive", _env);
        (IDataView view, string split) = WithSplitColumn(data, samplingKeyColumnName, seed);
        var range = new ValueRange(0, testFraction, IncludesUpper: false);
        return new TrainTestData(Part(view, split, range with { IsComplement = true }), Part(view, split, range));
    }

    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
    {
        Guard.NotNull(data, nameof(data), _env);
        Guard.Argument(numberOfFolds > 1, nameof(numberOfFolds), "Must be more than 1", _env);
        (IDataView view, string split) = WithSplitColumn(data, samplingKeyColumnName, seed);
        var folds = new List<TrainTestData>();
        for (int fold = 0; fold < numberOfFolds; fold++)
        {
            // Both ends belong to the fold, as in the real one: a value on the border is tested twice.
            var range = new ValueRange((double)fold / numberOfFolds, (double)(fold + 1) / numberOfFolds, IncludesUpper: true);
            folds.Add(new TrainTestData(Part(view, split, range with { IsComplement = true }), Part(view, split, range)));
        }
        return folds;
    }

    private IDataView Part(IDataView view, string splitColumn, ValueRange range) =>
        new ColumnSubsetView(
            new RangeFilterView(_env, view, splitColumn, range),
            view.Schema.Where(column => column.Name != splitColumn).Select(column => column.Index));

    /// <summary>Without a seed that of the context decides, and without that a fixed one: splits are always repeatable.</summary>
    private (IDataView View, string Column) WithSplitColumn(IDataView data, string samplingKey, int? seed)
    {
        string name = "SplitColumn";
        for (int i = 0; data.Schema.GetColumnOrNull(name) is not null; i++)
            name = $"temp_SplitColumn_{i:000}";
        int? used = seed ?? ((IHostEnvironmentInternal)_env).Seed;
        if (samplingKey is null)
            return (new RandomNumberView(_env, data, name, used), name);
        DataViewSchema.Column source = data.Schema.GetColumnOrNull(samplingKey)
            ?? throw Fail.MissingColumn("samplingKeyColumn", "SamplingKeyColumn", samplingKey, _env);
        return (new RowMapperView(data, new SplitKeyMapper(data, source, name, used)), name);
    }

    /// <summary>The two parts of a split, each a pass of its own over the data.</summary>
    public struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }
    }
}
