using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Making views, and views of views.</summary>
public sealed partial class DataOperationsCatalog
{
    private readonly IHostEnvironment _env;

    internal DataOperationsCatalog(IHostEnvironment env) => _env = env;

    internal IHostEnvironment Environment => _env;

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition schemaDefinition = null)
        where TRow : class
    {
        Guard.NotNull(data, nameof(data), _env);
        return new EnumerableView<TRow>(_env, data, RowLayout.Create(typeof(TRow), schemaDefinition, SchemaDefinition.Direction.Read));
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema)
        where TRow : class
    {
        Guard.NotNull(data, nameof(data), _env);
        Guard.NotNull(schema, nameof(schema), _env);
        return LoadFromEnumerable(data, RowLayout.DefinitionFor(typeof(TRow), schema));
    }

    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false, SchemaDefinition schemaDefinition = null)
        where TRow : class, new()
    {
        Guard.NotNull(data, nameof(data), _env);
        return Rows<TRow>(data, new ObjectFiller<TRow>(data.Schema, ignoreMissingColumns, schemaDefinition), reuseRowObject);
    }

    public IDataView Cache(IDataView input, params string[] columnsToPrefetch)
    {
        Guard.NotNull(input, nameof(input), _env);
        return new CacheView(_env, input, columnsToPrefetch ?? []);
    }

    public IDataView TakeRows(IDataView input, long count)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.Argument(count > 0, nameof(count), "Must be greater than zero.", _env);
        return new SkipTakeView(_env, input, skip: 0, take: count);
    }

    public IDataView SkipRows(IDataView input, long count)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.Argument(count > 0, nameof(count), "Must be greater than zero.", _env);
        return new SkipTakeView(_env, input, skip: count, take: long.MaxValue);
    }

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.Argument(shufflePoolSize > 0, nameof(shufflePoolSize), "Must be positive", _env);
        return new ShuffleView(_env, input, seed, shufflePoolSize, shuffleSource);
    }

    public IDataView BootstrapSample(IDataView input, int? seed = null, bool complement = false)
    {
        Guard.NotNull(input, nameof(input), _env);
        return new BootstrapView(_env, input, seed, complement);
    }

    public IDataView FilterRowsByColumn(IDataView input, string columnName, double lowerBound = double.NegativeInfinity, double upperBound = double.PositiveInfinity)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.NotEmpty(columnName, nameof(columnName), _env);
        Guard.Argument(lowerBound < upperBound, nameof(upperBound), "Must be less than lowerBound", _env);
        DataViewType type = input.Schema[columnName].Type;
        if (type is not NumberDataViewType)
            throw Fail.SchemaMismatch(nameof(columnName), "filter", columnName, "number", type.ToString(), _env);
        return new RangeFilterView(_env, input, columnName, new ValueRange(lowerBound, upperBound, IncludesUpper: false));
    }

    public IDataView FilterRowsByKeyColumnFraction(IDataView input, string columnName, double lowerBound = 0, double upperBound = 1)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.NotEmpty(columnName, nameof(columnName), _env);
        Guard.Argument(lowerBound is >= 0 and <= 1, nameof(lowerBound), "Must be in [0, 1]", _env);
        Guard.Argument(upperBound is >= 0 and <= 1, nameof(upperBound), "Must be in [0, 1]", _env);
        Guard.Argument(lowerBound <= upperBound, nameof(upperBound), "Must be no less than lowerBound", _env);
        DataViewType type = input.Schema[columnName].Type;
        if (type is not KeyDataViewType)
            throw Fail.SchemaMismatch(nameof(columnName), "filter", columnName, "KeyType", type.ToString(), _env);
        return new RangeFilterView(_env, input, columnName, new ValueRange(lowerBound, upperBound, IncludesUpper: false));
    }

    public IDataView FilterRowsByMissingValues(IDataView input, params string[] columns)
    {
        Guard.NotNull(input, nameof(input), _env);
        Guard.Argument(columns?.Length > 0, nameof(columns), context: _env);
        return new MissingValueFilterView(_env, input, columns);
    }

    private static IEnumerable<TRow> Rows<TRow>(IDataView data, ObjectFiller<TRow> filler, bool reuseRowObject)
        where TRow : class, new()
    {
        using DataViewRowCursor cursor = data.GetRowCursor(filler.Sources);
        Action<TRow> fill = filler.Bind(cursor);
        TRow row = null;
        while (cursor.MoveNext())
        {
            if (row is null || !reuseRowObject)
                row = new TRow();
            fill(row);
            yield return row;
        }
    }
}
