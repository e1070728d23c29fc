using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>What was added to each prompt.</summary>
/// <param name="Tokens">Per row, the new tokens; an end token that was chosen is the last one.</param>
/// <param name="LogProbs">
/// Per new token, its natural log-probability under the model itself, before any option bent the distribution.
/// </param>
/// <param name="SampledLogProbs">
/// Per new token, its natural log-probability under the distribution it was drawn from; 0 without sampling.
/// </param>
/// <param name="Finished">Per row, whether it came to its end; false where it was cut by the length limit or the context.</param>
public sealed record GenerationResult(
    IReadOnlyList<int[]> Tokens, IReadOnlyList<float[]> LogProbs, IReadOnlyList<float[]> SampledLogProbs, IReadOnlyList<bool> Finished)
{
    /// <summary>
    /// [N, H] the final hidden state that each new token was chosen from, row after row, in the type and on the device of the model.
    /// Null unless <see cref="TokenGenerator.KeepsStates"/>. The caller of the generator owns it.
    /// </summary>
    internal Tensor? States { get; init; }
}
