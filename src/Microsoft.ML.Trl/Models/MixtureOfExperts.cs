using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>An expert that every token goes to, and the gate that scales what it gives: arXiv:2401.06066, section 3.2.</summary>
internal sealed record SharedExpert(nn.Module<Tensor, Tensor> Layer, ILinear Gate);

/// <summary>
/// Feed-forward layers of which each token goes to the few that a router finds likeliest: arXiv:1701.06538, arXiv:2401.04088, section 2.1.
/// </summary>
internal sealed class MixtureOfExperts : nn.Module<Tensor, Tensor>
{
    private readonly ILinear _router;
    private readonly IReadOnlyList<nn.Module<Tensor, Tensor>> _experts;
    private readonly SharedExpert? _shared;
    private readonly int _perToken;
    private readonly bool _normalizes;

    /// <param name="settings">Experts per token, and whether their weights add up to 1.</param>
    /// <param name="router">From a token to a logit for each expert.</param>
    /// <param name="experts">Named by their place below the layer.</param>
    /// <param name="shared">Null = none.</param>
    public MixtureOfExperts(
        ExpertSettings settings, ILinear router, IReadOnlyList<nn.Module<Tensor, Tensor>> experts, SharedExpert? shared)
        : base(settings.Names.Layer)
    {
        (_router, _experts, _shared) = (router, experts, shared);
        (_perToken, _normalizes) = (settings.PerToken, settings.NormalizesWeights);
        this.Own(router.Module);
        this.Own([.. experts]);
        if (shared is not null)
            this.Own(shared.Layer, shared.Gate.Module);
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <param name="x">[N, H].</param>
    /// <param name="load">Told where the tokens go; null = nobody.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    public Tensor Forward(Tensor x, RouterLoad? load)
    {
        using var scope = NewDisposeScope();
        ScalarType type = x.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor probabilities = _router.Forward(x).softmax(-1, type);     // [N, E]
        (Tensor weights, Tensor chosen) = probabilities.topk(_perToken); // [N, k] each
        load?.Add(probabilities, chosen);
        if (_normalizes)
            weights = weights / weights.sum(-1, keepdim: true);
        Tensor mixed = Mix(x, weights.to_type(x.dtype), chosen);
        if (_shared is not null)
            mixed = _shared.Gate.Forward(x).sigmoid().mul(_shared.Layer.forward(x)).add_(mixed);
        return mixed.MoveToOuterDisposeScope();
    }

    /// <summary>Brings the tokens of each expert together, asks those that have some, and adds up what they give.</summary>
    private Tensor Mix(Tensor x, Tensor weights, Tensor chosen) // -> [N, H]
    {
        using var scope = NewDisposeScope();
        Tensor experts = chosen.view(-1);                                                            // [N·k]
        long[] counts = experts.bincount(null, _experts.Count).cpu().data<long>().ToArray();         // [E]
        (_, Tensor order) = experts.sort(0, descending: false, stable: true);                        // [N·k] by expert
        Tensor tokens = order.div(_perToken, RoundingMode.floor).to_type(ScalarType.Int64);          // [N·k] row of x
        int[] busy = [.. Enumerable.Range(0, counts.Length).Where(expert => counts[expert] > 0)];
        if (busy.Length == 0)
            return zeros_like(x).MoveToOuterDisposeScope(); // there are no tokens
        Tensor[] parts = x.index_select(0, tokens).split([.. busy.Select(expert => counts[expert])]);
        Tensor given = cat([.. busy.Zip(parts, (expert, part) => _experts[expert].forward(part))]);  // [N·k, H]
        Tensor weighted = given * weights.view(-1).index_select(0, order).unsqueeze(-1);
        return zeros_like(x).index_add(0, tokens, weighted, 1).MoveToOuterDisposeScope();
    }
}
