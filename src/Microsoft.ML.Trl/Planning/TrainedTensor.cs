using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>A tensor that is trained.</summary>
/// <param name="Shape">Of it.</param>
/// <param name="Block">Where it stands; null = outside all blocks.</param>
/// <param name="IsAdapter">Whether an adapter has it, which is float32.</param>
internal sealed record TrainedTensor(long[] Shape, Block? Block, bool IsAdapter)
{
    /// <summary>How many numbers it has.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));
}
