using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>A reference that finds every answer equally likely.</summary>
internal sealed class NoReference : IPairReference
{
    public PairLogProbs Score(PairBatch batch)
    {
        Tensor nothing = zeros(batch.Size, device: batch.Tokens.Ids.device);
        return new PairLogProbs(nothing, nothing);
    }

    public void Follow(CausalLanguageModel policy, int step)
    {
    }

    public void Dispose()
    {
    }
}
