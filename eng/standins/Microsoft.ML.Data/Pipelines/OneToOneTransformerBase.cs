using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Base of the transformers whose every output column comes from one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    internal readonly (string Output, string Input)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host, params (string Output, string Input)[] columns)
        : base(host)
    {
        Guard.NotNull(columns, nameof(columns), host);
        foreach ((string output, string input) in columns)
        {
            Guard.NotEmpty(input, nameof(columns), host);
            Guard.NotEmpty(output, nameof(columns), host);
        }
        string twice = columns.GroupBy(pair => pair.Output).FirstOrDefault(group => group.Count() > 1)?.Key;
        Guard.Argument(twice is null, nameof(columns), $"Name of the result column '{twice}' specified multiple times");
        ColumnPairs = columns;
    }

    private protected OneToOneTransformerBase(IHost host, ModelLoadContext ctx)
        : base(host)
    {
        ColumnPairs = new (string, string)[ctx.Reader.ReadInt32()];
        for (int i = 0; i < ColumnPairs.Length; i++)
        {
            string output = ctx.LoadNonEmptyString();
            ColumnPairs[i] = (output, ctx.LoadNonEmptyString());
        }
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        Guard.NotNull(ctx, nameof(ctx), Host);
        ctx.Writer.Write(ColumnPairs.Length);
        foreach ((string output, string input) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(output);
            ctx.SaveNonEmptyString(input);
        }
    }

    /// <summary>Raises the schema error when a column that is there has the wrong type.</summary>
    private protected virtual void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
    }

    /// <summary>A mapper that knows the input column of each output.</summary>
    private protected abstract class OneToOneMapper : RowMapper
    {
        private readonly DataViewSchema.Column[] _sources;

        protected OneToOneMapper(OneToOneTransformerBase parent, DataViewSchema inputSchema)
            : base(inputSchema)
        {
            _sources = new DataViewSchema.Column[parent.ColumnPairs.Length];
            for (int i = 0; i < _sources.Length; i++)
            {
                string name = parent.ColumnPairs[i].Input;
                _sources[i] = inputSchema.GetColumnOrNull(name) ?? throw Fail.MissingColumn(nameof(inputSchema), "input", name, parent.Host);
                parent.CheckInputColumn(inputSchema, i, _sources[i].Index);
            }
        }

        public override IEnumerable<int> InputsOf(Func<int, bool> isActiveOutput) =>
            _sources.Where((_, output) => isActiveOutput(output)).Select(source => source.Index);

        protected DataViewSchema.Column SourceOf(int output) => _sources[output];
    }
}
