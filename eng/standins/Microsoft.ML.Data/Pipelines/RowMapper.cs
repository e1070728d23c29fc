namespace Microsoft.ML.Data;

/// <summary>
/// Adds columns to rows of one schema. What a transformer that works row by row has to say: which columns come, what each
/// needs, and how its value is made.
/// </summary>
internal abstract class RowMapper
{
    private DataViewSchema.DetachedColumn[] _outputs;

    protected RowMapper(DataViewSchema inputSchema) => InputSchema = inputSchema;

    public DataViewSchema InputSchema { get; }

    public IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs ??= MakeOutputs();

    /// <summary>Indices of the input columns that the active outputs need.</summary>
    public abstract IEnumerable<int> InputsOf(Func<int, bool> isActiveOutput);

    /// <summary>
    /// A <see cref="ValueGetter{TValue}"/> of the output's raw type for each active output, null for the others.
    /// <paramref name="disposer"/> runs when the row goes, and may be null.
    /// </summary>
    public virtual Delegate[] MakeGetters(DataViewRow input, Func<int, bool> isActiveOutput, out Action disposer)
    {
        var getters = new Delegate[Outputs.Count];
        disposer = null;
        for (int i = 0; i < getters.Length; i++)
        {
            if (!isActiveOutput(i))
                continue;
            getters[i] = MakeGetter(input, i, out Action release);
            disposer += release;
        }
        return getters;
    }

    protected abstract DataViewSchema.DetachedColumn[] MakeOutputs();

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the output's raw type.</summary>
    protected abstract Delegate MakeGetter(DataViewRow input, int output, out Action disposer);
}
