namespace Microsoft.ML.Trl.Training;

/// <summary>What every stage of a pipeline is told besides its options.</summary>
/// <param name="Ml">The context.</param>
/// <param name="Name">The stage, for messages: <c>SFT</c>, <c>Reward</c>, <c>PPO</c> or <c>DPO</c>.</param>
/// <param name="Source">The model to start from; null = the nearest policy upstream.</param>
/// <param name="TrainingData">Data of its own; null = what comes down the pipeline.</param>
/// <param name="Reference">What the policy is held against; null = the model that training starts from.</param>
/// <param name="Progress">Told of every report; may be null.</param>
/// <param name="Cancel">Ends training within one step.</param>
internal sealed record StageContext(
    MLContext Ml,
    string Name,
    ModelSource? Source,
    IDataView? TrainingData,
    ModelSource? Reference,
    IProgress<StepReport>? Progress,
    CancellationToken Cancel)
{
    /// <summary>The explicit source, or the nearest policy upstream.</summary>
    /// <exception cref="InvalidOperationException">There is neither.</exception>
    public ModelSource StartModel(IDataView input) => Source ?? ModelSource.Upstream(input.Schema) ?? throw NoPolicy();

    /// <summary>The same check before anything is fitted.</summary>
    public void RequireStartModel(SchemaShape shape)
    {
        if (Source is null && ModelHandle.PromisedColumn(shape, ModelHandle.PolicyKind) is null)
            throw NoPolicy();
    }

    /// <summary>Checks what a pipeline promises: a model to start from, and the columns of the data where the stage has none.</summary>
    /// <param name="inputSchema">The promise.</param>
    /// <param name="requireColumns">Fails where a column is missing or of the wrong type.</param>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public void RequireInput(SchemaShape inputSchema, Action<SchemaShape> requireColumns)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        RequireStartModel(inputSchema);
        if (TrainingData is null)
            requireColumns(inputSchema);
    }

    private InvalidOperationException NoPolicy() => new(
        $"{Name} has no model to start from: none was given, and no stage upstream trains a policy. "
        + $"Pass a ModelSource (ModelSource.Folder, .FromTransformer or .New), or append {Name} to a stage such as Sft. "
        + "(SelectColumns and DropColumns lose the model with the column that carries it.)");
}
