
namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>What the policy is held against.</summary>
internal interface IPairReference : IDisposable
{
    /// <summary>Log-probabilities of the answers of a batch. They belong to the current scope.</summary>
    PairLogProbs Score(PairBatch batch);

    /// <summary>Called after each optimizer step.</summary>
    /// <param name="policy">The weights as they are now.</param>
    /// <param name="step">Counted from 1.</param>
    void Follow(CausalLanguageModel policy, int step);
}
