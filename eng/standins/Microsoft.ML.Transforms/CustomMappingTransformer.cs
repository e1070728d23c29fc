using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly IHost _host;
    private readonly Action<TSrc, TDst> _map;
    private readonly string _contractName;
    private readonly SchemaDefinition _outputDefinition;

    internal CustomMappingTransformer(IHostEnvironment env, Action<TSrc, TDst> map, string contractName, SchemaDefinition input, SchemaDefinition output)
    {
        _host = env.Register("CustomMappingTransformer");
        Guard.NotNull(map, "mapAction", _host);
        _map = map;
        _contractName = contractName;
        InputDefinition = input;
        _outputDefinition = output;
        AddedLayout = RowLayout.Create(typeof(TDst), output, SchemaDefinition.Direction.Read);
    }

    bool ITransformer.IsRowToRowMapper => true;

    internal SchemaDefinition InputDefinition { get; }

    internal RowLayout AddedLayout { get; }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), _host);
        return RowMapperView.SchemaOf(new Mapper(this, inputSchema));
    }

    public IDataView Transform(IDataView input)
    {
        Guard.NotNull(input, nameof(input), _host);
        return new RowMapperView(input, new Mapper(this, input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowMapperView(new EmptyView(inputSchema), new Mapper(this, inputSchema));

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_contractName is null)
            throw Fail.State("Empty contract name for a transform: the transform cannot be saved");
        CustomTransformLoader.Save(ctx, _contractName, _map.Method.DeclaringType.Assembly.FullName);
    }

    private sealed class Mapper : RowMapper
    {
        private readonly CustomMappingTransformer<TSrc, TDst> _owner;
        private readonly ObjectFiller<TSrc> _filler;

        public Mapper(CustomMappingTransformer<TSrc, TDst> owner, DataViewSchema inputSchema)
            : base(inputSchema)
        {
            _owner = owner;
            _filler = new ObjectFiller<TSrc>(inputSchema, ignoreMissingColumns: false, owner.InputDefinition);
        }

        public override IEnumerable<int> InputsOf(Func<int, bool> isActiveOutput) =>
            Enumerable.Range(0, Outputs.Count).Any(isActiveOutput) ? _filler.Sources.Select(source => source.Index) : [];

        public override Delegate[] MakeGetters(DataViewRow input, Func<int, bool> isActiveOutput, out Action disposer)
        {
            disposer = null;
            var getters = new Delegate[Outputs.Count];
            if (!Enumerable.Range(0, getters.Length).Any(isActiveOutput))
                return getters;
            var source = new TSrc();
            var result = new TDst();
            Action<TSrc> fill = _filler.Bind(input);
            long servedPosition = -1;
            TDst Current() // one call of the map serves all columns of a row
            {
                if (servedPosition != input.Position)
                {
                    fill(source);
                    _owner._map(source, result);
                    servedPosition = input.Position;
                }
                return result;
            }

            for (int i = 0; i < getters.Length; i++)
                if (isActiveOutput(i))
                    getters[i] = RowGetters.Make(_owner.AddedLayout.Columns[i], Current);
            return getters;
        }

        protected override DataViewSchema.DetachedColumn[] MakeOutputs() =>
            [.. _owner.AddedLayout.ToSchema().Select(column => new DataViewSchema.DetachedColumn(column))];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer) => throw new NotSupportedException();
    }
}
