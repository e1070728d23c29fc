namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>In which order the rows of a rollout are visited in one epoch.</summary>
internal interface IRowOrder
{
    /// <summary>A permutation of 0 .. rows-1, a fresh one for each call.</summary>
    int[] Next(int rows);
}
