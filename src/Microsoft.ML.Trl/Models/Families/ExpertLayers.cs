using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>Puts the feed-forward layers of families with experts together.</summary>
internal static class ExpertLayers
{
    /// <summary>The layer of a block: a mixture of experts, or LLaMA's feed-forward layer where the block has none.</summary>
    /// <param name="config">Of a family of LLaMA's parts.</param>
    /// <param name="at">Place of the block in the checkpoint.</param>
    /// <param name="layer">Its number, from 0.</param>
    public static nn.Module<Tensor, Tensor> Compose(ModelConfig config, WeightPath at, int layer)
    {
        if (config.Experts is not { } experts || !experts.IsSparse(layer))
            return LlamaFamily.FeedForward(config, at);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        WeightPath place = at.At(experts.Names.Layer);
        ILinear Linear(string name, long inputs, long outputs) => place.Linear(name, inputs, outputs, initializer, hasBias: false);
        nn.Module<Tensor, Tensor> Expert(string name, ExpertNames names, long width) => new GatedFeedForward(
            name, Activations.Named(config.Activation), Linear($"{name}.{names.Gate}", config.HiddenSize, width),
            Linear($"{name}.{names.Up}", config.HiddenSize, width), Linear($"{name}.{names.Down}", width, config.HiddenSize));
        ILinear router = Linear("gate", config.HiddenSize, experts.Count);
        return new MixtureOfExperts(
            experts, router,
            [.. Enumerable.Range(0, experts.Count).Select(expert => Expert($"experts.{expert}", experts.Names, experts.Width))],
            experts.SharedWidth is { } shared
                ? new SharedExpert(Expert("shared_expert", experts.Names, shared), Linear("shared_expert_gate", config.HiddenSize, 1))
                : null);
    }
}
