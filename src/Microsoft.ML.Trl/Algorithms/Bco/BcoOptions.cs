using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of binary classifier optimisation, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record BcoOptions : UnpairedOptions
{
    /// <summary>TRL's defaults.</summary>
    public BcoOptions() => (LearningRate, RouterAuxLossCoef) = (5e-7, null);

    /// <summary>Pull to the reference: β of arXiv:2404.04656, Eq. 8. Unitless, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>
    /// Column with a vector of float that describes each prompt, such as an embedding of it. Where it is given, unwanted completions weigh
    /// by how much likelier their prompt is among those of wanted ones, which a classifier of the vectors tells: section 3.3 of
    /// arXiv:2404.04656, for data whose wanted and unwanted completions answer different prompts. TRL's <c>embedding_func</c>. Null = all
    /// weigh the same.
    /// </summary>
    public string? PromptEmbeddingColumnName { get; init; }

    /// <summary>Most prompts of wanted completions, and of unwanted ones, that the classifier learns from; at least 1.</summary>
    public int PromptSampleSize { get; init; } = 1024;

    /// <summary>Least weight of an unwanted completion; at least 0, and at most <see cref="MaxDensityRatio"/>.</summary>
    public double MinDensityRatio { get; init; } = 0.5;

    /// <summary>Highest weight of an unwanted completion; above 0.</summary>
    public double MaxDensityRatio { get; init; } = 10;

    internal override string? EmbeddingColumn => PromptEmbeddingColumnName;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (PromptEmbeddingColumnName is null && (PromptSampleSize != 1024 || MinDensityRatio != 0.5 || MaxDensityRatio != 10))
            yield return "PromptSampleSize, MinDensityRatio and MaxDensityRatio without PromptEmbeddingColumnName";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal BcoOptions Validated()
    {
        ValidateUnpaired();
        Require.Positive(Beta);
        Require.AtLeast(PromptSampleSize, 1);
        Require.NotNegative(MinDensityRatio);
        Require.Positive(MaxDensityRatio);
        if (MinDensityRatio > MaxDensityRatio)
            throw new ArgumentException(
                FormattableString.Invariant($"MinDensityRatio ({MinDensityRatio}) must be at most MaxDensityRatio ({MaxDensityRatio})."),
                nameof(MinDensityRatio));
        if (PromptEmbeddingColumnName is not null)
            Require.Named(PromptEmbeddingColumnName);
        return this;
    }
}
