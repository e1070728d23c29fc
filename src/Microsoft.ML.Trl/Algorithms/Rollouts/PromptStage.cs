namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What the stages have in common that answer prompts in training.</summary>
internal static class PromptStage
{
    /// <summary>The columns that the fitted stage promises, where the pipeline before it promises those that training reads.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="output">Its columns.</param>
    /// <param name="inputSchema">What the pipeline before it promises.</param>
    /// <param name="requireUpstream">Fails where nothing upstream says how good answers are; null = the stage was given what does.</param>
    public static SchemaShape Promise(
        StageContext stage, PolicyOutput output, SchemaShape inputSchema, Action<StageContext, SchemaShape>? requireUpstream)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        stage.RequireStartModel(inputSchema);
        requireUpstream?.Invoke(stage, inputSchema);
        if (stage.TrainingData is null)
            PromptReader.Require(inputSchema, output.PromptColumnName, output.Conversations);
        return output.Promise(stage.Ml, inputSchema);
    }
}
