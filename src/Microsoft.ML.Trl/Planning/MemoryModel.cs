using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>A moment of a run, with what each component takes then.</summary>
internal sealed record MemoryMoment(string Name, IReadOnlyList<TrainingPlanRow> Rows)
{
    public long Bytes => Rows.Sum(row => row.Bytes);
}

/// <summary>The moments at which a run may take most.</summary>
/// <param name="shape">What is trained.</param>
/// <param name="options">Checked.</param>
/// <param name="lengths">Of the texts.</param>
/// <param name="start">How the run begins.</param>
internal sealed class MemoryModel(ModelShape shape, TrainingOptions options, TextLengths lengths, StartFacts start)
{
    private readonly HeldMemory _held = new(shape, options, start);
    private readonly PassShape _pass = Passes.Training(options, lengths, shape.Config, start.IsCpu);
    private readonly int _size = MemoryHabits.Size(options);

    /// <summary>The pass whose backward pass takes most.</summary>
    public PassShape Pass => _pass;

    /// <summary>The moment at which the run takes most.</summary>
    public MemoryMoment Peak() => Moments().MaxBy(moment => moment.Bytes)!;

    /// <summary>All moments that may be that one.</summary>
    public IEnumerable<MemoryMoment> Moments()
    {
        yield return new MemoryMoment("opening of the model", [_held.Weights(), MadeOf()]);
        IReadOnlyList<TrainingPlanRow> held = [.. _held.Rows(), .. Snapshot(), .. Scratch()];
        var gradients = new GradientMemory(shape, options);
        foreach (MemoryMoment moment in new BackwardMemory(shape, options, _pass, gradients, start.IsCpu).Moments())
            yield return moment with { Rows = [.. held, .. moment.Rows] };
        yield return new MemoryMoment(
            "update of the weights", [.. held, gradients.AtTheEnd(), gradients.Widened(), gradients.OfTheUsers()]);
        if (start.Teacher is { } teacher)
            yield return new MemoryMoment("reading of the teacher", [.. held, gradients.Before(), teacher.Reading(_pass)]);
        if (PlannedSampling.Of(options) is { } sampling)
            foreach (MemoryMoment moment in Writers().SelectMany(writer =>
                sampling.Moments(writer, lengths, MemoryHabits.IsNarrow(options), start.IsCpu)))
                yield return moment with { Rows = [.. _held.Rows(), .. moment.Rows] };
    }

    /// <summary>Which models write completions.</summary>
    private IEnumerable<ModelShape> Writers() => options is not GkdOptions { SeqKd: true } gkd ? [shape]
        : gkd.Lmbda == 0 ? [start.Teacher!.Shape] : [shape, start.Teacher!.Shape];

    private TrainingPlanRow MadeOf() => new("weights it is made of", shape.Weights * start.SourceBytes, "gone once it is made");

    /// <summary>What PPO goes back to when an update fails.</summary>
    private IEnumerable<TrainingPlanRow> Snapshot()
    {
        long bytes = shape.Active.Sum(tensor => tensor.Count * (tensor.IsAdapter ? 4 : _size));
        return options is PpoOptions ? [new("copy of what is trained", bytes, "to go back to if an update fails")] : [];
    }

    /// <summary>Where matrices in few bits are widened.</summary>
    private IEnumerable<TrainingPlanRow> Scratch()
    {
        if (options.BaseQuantization == WeightQuantization.None)
            return [];
        long vocabulary = MemoryHabits.WidensHead(options.BaseQuantization) && shape.Model is CausalLanguageModel ? shape.Embedding : 0;
        long part = MemoryHabits.WidenedPart * (_size == 2 ? 3 : 2) / 2;
        return [new("widened weights", part + (vocabulary * _size), "a part of a matrix at a time, the vocabulary projection whole")];
    }
}

/// <summary>How a run begins.</summary>
/// <param name="IsCpu">Whether it runs on the CPU.</param>
/// <param name="SharesBase">Whether the weights that adapters stand beside are in memory already.</param>
/// <param name="SharesReference">Whether those of the reference are.</param>
/// <param name="SourceBytes">Bytes per number of a model that it is made of, which is in memory at the same time; 0 without one.</param>
internal sealed record StartFacts(bool IsCpu, bool SharesBase = false, bool SharesReference = false, int SourceBytes = 0)
{
    /// <summary>Whom a student learns from; null where nobody teaches.</summary>
    public PlannedTeacher? Teacher { get; init; }

    /// <summary>Of the run; null = nothing is in memory there.</summary>
    public Placement? Place { get; init; }
}
