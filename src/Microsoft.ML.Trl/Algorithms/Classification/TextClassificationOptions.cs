namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of text classification; names and defaults are those of transformers' TrainingArguments. Immutable; make variants with
/// <c>with</c>.
/// </summary>
public sealed record TextClassificationOptions : EpochOptions
{
    /// <summary>The defaults of transformers: no gradient checkpointing.</summary>
    public TextClassificationOptions() => (LearningRate, GradientCheckpointing) = (5e-5, false);

    /// <summary>Tokens of a text, at least 1; its end is cut off there. Null = the model's context.</summary>
    public int? MaxLength { get; init; }

    /// <summary>ε of label smoothing (arXiv:1512.00567), in [0, 1). Labels only.</summary>
    public double LabelSmoothingFactor { get; init; }

    /// <summary>
    /// The labels, in the order of the scores; null = those of the model to start from where they are the same as those of the data, else
    /// those of the data, sorted.
    /// </summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Text column with what is classified.</summary>
    public string TextColumnName { get; init; } = "Text";

    /// <summary>
    /// Column with each text's label: text, a key, true or false, or a whole number. Of fractional numbers a model of one number is learnt,
    /// by squared error.
    /// </summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Text column with the likeliest label that the fitted stage adds.</summary>
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Column with the vector of scores that it adds.</summary>
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Column with the vector of probabilities that it adds.</summary>
    public string ProbabilityColumnName { get; init; } = "Probability";

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal TextClassificationOptions Validated()
    {
        ValidateEpochs();
        Require.AtLeast(MaxLength, 1);
        Require.Below(LabelSmoothingFactor, 0, 1);
        Require.Named(TextColumnName);
        Require.Named(LabelColumnName);
        Output.Check();
        if (Labels is not null)
            SequenceClassifier.CheckLabels(Labels, nameof(Labels));
        return this;
    }

    /// <summary>The columns that the fitted stage reads and adds.</summary>
    internal ClassifierOutput Output => new(TextColumnName, PredictedLabelColumnName, ScoreColumnName, ProbabilityColumnName);
}
