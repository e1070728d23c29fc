using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>How a reference follows the policy: arXiv:2404.09656, Eq. 3.</summary>
/// <param name="Steps">Optimizer steps between two moves. At least 1.</param>
/// <param name="Alpha">Share of the policy in the new reference, in [0, 1].</param>
internal sealed record ReferenceSync(int Steps, double Alpha);

/// <summary>A second model that the policy is held against; it follows the policy where that is asked for.</summary>
internal sealed class HeldModel : IDisposable
{
    private readonly bool _owned;
    private readonly ReferenceSync? _sync;

    /// <param name="network">Its weights change only when it follows.</param>
    /// <param name="owned">Whether to dispose it at the end.</param>
    /// <param name="sync">When and how far to follow; null = never.</param>
    public HeldModel(CausalLanguageModel network, bool owned, ReferenceSync? sync)
    {
        (Network, _owned, _sync) = (network, owned, sync);
        network.eval(); // no dropout in a reference
    }

    /// <summary>Only read.</summary>
    public CausalLanguageModel Network { get; }

    /// <summary>One that was given, or a copy of the policy as it is now.</summary>
    /// <param name="policy">As it is before the first step.</param>
    /// <param name="given">A reference of the caller's; null = the policy as it is.</param>
    /// <param name="kind">How a copy is held.</param>
    /// <param name="sync">When and how far to follow; null = never.</param>
    public static HeldModel Of(CausalLanguageModel policy, CausalLanguageModel? given, ReferenceKind kind, ReferenceSync? sync) =>
        new(given ?? (sync is not null ? policy.Copy() : policy.CreateReferenceModel(kind)), owned: given is null, sync);

    /// <summary>Called after each optimizer step.</summary>
    /// <param name="policy">The weights as they are now.</param>
    /// <param name="step">Counted from 1.</param>
    public void Follow(CausalLanguageModel policy, int step)
    {
        if (_sync is null || step % _sync.Steps != 0)
            return;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Dictionary<string, Tensor> ours = policy.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor theirs) in Network.Weights())
            theirs.mul_(1 - _sync.Alpha).add_(ours[name], _sync.Alpha); // reference = α policy + (1-α) reference
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_owned)
            Network.Dispose();
    }
}
