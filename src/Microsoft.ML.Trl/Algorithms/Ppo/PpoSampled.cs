namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What the policy computed for the tokens of a batch when it drew them.</summary>
/// <param name="LogProbs">[N] under the model itself, before any option bent the distribution.</param>
/// <param name="States">[N] of [H]: the final hidden state that each token was drawn from.</param>
internal sealed record PpoSampled(float[] LogProbs, float[][] States);
