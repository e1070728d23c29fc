namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The reward of a stage that was given none: the nearest reward model upstream.</summary>
internal static class UpstreamReward
{
    /// <summary>The reward model.</summary>
    /// <param name="stage">Who asks.</param>
    /// <param name="schema">Of what comes down the pipeline.</param>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static RewardFunction Of(StageContext stage, DataViewSchema schema) =>
        ModelHandle.Nearest<TextRewardModel>(schema, ModelHandle.RewardKind) is { } model
            ? RewardFunction.FromModel(model) : throw Missing(stage.Name);

    /// <summary>Fails where none is promised.</summary>
    /// <param name="stage">Who asks.</param>
    /// <param name="shape">Of what comes down the pipeline.</param>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static void Require(StageContext stage, SchemaShape shape)
    {
        if (ModelHandle.PromisedColumn(shape, ModelHandle.RewardKind) is null)
            throw Missing(stage.Name);
    }

    private static InvalidOperationException Missing(string stage) => new(
        $"{stage} has no reward: none was given, and no stage upstream trains a reward model. Pass a function of prompt and response or a "
        + "RewardFunction, or append the stage to a RewardModel stage.");
}
