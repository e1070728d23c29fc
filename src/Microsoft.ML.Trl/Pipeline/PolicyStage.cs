
namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What the stages that train a policy promise before, and hand out after training.</summary>
internal static class PolicyStage
{
    /// <summary>The column of answers.</summary>
    public const string CompletionColumnName = "Completion";

    /// <summary>The column of scores, where no reward model upstream has named it.</summary>
    public const string ScoreColumnName = "Score";

    /// <summary>The columns that a fitted stage adds.</summary>
    public static SchemaShape Promise(MLContext ml, SchemaShape shape)
    {
        string? score = ModelHandle.PromisedColumn(shape, ModelHandle.RewardKind);
        SchemaShape withText = PromisedColumns.WithText(ml, shape, CompletionColumnName, ModelHandle.PolicyKind);
        return score is null ? withText : PromisedColumns.WithNumber(ml, withText, score, ModelHandle.RewardKind);
    }

    /// <summary>The trained network in a transformer, which owns it from here on.</summary>
    /// <param name="trained">Holds the network that was trained, and habits to keep.</param>
    /// <param name="generation">How it generates; null = as the model did that training began with.</param>
    /// <param name="valueHead">The critic that was trained along; null = none, and an old one does not fit any more.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="reports">Of the training.</param>
    public static TextGenerationTransformer Finish(
        Owned<LanguageModel> trained, GenerationOptions? generation, ValueHead? valueHead, string promptColumnName, IReadOnlyList<StepReport> reports)
    {
        LanguageModel model = trained.Release();
        if (!ReferenceEquals(model.ValueHead, valueHead))
            model.ValueHead?.Dispose();
        var finished = new LanguageModel(model.Network, model.Tokenizer, generation ?? model.Generation, valueHead);
        return new TextGenerationTransformer(finished, promptColumnName, CompletionColumnName, [.. reports]);
    }
}
