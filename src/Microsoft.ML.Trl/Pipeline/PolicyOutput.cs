using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What the stages that train a policy promise before, and hand out after training.</summary>
/// <param name="OutputColumnName">Text column of answers that is added.</param>
/// <param name="ScoreColumnName">Column of the answers' scores where a reward model is upstream; null = the name of its own column.</param>
/// <param name="PromptColumnName">Text column with the prompts.</param>
/// <param name="Generation">How answers are generated; null = as the model did that training began with.</param>
/// <param name="Conversations">How prompts are read as conversations; null = as texts.</param>
internal sealed record PolicyOutput(
    string OutputColumnName, string? ScoreColumnName, string PromptColumnName, GenerationOptions? Generation,
    ConversationOptions? Conversations)
{
    /// <summary>Fails unless columns are named and conversations can be read.</summary>
    /// <exception cref="ArgumentException">They are not; the message says which.</exception>
    public void Validate()
    {
        Require.Named(OutputColumnName);
        Require.Named(PromptColumnName);
        if (ScoreColumnName is not null)
            Require.Named(ScoreColumnName);
        Conversations?.Validated();
    }

    /// <summary>The columns that a fitted stage adds.</summary>
    public SchemaShape Promise(MLContext ml, SchemaShape shape)
    {
        string? score = ModelHandle.PromisedColumn(shape, ModelHandle.RewardKind);
        SchemaShape withText = PromisedColumns.WithText(ml, shape, OutputColumnName, ModelHandle.PolicyKind);
        return score is null ? withText : PromisedColumns.WithNumber(ml, withText, ScoreColumnName ?? score, ModelHandle.RewardKind);
    }

    /// <summary>The trained network in a transformer, which owns it from here on.</summary>
    /// <param name="env">The context.</param>
    /// <param name="trained">The network, its tokenizer and its critic.</param>
    /// <param name="reports">Of the training.</param>
    public TextGenerationTransformer Transformer(IHostEnvironment env, LanguageModel trained, IReadOnlyList<StepReport> reports) =>
        new(
            env, trained.With(Generation ?? trained.Generation), OutputColumnName, ScoreColumnName, PromptColumnName, [.. reports],
            conversations: Conversations);
}
