using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of process reward modelling, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PrmOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    public PrmOptions() => LearningRate = 1e-5;

    /// <summary>Tokens of prompt and steps together, at least 2; the end is cut off there. Null = the model's context.</summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>Tokens of the steps alone, at least 1; their end is cut off there. Null = no such limit.</summary>
    public int? MaxCompletionLength { get; init; }

    /// <summary>Train without dropout.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>
    /// What ends each step, at least one character: it splits a completion into steps, and its last token is what is scored.
    /// </summary>
    public string StepSeparator { get; init; } = "\n";

    /// <summary>Learn the label of the last step alone.</summary>
    public bool TrainOnLastStepOnly { get; init; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>
    /// Text column with the completions: steps, each ended by the separator, which the last one may lack. A stage upstream may write its
    /// answers into a column of this name: then give the stage training data of its own, or name another column.
    /// </summary>
    public string CompletionColumnName { get; init; } = "Completion";

    /// <summary>Column with a vector for each completion: of each step, true or 1 where it is right, else false or 0.</summary>
    public string LabelsColumnName { get; init; } = "Labels";

    /// <summary>Column that the fitted stage adds: a vector with the probability that each step is right.</summary>
    public string OutputColumnName { get; init; } = "Score";

    /// <summary>What the fitted stage reads and adds.</summary>
    internal StepRewardOutput Output => new(PromptColumnName, CompletionColumnName, OutputColumnName, StepSeparator);

    private protected override bool HasDropout => !DisableDropout;

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal PrmOptions Validated()
    {
        ValidateEpochs();
        Require.AtLeast(MaxLength, 2);
        Require.AtLeast(MaxCompletionLength, 1);
        Require.Named(LabelsColumnName);
        Output.Check();
        return this;
    }
}
