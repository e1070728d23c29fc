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

    /// <summary>Adds a layer.</summary>
    /// <param name="probabilities">[B·T, E] float32 of the experts, for each token.</param>
    /// <param name="chosen">[B·T, k] int64 where it goes.</param>
    public void Add(Tensor probabilities, Tensor chosen)
    {
        using var scope = NewDisposeScope();
        Tensor hits = zeros_like(probabilities).scatter_(1, chosen, ones_like(chosen, probabilities.dtype)); // [B·T, E]
        Sum(ref _chosen, Real(hits).sum([0]));
        Sum(ref _probabilities, Real(probabilities).sum([0]));
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

    private Tensor Real(Tensor perToken) => _real is null ? perToken : perToken * _real;

    private void Sum(ref Tensor? sum, Tensor more)
    {
        Tensor? before = sum;
        sum = (before is null ? more : before + more).MoveToOtherDisposeScope(_scope);
        before?.Dispose();
    }
}
