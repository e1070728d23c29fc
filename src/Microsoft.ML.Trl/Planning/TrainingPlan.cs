using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl;

/// <summary>
/// What a run will take, known before anything of it is allocated. Made by <c>ml.Trl().Plan</c>. Bytes are those of tensors: the program
/// itself, with libtorch, takes some hundred megabytes beside them. <see cref="ToString"/> prints all of it as a table.
/// </summary>
public sealed record TrainingPlan
{
    /// <summary>Such as <c>SFT</c>.</summary>
    public required string Method { get; init; }

    /// <summary>Family of the model, such as <c>gpt2</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Numbers that are trained: of the model, of adapters and of new heads.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Numbers of the model that stay as they are.</summary>
    public required long FrozenParameters { get; init; }

    /// <summary>Which lengths of texts the plan is made for.</summary>
    public required string Lengths { get; init; }

    /// <summary>When the run takes most, such as <c>begin of the backward pass</c>.</summary>
    public required string PeakMoment { get; init; }

    /// <summary>What each component takes then; their sum is <see cref="PeakBytes"/>.</summary>
    public required IReadOnlyList<TrainingPlanRow> Rows { get; init; }

    /// <summary>Most bytes at once.</summary>
    public long PeakBytes => Rows.Sum(row => row.Bytes);

    /// <summary>Memory that is free on the machine, or that the GPU has; null where that cannot be known.</summary>
    public required long? AvailableBytes { get; init; }

    /// <summary>Whether the peak fits; null where <see cref="AvailableBytes"/> is not known.</summary>
    public bool? Fits => AvailableBytes is { } available ? PeakBytes <= available : null;

    /// <summary>
    /// Seconds that a step should take, from the operations of its matrix products and the rate at which this machine does some now; null
    /// where the run goes to a device that is not there.
    /// </summary>
    public required double? SecondsPerStep { get; init; }

    /// <summary>What takes less, the largest saving first.</summary>
    public required IReadOnlyList<TrainingPlanAdvice> Advice { get; init; }

    /// <summary>The plan as a table.</summary>
    public override string ToString()
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        var text = new StringBuilder();
        text.AppendLine(plain, $"{Method} of a {ModelType} model: {TrainedParameters:N0} parameters trained, {FrozenParameters:N0} frozen");
        text.AppendLine(plain, $"for {Lengths}; most memory at: {PeakMoment}").AppendLine();
        foreach (TrainingPlanRow row in Rows)
            text.AppendLine(plain, $"  {row.Component,-22}{Size(row.Bytes),12}  {row.Detail}");
        text.AppendLine(plain, $"  {"peak",-22}{Size(PeakBytes),12}  {Verdict()}");
        if (SecondsPerStep is { } seconds)
            text.AppendLine(plain, $"  {"time per step",-22}{seconds,10:G3} s  estimated from the rate of matrix products here");
        if (Advice.Count > 0)
            text.AppendLine().AppendLine(Fits == false ? "To make it fit:" : "What takes less:");
        foreach (TrainingPlanAdvice advice in Advice)
        {
            text.Append(plain, $"  {advice.Change,-58} saves {Size(advice.SavedBytes),9}, peak {Size(advice.PeakBytes),9}");
            text.AppendLine(plain, $"{(advice.Fits == true && Fits == false ? ", fits" : "")}  ({advice.Price})");
        }
        return text.ToString();
    }

    /// <summary>A number of bytes in words, such as <c>1.50 GB</c>.</summary>
    /// <param name="bytes">The number.</param>
    internal static string Size(long bytes) => bytes >= 1_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:N2} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB");

    private string Verdict() => AvailableBytes is not { } available ? "of a device whose memory is not known"
        : $"{(Fits == true ? "fits in" : "does NOT fit in")} the {Size(available)} that are free";
}
