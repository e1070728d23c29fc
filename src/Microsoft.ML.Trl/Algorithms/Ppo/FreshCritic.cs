using TorchSharp;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Makes critics where none is given.</summary>
internal static class FreshCritic
{
    /// <summary>A critic on the policy's device. The caller owns it.</summary>
    public static ValueHead Of(CausalLanguageModel policy, PpoOptions options)
    {
        (ValueHeadOptions how, int width) = (options.ValueHead, policy.Config.OutputSize);
        ValueHead head = ValueHead.Create(width, options.Seed, how.VHeadInitStrategy, how.VHeadInitializerRange);
        head.to(policy.Device);
        return head;
    }
}
