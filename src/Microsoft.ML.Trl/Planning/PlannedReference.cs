namespace Microsoft.ML.Trl.Planning;

/// <summary>The model that a method compares the policy with, which is the policy as it was.</summary>
/// <param name="Kind">How its weights are held.</param>
/// <param name="Moves">Whether it follows the policy, so that it shares nothing with it.</param>
/// <param name="SharesLayers">Whether the layers that are not trained are the policy's.</param>
internal sealed record PlannedReference(ReferenceKind Kind, bool Moves = false, bool SharesLayers = false)
{
    /// <summary>That of a run; null where there is none, or nothing of it is left once training begins.</summary>
    /// <param name="options">Checked.</param>
    public static PlannedReference? Of(TrainingOptions options) => options switch
    {
        DpoOptions { ReferenceFree: true } or ReferenceOptions { PrecomputeRefLogProbs: true } or GroupOptions { Beta: 0 } => null,
        ReferenceOptions given => new(given.ReferenceModel, given.SyncRefModel),
        GroupOptions groups => new(groups.ReferenceModel, groups.SyncRefModel),
        OnlinePairOptions online => new(online.ReferenceModel),
        PpoOptions ppo => new(ppo.ReferenceModel, SharesLayers: ppo.NumSharedLayers is not null),
        _ => null,
    };
}
