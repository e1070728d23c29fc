using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// How the routers of one pass spread its tokens over their experts, padding left out: what the load-balancing loss is made of. Its
/// tensors belong to the dispose scope it was made in.
/// </summary>
internal sealed class RouterLoad
{
    private readonly Tensor? _real; // [B·T, 1] float32, 1 at real tokens; null where all are
    private readonly long _tokens;
    private readonly DisposeScope _scope = CurrentDisposeScope!;
    private Tensor? _chosen, _probabilities; // [E] sums over tokens and layers; the second with gradient
    private int _layers;

    private RouterLoad(Tensor? real, long tokens) => (_real, _tokens) = (real, tokens);

    /// <param name="ids">[B, T] of the pass, padded on the right.</param>
    /// <param name="lengths">Real tokens of each row.</param>
    /// <param name="paddingFree">Whether real tokens alone pass.</param>
    public RouterLoad(Tensor ids, IReadOnlyList<int> lengths, bool paddingFree = false)
    {
        using var scope = NewDisposeScope();
        _tokens = lengths.Sum(length => (long)length);
        if (!paddingFree)
            _real = ScoredTokens.Mask(ids, lengths).view(-1, 1).to_type(ScalarType.Float32).MoveToOtherDisposeScope(_scope);
    }

    /// <summary>[B·T, 1] float32, 1 at real tokens; null where all are.</summary>
    public Tensor? Real => _real;

    /// <summary>[E] tokens that went to each expert, summed over layers; null before the first.</summary>
    public Tensor? Chosen => _chosen;

    /// <summary>[E] probabilities of each expert, summed over tokens and layers, with gradient; null before the first layer.</summary>
    public Tensor? Probabilities => _probabilities;

    /// <summary>An empty one for the same tokens, for a part of the pass. Its tensors belong to the current scope.</summary>
    /// <param name="real">As <see cref="Real"/>.</param>
    public RouterLoad Part(Tensor? real) => new(real, _tokens);

    /// <summary>Adds a layer that a part of the pass has counted.</summary>
    /// <param name="chosen">[E] its <see cref="Chosen"/>, taken over; null = it has no experts.</param>
    /// <param name="probabilities">[E] its <see cref="Probabilities"/>.</param>
    public void AddPart(Tensor? chosen, Tensor? probabilities)
    {
        if (chosen is null || probabilities is null)
            return;
        using var scope = NewDisposeScope();
        using (chosen)
            Sum(ref _chosen, chosen.alias());
        Sum(ref _probabilities, probabilities.alias());
        _layers++;
    }

    /// <summary>Adds a layer.</summary>
    /// <param name="probabilities">[B·T, E] float32 of the experts, for each token.</param>
    /// <param name="chosen">[B·T, k] int64 where it goes.</param>
    public void Add(Tensor probabilities, Tensor chosen)
    {
        using var scope = NewDisposeScope();
        Tensor hits = zeros_like(probabilities).scatter_(1, chosen, ones_like(chosen, probabilities.dtype)); // [B·T, E]
        Sum(ref _chosen, OfReal(hits).sum([0]));
        Sum(ref _probabilities, OfReal(probabilities).sum([0]));
        _layers++;
    }

    /// <summary>
    /// E Σ f p over the experts: f tokens that go to an expert, p its mean probability, both per token and layer. arXiv:2101.03961, Eq. 4
    /// to 6, as transformers has it: f adds up to the number of experts per token.
    /// </summary>
    /// <returns>A scalar with gradient. The caller owns it.</returns>
    public Tensor Loss()
    {
        using var scope = NewDisposeScope();
        double all = (double)_tokens * _layers, scale = _chosen!.shape[0] / (all * all);
        return (_chosen * _probabilities!).sum().mul(scale).MoveToOuterDisposeScope();
    }

    private Tensor OfReal(Tensor perToken) => _real is null ? perToken : perToken * _real;

    private void Sum(ref Tensor? sum, Tensor more)
    {
        Tensor? before = sum;
        sum = (before is null ? more : before + more).MoveToOtherDisposeScope(_scope);
        before?.Dispose();
    }
}
