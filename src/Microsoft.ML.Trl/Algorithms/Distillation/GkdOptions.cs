using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of generalized knowledge distillation (arXiv:2306.13649), with the names and defaults of TRL's GKDConfig. Immutable; vary with
/// <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GkdOptions : TextDistillationOptions
{
    /// <summary>
    /// Share of the steps that learn from completions which the student itself writes: λ of Algorithm 1, in [0, 1]. One draw of the seed
    /// decides it for a whole step. Below 1, the other steps learn the completions of the data, or the teacher's with
    /// <see cref="SeqKd"/>; where no step does, no column of completions is read but that of evaluation data.
    /// </summary>
    public double Lmbda { get; init; } = 0.5;

    /// <summary>
    /// Weight of the teacher in the mixture of the generalized Jensen-Shannon divergence, in [0, 1]: 0 is KL(teacher ‖ student), 1 is
    /// KL(student ‖ teacher). TRL calls the loss with the temperature 1, as this does.
    /// </summary>
    public double Beta { get; init; } = 0.5;

    /// <summary>Divides the logits when a model writes completions to learn from. Greater than 0.</summary>
    public double Temperature { get; init; } = 0.9;

    /// <summary>Most tokens of such a completion, the end token included. At least 1.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>
    /// Let the teacher write the completions that the student does not: sequence-level distillation with the teacher's distributions.
    /// </summary>
    public bool SeqKd { get; init; }

    /// <summary>Whether completions of the data are learnt.</summary>
    internal bool ReadsCompletions => Lmbda < 1 && !SeqKd;

    /// <summary>Whether a model writes completions.</summary>
    internal bool Writes => Lmbda > 0 || SeqKd;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (SeqKd && Lmbda == 1)
            yield return "SeqKd with Lmbda 1";
        if (!Writes && (Temperature != 0.9 || MaxNewTokens != 128))
            yield return "Temperature and MaxNewTokens with Lmbda 0 and without SeqKd";
        if (!ReadsCompletions && !MayEvaluate && CompletionColumnName != "Completion")
            yield return $"CompletionColumnName with {(SeqKd ? "SeqKd" : "Lmbda 1")}";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal GkdOptions Validated()
    {
        ValidateTexts();
        Require.Between(Lmbda, 0, 1);
        Require.Between(Beta, 0, 1);
        Require.Positive(Temperature);
        Require.AtLeast(MaxNewTokens, 1);
        return this;
    }
}
