using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>How a checkpoint names the parts of a mixture of experts.</summary>
/// <param name="Layer">The layer below a block's place; the router is its <c>gate</c>, the experts its <c>experts</c>.</param>
/// <param name="Gate">The gate of an expert.</param>
/// <param name="Up">Its input.</param>
/// <param name="Down">Its output.</param>
internal sealed record ExpertNames(string Layer, string Gate, string Up, string Down);

/// <summary>The mixture of experts of a family that has one. Immutable.</summary>
internal sealed record ExpertSettings
{
    public required ExpertNames Names { get; init; }

    /// <summary>Key of <see cref="Count"/> in <c>config.json</c>.</summary>
    public required string CountKey { get; init; }

    /// <summary>Experts of a layer, E.</summary>
    public required int Count { get; init; }

    /// <summary>Experts that a token goes to, k.</summary>
    public required int PerToken { get; init; }

    /// <summary>Width inside an expert.</summary>
    public required int Width { get; init; }

    /// <summary>Width inside the expert that every token goes to; null without one.</summary>
    public int? SharedWidth { get; init; }

    /// <summary>Whether the weights of the k experts of a token add up to 1.</summary>
    public bool NormalizesWeights { get; init; }

    /// <summary>A mixture in every so many blocks; the others have a plain feed-forward layer.</summary>
    public int SparseStep { get; init; } = 1;

    /// <summary>Blocks with a plain feed-forward layer in any case.</summary>
    public IReadOnlyList<int> DenseLayers { get; init; } = [];

    /// <summary>Whether the load-balancing loss is part of the model's own loss.</summary>
    public bool OutputsRouterLogits { get; init; }

    /// <summary>Its weight there.</summary>
    public double AuxiliaryLossWeight { get; init; }

    /// <summary>Whether a block has a mixture.</summary>
    public bool IsSparse(int layer) => (layer + 1) % SparseStep == 0 && !DenseLayers.Contains(layer);

    /// <summary>How many of the first blocks have one.</summary>
    public int SparseLayers(int layers) => (layers / SparseStep)
        - DenseLayers.Distinct().Count(layer => layer >= 0 && layer < layers && (layer + 1) % SparseStep == 0);

    /// <summary>Reads what all families have under the same keys.</summary>
    public ExpertSettings WithLoss(JsonFields fields) => this with
    {
        OutputsRouterLogits = fields.Flag("output_router_logits", false),
        AuxiliaryLossWeight = fields.Number("router_aux_loss_coef", 0.001),
    };

    /// <summary>Writes that.</summary>
    public void WriteShared(JsonObject json)
    {
        json[CountKey] = Count;
        json["num_experts_per_tok"] = PerToken;
        json["output_router_logits"] = OutputsRouterLogits;
        json["router_aux_loss_coef"] = AuxiliaryLossWeight;
    }

    /// <summary>Checks that the numbers fit together.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    public void Check(string source)
    {
        foreach ((string name, int value) in new[]
        {
            (CountKey, Count), ("width of an expert", Width), ("width of the shared expert", SharedWidth ?? 1),
            ("decoder_sparse_step", SparseStep),
        })
            if (value < 1)
                throw new InvalidDataException($"{source}: the {name} is {value}; it must be at least 1.");
        if (PerToken < 1 || PerToken > Count)
            throw new InvalidDataException(
                $"{source}: num_experts_per_tok is {PerToken}, but a layer has {Count} experts; give a number from 1 to {Count}.");
        if (!(AuxiliaryLossWeight >= 0 && double.IsFinite(AuxiliaryLossWeight)))
            throw new InvalidDataException(FormattableString.Invariant(
                $"{source}: router_aux_loss_coef is {AuxiliaryLossWeight}; it must be a finite number, 0 or greater."));
    }
}
