using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>Gradients, and what an update makes of them.</summary>
/// <param name="shape">What is trained.</param>
/// <param name="options">Checked.</param>
internal sealed class GradientMemory(ModelShape shape, TrainingOptions options)
{
    private const long MostWidened = 2 * ParameterPart.MostWidened;

    private readonly int _size = MemoryHabits.Size(options);
    private readonly bool _isNarrow = MemoryHabits.IsNarrow(options);

    /// <summary>All of the model, as far as they exist at once.</summary>
    public TrainingPlanRow AtTheEnd() => Row(options.OptimizerInBackward ? Of(tensor => tensor.Block is null) : All);

    /// <summary>Those of earlier passes of a step, while another is read.</summary>
    public TrainingPlanRow Before() => Row(AccumulatesBefore ? All : 0);

    /// <summary>Those that exist while the backward pass goes through a block.</summary>
    /// <param name="above">Blocks that it has left.</param>
    /// <param name="block">In which it is; null = it is in the head.</param>
    /// <param name="isLast">Whether nothing but embeddings is left.</param>
    public TrainingPlanRow While(IReadOnlySet<Block> above, Block? block, bool isLast)
    {
        if (AccumulatesBefore)
            return Row(All);
        bool isThere(TrainedTensor tensor) =>
            tensor.Block is { } home && (home == block || (!options.OptimizerInBackward && above.Contains(home)));
        long outside = isLast ? Of(tensor => tensor.Block is null) : shape.TrainsHead ? HeadGradient : 0;
        return Row(outside + (block is null ? 0 : Of(isThere)));
    }

    /// <summary>What is there in float32 of narrow gradients and weights.</summary>
    public TrainingPlanRow Widened()
    {
        long narrow = shape.Active.Where(tensor => !tensor.IsAdapter).Sum(tensor => tensor.Count);
        return new("widened by the update", Math.Min(MostWidened, narrow) * MemoryHabits.WidenedBytes(options), "some at a time");
    }

    /// <summary>What an optimizer of the user's computes with.</summary>
    public TrainingPlanRow OfTheUsers() => new(
        "step of OptimizerFactory", shape.Active.Sum(tensor => tensor.Count) * MemoryHabits.OwnStepBytes(options),
        "counted as that of TorchSharp's AdamW");

    /// <summary>Whether gradients of an earlier pass are there while one begins.</summary>
    private bool AccumulatesBefore => options switch
    {
        EpochOptions epochs => epochs.GradientAccumulationSteps > 1,
        PpoOptions ppo => ppo.GradientAccumulationSteps > 1,
        _ => false,
    };

    /// <summary>That of the projection to the vocabulary, which is made first; of 16-bit weights with its float32 sum.</summary>
    private long HeadGradient => shape.Embedding * (_size + (_isNarrow ? 4 : 0));

    private long All => Of(_ => true);

    private long Of(Func<TrainedTensor, bool> which) => shape.Active.Where(which).Sum(
        tensor => tensor.Count * (tensor.IsAdapter ? 4 : _size + (_isNarrow && AccumulatesBefore ? 4 : 0)));

    private TrainingPlanRow Row(long bytes) => new(
        "gradients", bytes, FormattableString.Invariant(
            $"of {shape.Active.Sum(tensor => tensor.Count):N0} numbers, {TrainingPlan.Size(AtOnce)} at once"));

    private long AtOnce => options.OptimizerInBackward
        ? Of(tensor => tensor.Block is null) + shape.Blocks.Max(part => Of(tensor => tensor.Block == part.Block))
        : All;
}
