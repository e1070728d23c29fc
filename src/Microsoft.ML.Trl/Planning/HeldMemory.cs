namespace Microsoft.ML.Trl.Planning;

/// <summary>What a run holds from its begin to its end.</summary>
/// <param name="shape">What is trained.</param>
/// <param name="options">Checked.</param>
/// <param name="start">How the run begins.</param>
internal sealed class HeldMemory(ModelShape shape, TrainingOptions options, StartFacts start)
{
    private readonly int _size = MemoryHabits.Size(options);

    /// <summary>All of it.</summary>
    public IEnumerable<TrainingPlanRow> Rows()
    {
        yield return start.SharesBase ? Weights() with { Bytes = 0, Detail = "in memory already, and shared" } : Weights();
        if (options.Peft is not null)
            yield return Adapters();
        if (ReferenceWeights() is { } reference)
            yield return reference;
        if (start.Teacher is { } teacher)
            yield return teacher.Weights(options, start.Place);
        if (options is PpoOptions)
            yield return new("value head", (shape.Config.OutputSize + 1) * 4L, "float32");
        yield return Optimizer();
        if (options.LoadBestModelAtEnd && start.IsCpu)
            yield return new("best weights", Trained * _size, $"a copy in {TypeName}");
        if (options.WeightAveraging is { } averaging && start.IsCpu)
        {
            int copies = averaging.IsCorrected ? 3 : 1;
            yield return new("average of the weights", Trained * 4 * copies, $"{copies} in float32");
        }
    }

    /// <summary>Those of the model.</summary>
    public TrainingPlanRow Weights() => new(
        "weights", MemoryHabits.WeightBytes(shape, options.BaseQuantization, _size),
        Text($"{shape.Weights:N0} numbers in {TypeName}{(IsQuantized ? $", matrices in {options.BaseQuantization}" : "")}"));

    private bool IsQuantized => options.BaseQuantization != WeightQuantization.None;

    private string TypeName => MemoryHabits.TypeName(options);

    private long Trained => shape.TrainedWeights + shape.AdapterWeights;

    private TrainingPlanRow Adapters() => new(
        "adapters", ((shape.AdapterWeights + shape.AdapterStart) * 4) + (shape.TrainedWeights * _size),
        Text($"{shape.AdapterWeights:N0} numbers in float32{(shape.TrainedWeights > 0 ? ", and copies of what is trained whole" : "")}"));

    private TrainingPlanRow? ReferenceWeights()
    {
        if (PlannedReference.Of(options) is not { } reference || (options.Peft is not null && !reference.Moves))
            return null; // with adapters it is the policy without them
        if (reference.Kind == ReferenceKind.Int8)
            return new("reference", MemoryHabits.WeightBytes(shape, WeightQuantization.Int8, _size), "a copy, matrices in Int8");
        if (start.SharesReference && !reference.Moves)
            return new("reference", 0, "in memory already, and shared");
        return new("reference", (reference.SharesLayers ? shape.UnsharedWeights : shape.Weights) * _size, $"a copy in {TypeName}");
    }

    private TrainingPlanRow Optimizer()
    {
        long state = shape.Active.Sum(tensor => MemoryHabits.StateBytes(options, tensor.Shape));
        long masters = shape.Active.Where(tensor => !tensor.IsAdapter).Sum(tensor => tensor.Count) * MemoryHabits.MasterBytes(options);
        bool isGiven = options.OptimizerFactory is not null, isAway = MemoryHabits.KeepsStateInFiles(options);
        double perNumber = (double)state / Math.Max(1, shape.Active.Sum(tensor => tensor.Count));
        string rule = isGiven ? "OptimizerFactory, whose state is not known: counted as AdamW's" : $"{options.Optim}";
        return new(
            "optimizer", (isAway && !isGiven ? 0 : state) + (isAway ? 0 : masters),
            Text($"{rule}: {Math.Round(perNumber, 2)} bytes per number{(masters > 0 ? ", and a float32 master" : "")}")
                + (isAway ? ", in files" : ""));
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
