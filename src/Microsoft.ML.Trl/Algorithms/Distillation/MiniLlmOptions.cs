using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of MiniLLM (arXiv:2306.08543), with the names and defaults of TRL's MiniLLMConfig (v1.9.0). Immutable; vary with <c>with</c>.
/// </summary>
/// <remarks>
/// As in TRL it is GRPO with a teacher: what <see cref="RklAdvantage"/> says of each token is added to the advantage that its completion
/// has by reward functions, where there are such, and <see cref="SingleStepDecomposition"/> to the loss. A batch counts completions.
/// </remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MiniLlmOptions : GrpoLossOptions
{
    /// <summary>TRL's defaults: no dropout.</summary>
    public MiniLlmOptions() => DisableDropout = true;

    /// <summary>
    /// Add to advantages log q - log p of the tokens that the student drew, q the teacher and p the student. Not with the loss types Luspo
    /// and Vespo, which weigh whole completions.
    /// </summary>
    public bool RklAdvantage { get; init; } = true;

    /// <summary>
    /// Also minimise KL(student ‖ teacher) of each position over the whole vocabulary: the single-step part of section 2.2, which has no
    /// variance of its own. A mean over the tokens of the step, whatever <see cref="GrpoLossOptions.LossType"/>.
    /// </summary>
    public bool SingleStepDecomposition { get; init; } = true;

    /// <summary>Divides the logits of student and teacher where the two are compared. Greater than 0.</summary>
    public double KdTemperature { get; init; } = 1;

    /// <summary>Discount per token of what follows a token, in [0, 1]; 0 gives each token its own reward alone.</summary>
    public double Gamma { get; init; }

    /// <summary>Divide the discounted sum of rewards by that of as many ones, so that long completions do not count for more.</summary>
    public bool LengthNormalization { get; init; } = true;

    /// <summary>
    /// How the teacher is held in memory. <see cref="ReferenceKind.Full"/>: in the type of the student; without a copy where it is in
    /// memory in the right place. <see cref="ReferenceKind.Int8"/>: as an 8-bit copy, on the CPU alone.
    /// </summary>
    public ReferenceKind TeacherModel { get; init; }

    /// <summary>One is enough for what the teacher says; rewards compare at least two.</summary>
    private protected override int FewestGenerations => 1;

    private protected override string UsualBestMetric => "loss";

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (!RklAdvantage && (Gamma != 0 || !LengthNormalization))
            yield return "Gamma and LengthNormalization without RklAdvantage";
        else if (Gamma == 0 && !LengthNormalization)
            yield return "LengthNormalization with Gamma 0";
        if (NumGenerations == 1 && ScaleRewards != ScaleRewards.Group)
            yield return "ScaleRewards with NumGenerations 1";
    }

    internal override GroupOptions Checked() => Validated();

    internal override IGroupObjective Objective() => throw new NotSupportedException(
        "MiniLlmOptions need a teacher, and nothing but the stage ml.Trl().MiniLlm(teacher) is given one; use that, or GrpoOptions here.");

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or nothing would be learnt; the message names it.</exception>
    /// <exception cref="NotSupportedException">A loss type has no advantages of tokens.</exception>
    internal MiniLlmOptions Validated()
    {
        ValidateGroups();
        ValidateLoss();
        Require.Positive(KdTemperature);
        Require.Between(Gamma, 0, 1);
        Require.Known(TeacherModel);
        if (!RklAdvantage && !SingleStepDecomposition)
            throw new ArgumentException(
                "RklAdvantage and SingleStepDecomposition are both false, so that nothing would be learnt from the teacher; set one of "
                + "them to true, or use Grpo.", nameof(RklAdvantage));
        if (RklAdvantage && LossType is GrpoLossType.Luspo or GrpoLossType.Vespo)
            throw new NotSupportedException(
                $"RklAdvantage gives each token an advantage, but LossType {LossType} weighs whole completions; use another, such as Dapo, "
                + "or set RklAdvantage to false.");
        return this;
    }
}
