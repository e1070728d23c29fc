using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of distillation on the completions of the data: α · cross-entropy + (1 - α) · τ² · divergence from the teacher,
/// arXiv:1503.02531, section 2. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DistillOptions : TextDistillationOptions
{
    /// <summary>α: weight of the data's own tokens as labels, in [0, 1); 0 learns from the teacher alone.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>
    /// τ: divides the logits of student and teacher in the divergence, which is multiplied by τ², so that its gradient stays as large.
    /// Greater than 0; above 1 the teacher's small probabilities count more. TRL's DistillationConfig has the same default.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// Which divergence, in [0, 1], as <see cref="GkdOptions.Beta"/>: 0, the default, is KL(teacher ‖ student), that of the paper; 1 is
    /// KL(student ‖ teacher), the default of TRL's DistillationConfig, whose student writes the completions.
    /// </summary>
    public double Beta { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal DistillOptions Validated()
    {
        ValidateTexts();
        Require.Below(Alpha, 0, 1);
        Require.Positive(Temperature);
        Require.Between(Beta, 0, 1);
        return this;
    }
}
