using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// What bends the scores of the next token, for all rows of a batch at once. Negative infinity forbids a token. Pure; results are new.
/// </summary>
internal static class LogitsFilters
{
    /// <summary>Makes tokens that a row already holds less likely: arXiv:1909.05858, section 4.1.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="held">[R, n] int64 tokens of each row; a token may stand there more than once.</param>
    /// <param name="penalty">Greater than 1 discourages, below 1 encourages.</param>
    public static Tensor Penalize(Tensor scores, Tensor held, double penalty)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor before = scores.gather(-1, held);
        Tensor after = where(before < 0, before * penalty, before / penalty);
        return scores.scatter(-1, held, after).MoveToOuterDisposeScope();
    }

    /// <summary>Forbids tokens.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="tokens">[n] int64.</param>
    public static Tensor Forbid(Tensor scores, Tensor tokens) => scores.index_fill(-1, tokens, float.NegativeInfinity);

    /// <summary>Forbids tokens of single rows.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="banned">Rows and tokens.</param>
    public static Tensor Forbid(Tensor scores, IReadOnlyList<(int Row, int Token)> banned)
    {
        using DisposeScope scope = NewDisposeScope();
        long vocabulary = scores.shape[1];
        Tensor places = tensor([.. banned.Select(pair => (pair.Row * vocabulary) + pair.Token)], device: scores.device);
        return scores.reshape(-1).index_fill(0, places, float.NegativeInfinity).view(-1, vocabulary).MoveToOuterDisposeScope();
    }

    /// <summary>Forbids all tokens of some rows but one, whose score becomes 0.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="token">The one that is left.</param>
    public static Tensor Force(Tensor scores, IReadOnlyList<long> rows, int token)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor forced = tensor([.. rows], device: scores.device);
        Tensor places = (forced * scores.shape[1]) + token;
        Tensor left = scores.index_fill(0, forced, float.NegativeInfinity);
        return left.view(-1).index_fill_(0, places, 0).view(scores.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The k largest scores of each row, and those equal to the smallest of them.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="k">At least 1.</param>
    /// <returns>Scores in falling order and their tokens, [R, n] each; what is there beyond the k is forbidden.</returns>
    public static (Tensor Scores, Tensor Tokens) TopK(Tensor scores, int k)
    {
        const int Ties = 16; // in bfloat16 logits are often equal; more than so many ties are cut
        using DisposeScope scope = NewDisposeScope();
        long vocabulary = scores.shape[1];
        (Tensor best, Tensor tokens) = Largest(scores, (int)Math.Min(vocabulary, (long)k + Ties));
        if (k < vocabulary)
            best = best.masked_fill(best < best.narrow(1, k - 1, 1), float.NegativeInfinity);
        return (best.MoveToOuterDisposeScope(), tokens.MoveToOuterDisposeScope());
    }

    /// <summary>The likeliest tokens of each row that together reach a probability, at least one: arXiv:1904.09751.</summary>
    /// <param name="scores">[R, V].</param>
    /// <param name="probability">What they have to reach.</param>
    /// <returns>Scores in falling order and their tokens, [R, n] each; what is there beyond the likeliest is forbidden.</returns>
    public static (Tensor Scores, Tensor Tokens) TopP(Tensor scores, double probability)
    {
        const int FirstLook = 1024; // usually enough; only where it is not is the whole vocabulary sorted
        using DisposeScope scope = NewDisposeScope();
        Tensor logTotal = scores.logsumexp(-1, keepdim: true);
        (Tensor best, Tensor tokens) = scores.topk((int)Math.Min(FirstLook, scores.shape[1]));
        Tensor reached = best.logsumexp(-1, keepdim: true) - logTotal;
        if (best.shape[1] < scores.shape[1] && !(reached >= Math.Log(probability)).all().item<bool>())
            (best, tokens) = scores.sort(-1, descending: true);
        return (CutTail(best, logTotal, probability).MoveToOuterDisposeScope(), tokens.MoveToOuterDisposeScope());
    }

    /// <summary>As <see cref="TopP(Tensor, double)"/> over what another filter has left, in falling order already.</summary>
    /// <param name="scores">[R, n] in falling order.</param>
    /// <param name="probability">What the likeliest have to reach.</param>
    public static Tensor TopPSorted(Tensor scores, double probability)
    {
        using DisposeScope scope = NewDisposeScope();
        return CutTail(scores, scores.logsumexp(-1, keepdim: true), probability).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps tokens that are at least a given share as probable as the likeliest: arXiv:2407.01082.</summary>
    /// <param name="scores">[R, n].</param>
    /// <param name="share">In (0, 1].</param>
    public static Tensor MinP(Tensor scores, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor least = scores.amax([-1], true) + Math.Log(share);
        return scores.masked_fill(scores < least, float.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The tokens whose information is nearest to the entropy, as many as together reach a probability: arXiv:2202.00666.
    /// </summary>
    /// <param name="scores">[R, n].</param>
    /// <param name="probability">What they have to reach.</param>
    public static Tensor Typical(Tensor scores, double probability)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logProbs = scores.log_softmax(-1);
        Tensor distance = (-logProbs - Entropy(logProbs)).abs();                  // [R, n]
        (Tensor sorted, Tensor order) = distance.sort(-1);
        Tensor reached = logProbs.gather(-1, order).exp().cumsum(-1);
        Tensor last = (reached < probability).sum(-1, keepdim: true).clamp_max(scores.shape[1] - 1);
        return scores.masked_fill(distance > sorted.gather(-1, last), float.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps tokens that are at least so probable, and the likeliest: arXiv:2210.15191, section 4.</summary>
    /// <param name="scores">[R, n].</param>
    /// <param name="least">In (0, 1).</param>
    public static Tensor Epsilon(Tensor scores, double least)
    {
        using DisposeScope scope = NewDisposeScope();
        return CutBelow(scores, scores.log_softmax(-1), full(1, Math.Log(least), scores.dtype, scores.device)).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Epsilon"/> with a limit that falls with the entropy: arXiv:2210.15191, Eq. 4.</summary>
    /// <param name="scores">[R, n].</param>
    /// <param name="epsilon">In (0, 1).</param>
    public static Tensor Eta(Tensor scores, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logProbs = scores.log_softmax(-1);
        Tensor least = (-Entropy(logProbs) + (Math.Log(epsilon) / 2)).clamp_max(Math.Log(epsilon)); // [R, 1] of its logarithm
        return CutBelow(scores, logProbs, least).MoveToOuterDisposeScope();
    }

    private static Tensor Entropy(Tensor logProbs) // [R, n] -> [R, 1]; what is forbidden adds nothing
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor information = (logProbs.exp() * logProbs.clamp_min(float.MinValue)).sum(-1, keepdim: true);
        return (-information).MoveToOuterDisposeScope();
    }

    private static Tensor CutBelow(Tensor scores, Tensor logProbs, Tensor least)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor unlikely = (logProbs < least).logical_and(scores < scores.amax([-1], true));
        return scores.masked_fill(unlikely, float.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>Forbids what stands behind tokens that reach the probability already.</summary>
    private static Tensor CutTail(Tensor scores, Tensor logTotal, double probability)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor likely = (scores - logTotal).exp();
        Tensor before = likely.cumsum(-1) - likely;
        return scores.masked_fill(before >= probability, float.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// As topk, in less time where few of many are asked for: the n largest scores stand in the n groups with the largest maxima.
    /// </summary>
    private static (Tensor Scores, Tensor Tokens) Largest(Tensor scores, int count)
    {
        const int Group = 16;
        (long rows, long vocabulary) = (scores.shape[0], scores.shape[1]);
        if (4L * count * Group > vocabulary)
            return scores.topk(count);
        long rest = (Group - (vocabulary % Group)) % Group;
        Tensor even = rest == 0 ? scores : nn.functional.pad(scores, [0, rest], value: double.NegativeInfinity);
        long groups = even.shape[1] / Group; // a group is every so many-th token: its maximum is then a maximum of whole vectors
        (_, Tensor best) = even.view(rows, Group, groups).amax([1]).topk(count);                                         // [R, n]
        Tensor tokens = (best.unsqueeze(-1) + arange(0, even.shape[1], groups, device: scores.device)).view(rows, -1);   // [R, 16 n]
        (Tensor largest, Tensor places) = even.gather(-1, tokens).topk(count);
        return (largest, tokens.gather(-1, places));
    }
}
