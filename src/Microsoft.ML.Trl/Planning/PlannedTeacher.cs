using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>The model that a student learns from.</summary>
/// <param name="Shape">Nothing of it is trained.</param>
/// <param name="InMemory">Where its weights are in memory; null = they are not.</param>
internal sealed record PlannedTeacher(ModelShape Shape, Placement? InMemory)
{
    /// <summary>How a method holds its teacher; null where it has none.</summary>
    /// <param name="options">Checked.</param>
    public static ReferenceKind? KindOf(TrainingOptions options) => options switch
    {
        DistillationOptions distillation => distillation.TeacherModel,
        MiniLlmOptions mini => mini.TeacherModel,
        _ => null,
    };

    /// <summary>Its weights.</summary>
    /// <param name="options">Say how they are held.</param>
    /// <param name="place">Of the run; null = they are in memory nowhere.</param>
    public TrainingPlanRow Weights(TrainingOptions options, Placement? place)
    {
        WeightQuantization bits = KindOf(options) == ReferenceKind.Int8 ? WeightQuantization.Int8 : WeightQuantization.None;
        if (InMemory is { } there && place is { } run && there == run with { Quantization = bits })
            return new("teacher", 0, "in memory already, and shared");
        string type = MemoryHabits.TypeName(options) + (bits == WeightQuantization.None ? "" : $", matrices in {bits}");
        return new(
            "teacher", MemoryHabits.WeightBytes(Shape, bits, MemoryHabits.Size(options)),
            FormattableString.Invariant($"{Shape.Weights:N0} numbers in {type}"));
    }

    /// <summary>What reading a batch takes.</summary>
    /// <param name="pass">The student's.</param>
    public TrainingPlanRow Reading(PassShape pass)
    {
        var read = PassShape.Reading(pass.Tokens, pass.Length, pass.Rows, pass.IsNarrow);
        return new(
            "reading the batch", (long)(new ActivationSize(Shape, read).WithoutGradient(Shape.Model.Body.Blocks[0]) * pass.Tokens),
            FormattableString.Invariant($"{pass.Tokens:N0} tokens"));
    }
}
