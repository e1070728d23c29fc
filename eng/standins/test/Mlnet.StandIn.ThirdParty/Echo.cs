using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ThirdParty;

/// <summary>What an echo transformer hands to the stages after it.</summary>
public sealed class EchoHandle(string name)
{
    public string Name { get; } = name;
}

/// <summary>Type of the handle's annotation; never registered.</summary>
public sealed class EchoHandleType : StructuredDataViewType
{
    public static readonly EchoHandleType Instance = new();

    private EchoHandleType()
        : base(typeof(EchoHandle))
    {
    }

    public override bool Equals(DataViewType other) => other is EchoHandleType;

    public override bool Equals(object obj) => obj is EchoHandleType;

    public override int GetHashCode() => 17;
}

/// <summary>Learns nothing, but notes when it was fitted.</summary>
public sealed class EchoEstimator(IHostEnvironment env, string output = "Completion", string input = "Prompt", long weights = 0) : IEstimator<EchoTransformer>
{
    private readonly IHost _host = env.Register("EchoEstimator");

    public int Fits { get; private set; }

    public string SeenUpstream { get; private set; }

    public EchoTransformer Fit(IDataView data)
    {
        Fits++;
        SeenUpstream = EchoTransformer.HandleOf(data.Schema)?.Name;
        using IChannel channel = _host.Start("Fitting");
        channel.Info(MessageSensitivity.None, "fitted {0}", output);
        return new EchoTransformer(input, output, new byte[weights], "fit" + Fits);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        if (!inputSchema.Any(column => column.Name == input && column.ItemType is TextDataViewType))
            throw new ArgumentException($"Text column '{input}' not found.");
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(output, TextDataViewType.Instance, EchoTransformer.AnnotationsOf(null));
        SchemaShape.Column added = Create(null, builder.ToSchema())[0];
        return new SchemaShape(inputSchema.Where(column => column.Name != output).Append(added));
    }

    // Shapes have no public constructor for columns.
    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    private static extern SchemaShape Create(SchemaShape type, DataViewSchema schema);
}

/// <summary>Adds a text column with the input's text in upper case, and the handle on it as annotation.</summary>
public sealed partial class EchoTransformer(string input, string output, byte[] weights, string name) : ITransformer, IDisposable
{
    public const string AnnotationKind = "EchoHandle";

    public static int Runs;

    public EchoHandle Handle { get; } = new(name);

    public byte[] Weights => weights;

    public bool IsDisposed { get; private set; }

    public bool IsRowToRowMapper => true;

    /// <summary>The nearest handle on the columns of a schema, hidden ones included.</summary>
    public static EchoHandle HandleOf(DataViewSchema schema)
    {
        foreach (DataViewSchema.Column column in schema.Reverse())
        {
            if (column.Annotations.Schema.GetColumnOrNull(AnnotationKind) is null)
                continue;
            EchoHandle handle = null;
            column.Annotations.GetValue(AnnotationKind, ref handle);
            return handle;
        }
        return null;
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        if (inputSchema.GetColumnOrNull(input)?.Type is not TextDataViewType)
            throw new ArgumentException($"Text column '{input}' not found.");
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumn(output, TextDataViewType.Instance, AnnotationsOf(Handle));
        return builder.ToSchema();
    }

    internal static DataViewSchema.Annotations AnnotationsOf(EchoHandle handle)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(AnnotationKind, EchoHandleType.Instance, (ref EchoHandle value) => value = handle);
        return annotations.ToAnnotations();
    }

    public IDataView Transform(IDataView data) => new EchoView(this, data);

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new EchoMapper(this, inputSchema);

    public void Dispose() => IsDisposed = true;

    private ValueGetter<ReadOnlyMemory<char>> Getter(DataViewRow row)
    {
        ValueGetter<ReadOnlyMemory<char>> source = row.GetGetter<ReadOnlyMemory<char>>(row.Schema[input]);
        ReadOnlyMemory<char> text = default;
        return (ref ReadOnlyMemory<char> value) =>
        {
            source(ref text);
            Interlocked.Increment(ref Runs);
            value = text.ToString().ToUpperInvariant().AsMemory();
        };
    }

    private IEnumerable<DataViewSchema.Column> Needed(DataViewSchema source, IEnumerable<DataViewSchema.Column> columns)
    {
        var indices = columns.Select(column => column.Index).ToHashSet();
        bool isActive = indices.Contains(source.Count);
        return source.Where(column => indices.Contains(column.Index) || (isActive && column.Index == source[input].Index));
    }

    private sealed class EchoView(EchoTransformer owner, IDataView source) : IDataView
    {
        public DataViewSchema Schema { get; } = owner.GetOutputSchema(source.Schema);

        public bool CanShuffle => source.CanShuffle;

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        {
            DataViewSchema.Column[] columns = columnsNeeded.ToArray();
            return new EchoCursor(owner, Schema, source.GetRowCursor(owner.Needed(source.Schema, columns), rand), columns);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class EchoMapper(EchoTransformer owner, DataViewSchema schema) : IRowToRowMapper
    {
        public DataViewSchema InputSchema { get; } = schema;

        public DataViewSchema OutputSchema { get; } = owner.GetOutputSchema(schema);

        public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
            owner.Needed(InputSchema, dependingColumns);

        public DataViewRow GetRow(DataViewRow row, IEnumerable<DataViewSchema.Column> activeColumns) =>
            new EchoRow(owner, OutputSchema, row, activeColumns.ToArray());
    }

    private sealed class EchoRow(EchoTransformer owner, DataViewSchema schema, DataViewRow row, DataViewSchema.Column[] active) : DataViewRow
    {
        public override DataViewSchema Schema => schema;

        public override long Position => row.Position;

        public override long Batch => row.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => row.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Any(candidate => candidate.Index == column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            column.Index < row.Schema.Count ? row.GetGetter<TValue>(row.Schema[column.Index]) : (ValueGetter<TValue>)(Delegate)owner.Getter(row);
    }

    private sealed class EchoCursor(EchoTransformer owner, DataViewSchema schema, DataViewRowCursor cursor, DataViewSchema.Column[] active) : DataViewRowCursor
    {
        public override DataViewSchema Schema => schema;

        public override long Position => cursor.Position;

        public override long Batch => cursor.Batch;

        public override bool MoveNext() => cursor.MoveNext();

        public override ValueGetter<DataViewRowId> GetIdGetter() => cursor.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Any(candidate => candidate.Index == column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            column.Index < cursor.Schema.Count ? cursor.GetGetter<TValue>(cursor.Schema[column.Index]) : (ValueGetter<TValue>)(Delegate)owner.Getter(cursor);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                cursor.Dispose();
        }
    }
}
