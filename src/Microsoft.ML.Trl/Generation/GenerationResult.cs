using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// What was added to each prompt. With <see cref="GenerationOptions.NumReturnSequences"/> n, rows n·i to n·i + n - 1 belong to prompt i.
/// </summary>
/// <param name="Tokens">Per row, the new tokens; an end token that was chosen is the last one.</param>
/// <param name="LogProbs">
/// Per new token, its natural log-probability under the model itself, before any option bent the distribution.
/// </param>
/// <param name="SampledLogProbs">
/// Per new token, its natural log-probability under the distribution it was drawn from; 0 without sampling and for beams.
/// </param>
/// <param name="Finished">Per row, whether it came to its end; false where it was cut by the length limit or the context.</param>
public sealed record GenerationResult(
    IReadOnlyList<int[]> Tokens, IReadOnlyList<float[]> LogProbs, IReadOnlyList<float[]> SampledLogProbs, IReadOnlyList<bool> Finished)
{
    /// <summary>
    /// Per row, the score of its beam: the sum of log-probabilities after all options, over the number of new tokens to the power of
    /// <see cref="GenerationOptions.LengthPenalty"/>. The best row of a prompt comes first; a row for which no further text was found is
    /// empty and has negative infinity. Null without beams.
    /// </summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>
    /// [N, H] the final hidden state that each new token was chosen from, row after row, in the type and on the device of the model.
    /// Null unless <see cref="TokenGenerator.KeepsStates"/>. The caller of the generator owns it.
    /// </summary>
    internal Tensor? States { get; init; }
}
