using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass("Selects which columns from the dataset to keep.", typeof(ColumnSelectingTransformer), typeof(ColumnSelectingTransformer), null,
    typeof(Microsoft.ML.SignatureLoadModel), "Select Columns Transform", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Keeps the named columns in the order of their names, or drops them.</summary>
public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";

    private readonly IHost _host;
    private readonly string[] _named;
    private readonly bool _keepsNamed;
    private readonly bool _keepsHidden;
    private readonly bool _ignoresMissing;

    internal ColumnSelectingTransformer(IHostEnvironment env, string[] keepColumns, string[] dropColumns, bool keepHidden, bool ignoreMissing = false)
    {
        _host = env.Register(nameof(ColumnSelectingTransformer));
        _keepsNamed = keepColumns?.Length > 0;
        bool drops = dropColumns?.Length > 0;
        Guard.That(!_keepsNamed || !drops, "Both keepColumns and dropColumns are set. Exactly one can be specified.", _host);
        Guard.That(_keepsNamed || drops, "Neither keepColumns and dropColumns is set. Exactly one must be specified.", _host);
        _named = _keepsNamed ? keepColumns : dropColumns;
        _keepsHidden = keepHidden;
        _ignoresMissing = ignoreMissing;
    }

    private static VersionInfo Version { get; } =
        new("SELCOLST", 0x00010001, 0x00010001, 0x00010001, typeof(ColumnSelectingTransformer).Assembly.FullName, LoaderSignature);

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), _host);
        return Select(new EmptyView(inputSchema), nameof(inputSchema)).Schema;
    }

    public IDataView Transform(IDataView input)
    {
        Guard.NotNull(input, nameof(input), _host);
        return Select(input, nameof(input));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), _host);
        return Select(new EmptyView(inputSchema), nameof(inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(Version);
        ctx.Writer.Write(_keepsNamed);
        ctx.Writer.Write(_keepsHidden);
        ctx.Writer.Write(_ignoresMissing);
        ctx.Writer.Write(_named.Length);
        foreach (string name in _named)
            ctx.SaveNonEmptyString(name);
    }

    internal bool Keeps(string name) => _named.Contains(name) == _keepsNamed;

    /// <summary>Raises the schema error unless all named columns are there.</summary>
    internal void RequireNamed(IEnumerable<string> present, string parameter)
    {
        string[] missing = _ignoresMissing ? [] : [.. _named.Except(present)];
        if (missing.Length > 0)
            throw Fail.MissingColumn(parameter, "input", string.Join(",", missing), _host);
    }

    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        bool keepsNamed = ctx.Reader.ReadBoolean();
        bool keepsHidden = ctx.Reader.ReadBoolean();
        bool ignoresMissing = ctx.Reader.ReadBoolean();
        var named = new string[ctx.Reader.ReadInt32()];
        for (int i = 0; i < named.Length; i++)
            named[i] = ctx.LoadNonEmptyString();
        return new ColumnSelectingTransformer(env, keepsNamed ? named : null, keepsNamed ? null : named, keepsHidden, ignoresMissing);
    }

    private ColumnSubsetView Select(IDataView input, string parameter)
    {
        DataViewSchema schema = input.Schema;
        RequireNamed(schema.Select(column => column.Name), parameter);
        // Dropping takes all columns of a name; what remains keeps its hidden columns.
        IEnumerable<DataViewSchema.Column> kept = _keepsNamed
            ? _named.SelectMany(name => schema.Where(column => column.Name == name && (_keepsHidden || !column.IsHidden)))
            : schema.Where(column => Keeps(column.Name));
        return new ColumnSubsetView(input, kept.Select(column => column.Index));
    }
}
