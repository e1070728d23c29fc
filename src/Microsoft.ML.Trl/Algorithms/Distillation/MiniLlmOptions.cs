using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of MiniLLM (arXiv:2306.08543), with the names and defaults of TRL's MiniLLMConfig. Immutable; vary with <c>with</c>.
/// </summary>
/// <remarks>
/// A batch counts completions, and the student writes those of a whole step anew. What TRL's trainer takes from GRPO beside that (reward
/// functions, several updates per completion, a reference) is not here: all that is learnt comes from the teacher.
/// </remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MiniLlmOptions : DistillationOptions
{
    /// <summary>TRL's GRPOConfig: a rate of 1e-6.</summary>
    public MiniLlmOptions() => LearningRate = 1e-6;

    /// <summary>
    /// Policy gradient with log q - log p of the tokens that the student drew as their reward, q the teacher and p the student.
    /// </summary>
    public bool RklAdvantage { get; init; } = true;

    /// <summary>
    /// Also minimise KL(student ‖ teacher) of each position over the whole vocabulary: the single-step part of section 2.2, which has no
    /// variance of its own.
    /// </summary>
    public bool SingleStepDecomposition { get; init; } = true;

    /// <summary>Divides the logits of student and teacher where the two are compared. Greater than 0.</summary>
    public double KdTemperature { get; init; } = 1;

    /// <summary>Discount per token of what follows a token, in [0, 1]; 0 gives each token its own reward alone.</summary>
    public double Gamma { get; init; }

    /// <summary>Divide the discounted sum of rewards by that of as many ones, so that long completions do not count for more.</summary>
    public bool LengthNormalization { get; init; } = true;

    /// <summary>Completions of each prompt in an epoch. At least 1.</summary>
    public int NumGenerations { get; init; } = 8;

    /// <summary>Most tokens of a completion, the end token included. At least 1.</summary>
    public int MaxCompletionLength { get; init; } = 512;

    /// <summary>
    /// Divides the logits when completions are drawn, and those of the policy gradient, as in TRL's GRPO. Greater than 0.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Completions are drawn from the likeliest tokens that together reach this probability. In (0, 1]; 1 is all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Completions are drawn from the k likeliest tokens. At least 0; 0 is all.</summary>
    public int TopK { get; init; }

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (!RklAdvantage && (Gamma != 0 || !LengthNormalization))
            yield return "Gamma and LengthNormalization without RklAdvantage";
        else if (Gamma == 0 && !LengthNormalization)
            yield return "LengthNormalization with Gamma 0";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or nothing would be learnt; the message names it.</exception>
    internal MiniLlmOptions Validated()
    {
        ValidateDistillation();
        Require.Positive(KdTemperature);
        Require.Between(Gamma, 0, 1);
        Require.AtLeast(NumGenerations, 1);
        Require.AtLeast(MaxCompletionLength, 1);
        Require.Positive(Temperature);
        if (TopP is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(TopP), FormattableString.Invariant($"TopP ({TopP}) must be greater than 0 and at most 1."));
        Require.AtLeast(TopK, 0);
        if (!RklAdvantage && !SingleStepDecomposition)
            throw new ArgumentException(
                "RklAdvantage and SingleStepDecomposition are both false, so that nothing would be learnt; set one of them to true.",
                nameof(RklAdvantage));
        return this;
    }
}
