using System.Globalization;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>Makes the model that the KL of a trained model is measured to.</summary>
public static class ReferenceModelExtensions
{
    /// <summary>
    /// A frozen model with the weights that this one has now: TRL's <c>create_reference_model</c>. Its first layers may be shared: they
    /// take no memory of their own, and are frozen in this model too. Where adapters are trained, it is this model without them, and takes
    /// no memory of its own at all.
    /// </summary>
    /// <param name="model">Frozen below the first layer that is not shared; otherwise as it was. The caller keeps it.</param>
    /// <param name="numSharedLayers">
    /// Blocks that are shared, with the embeddings below them. From 0, the embeddings alone, to one less than there are.
    /// Null = nothing is shared. Where the vocabulary projection is the token embedding, it is shared too. Of an encoder-decoder: blocks of
    /// the decoder, with the embedding and the whole encoder.
    /// </param>
    /// <param name="pattern">
    /// Where sharing ends, in place of block <paramref name="numSharedLayers"/>: at the first weight whose name has this in it. The number
    /// stands for <c>{layer}</c>, as in <c>transformer.h.{layer}.mlp</c>. Null = at the block's first weight.
    /// </param>
    /// <returns>
    /// In evaluation; no weight has a gradient. The caller owns it. Either model may be disposed first: what they share lives as long as
    /// one of them. To train a shared weight again (<c>requires_grad</c>) changes both.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// There are not as many layers, no weight has the pattern in its name, or layers are to be shared although adapters are trained.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static CausalLanguageModel CreateReferenceModel(
        this CausalLanguageModel model, int? numSharedLayers = null, string? pattern = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Body.ThrowIfDisposed();
        if (model.Adapters is { IsTrained: true })
            return SharingAll(model, numSharedLayers);
        using var scope = TorchSharp.torch.NewDisposeScope();
        IReadOnlySet<string> shared = model.FreezeFirst(numSharedLayers, pattern);
        var reference = new CausalLanguageModel(model.Config, new ReferenceWeights(model, shared));
        foreach ((_, Tensor weight) in reference.Weights())
            weight.requires_grad = false;
        reference.eval();
        return reference;
    }

    private static CausalLanguageModel SharingAll(CausalLanguageModel model, int? numSharedLayers)
    {
        if (numSharedLayers is not null)
            throw new ArgumentException(
                $"numSharedLayers ({numSharedLayers}) has no meaning where adapters are trained: reference and model share all layers; "
                + "leave it null.", nameof(numSharedLayers));
        CausalLanguageModel reference = model.Sharing(withTrained: false);
        reference.eval();
        return reference;
    }

    /// <summary>Freezes the embeddings and the first layers of a model.</summary>
    /// <returns>Names of the weights that lie there.</returns>
    /// <inheritdoc cref="CreateReferenceModel" />
    internal static IReadOnlySet<string> FreezeFirst(this CausalLanguageModel model, int? numSharedLayers, string? pattern = null)
    {
        if (numSharedLayers is not { } count)
            return pattern is null
                ? new HashSet<string>()
                : throw new ArgumentException(
                    $"pattern ('{pattern}') says where sharing ends, but nothing is shared; set numSharedLayers too.", nameof(pattern));
        if (pattern is "")
            throw new ArgumentException("pattern is empty; give a part of the names of weights, or null.", nameof(pattern));
        int layers = model.Config.LayerCount;
        if (count < 0 || count >= layers)
            throw new ArgumentOutOfRangeException(
                nameof(numSharedLayers),
                $"numSharedLayers ({count}) must lie between 0 and {layers - 1}: the model has {layers} layers, "
                + "and the last one is left to be trained.");
        string end = (pattern ?? $"{model.Config.Family.DecoderName}.{model.Body.BlocksName}.{{layer}}.").Replace(
            "{layer}", count.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        (string Name, Tensor Value)[] weights = [.. model.Weights()];
        (string Name, Tensor Value)[] first = [.. weights.TakeWhile(weight => !weight.Name.Contains(end, StringComparison.Ordinal))];
        if (first.Length == weights.Length)
            throw new ArgumentException(
                $"No weight has '{end}' in its name, so all would be shared; names are such as {weights[^1].Name}.", nameof(pattern));
        foreach ((_, Tensor weight) in first)
            weight.requires_grad = false;
        return first.Select(weight => weight.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Clones the weights of a model, but for those that are shared: these get a second handle on the same memory.</summary>
    private sealed class ReferenceWeights(CausalLanguageModel model, IReadOnlySet<string> shared) : WeightSource
    {
        private readonly Dictionary<string, Tensor> _weights = model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);

        protected override Tensor Make(string name, Initializer initializer, long[] shape)
        {
            Tensor value = _weights[name].detach();
            return shared.Contains(name) ? value : value.clone();
        }
    }
}
