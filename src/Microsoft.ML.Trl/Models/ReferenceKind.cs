namespace Microsoft.ML.Trl;

/// <summary>How DPO and PPO hold the reference that a policy is measured against.</summary>
public enum ReferenceKind
{
    /// <summary>In the type of the policy: the start model itself where it is in memory in the right place; a copy elsewhere.</summary>
    Full,

    /// <summary>
    /// A copy with <see cref="WeightQuantization.Int8"/> weights, made matrix by matrix: a quarter of the memory, on the CPU alone. Its
    /// log-probabilities are a little off; so is what is learnt.
    /// </summary>
    Int8,
}
