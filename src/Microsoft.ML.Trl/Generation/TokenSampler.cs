using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>The next token of each row of a batch; all tensors [R].</summary>
/// <param name="Tokens">int64; -1 where the logits were not finite.</param>
/// <param name="LogProbs">float32 log-probability under the model itself.</param>
/// <param name="SampledLogProbs">float32 log-probability under the distribution it was drawn from; null without sampling.</param>
internal sealed record TokenChoice(Tensor Tokens, Tensor LogProbs, Tensor? SampledLogProbs);

/// <summary>Chooses the next token of every row from its logits, where the logits are. No state between calls.</summary>
/// <param name="options">Validated.</param>
/// <param name="endTokens">Tokens that end a row.</param>
internal sealed class TokenSampler(GenerationOptions options, IReadOnlyList<int> endTokens)
{
    /// <summary>Whether <see cref="Choose"/> needs the tokens that the rows hold.</summary>
    public bool NeedsContext => options.RepetitionPenalty != 1;

    /// <param name="logits">[R, V] float32 of the model.</param>
    /// <param name="context">[R, n] int64 tokens that the rows hold, in any order and number; null unless needed.</param>
    /// <param name="newTokens">How many were added to each row before.</param>
    /// <param name="uniforms">[R] float64 in [0, 1): each row's own random number; null unless tokens are drawn.</param>
    /// <returns>The caller owns the tensors.</returns>
    public TokenChoice Choose(Tensor logits, Tensor? context, int newTokens, Tensor? uniforms)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logTotal = logits.logsumexp(-1, keepdim: true); // [R, 1]
        Tensor scores = logits;
        if (options.RepetitionPenalty != 1)
            scores = LogitsFilters.Penalize(scores, context!, options.RepetitionPenalty);
        if (newTokens < options.MinNewTokens && endTokens.Count > 0)
            scores = LogitsFilters.Forbid(scores, tensor([.. endTokens.Select(id => (long)id)], device: logits.device));
        (Tensor tokens, Tensor? sampled) = options.DoSample
            ? Sample(scores, logTotal, uniforms!) : (scores.max(-1, keepdim: true).indexes, null); // max: half the time of argmax
        Tensor logProbs = logits.gather(-1, tokens) - logTotal;
        if (options.DoSample && ReferenceEquals(scores, logits) && !IsBent)
            sampled = logProbs;
        return new TokenChoice(
            tokens.masked_fill(logTotal.isfinite().logical_not(), -1).view(-1).MoveToOuterDisposeScope(),
            logProbs.view(-1).MoveToOuterDisposeScope(),
            sampled?.view(-1).MoveToOuterDisposeScope());
    }

    private bool IsBent => options.Temperature != 1 || options.TopK > 0 || options.TopP < 1 || options.MinP > 0;

    /// <summary>Bends the scores in the order of transformers, and draws.</summary>
    /// <returns>Tokens and their log-probabilities, [R, 1] each.</returns>
    private (Tensor Tokens, Tensor LogProbs) Sample(Tensor scores, Tensor logTotal, Tensor uniforms)
    {
        if (options.Temperature != 1)
            scores = scores / options.Temperature;
        Tensor? tokens = null; // of the scores that are left; null while all are
        if (options.TopK > 0)
            (scores, tokens) = LogitsFilters.TopK(scores, options.TopK);
        if (options.TopP < 1)
            (scores, tokens) = tokens is null
                ? LogitsFilters.TopP(scores, options.TopP)
                : (LogitsFilters.TopPSorted(scores, options.TopP), tokens);
        if (options.MinP > 0)
            scores = LogitsFilters.MinP(scores, options.MinP);
        (Tensor chosen, Tensor logProbs) = Draw(scores, uniforms);
        return (tokens is null ? chosen : tokens.gather(-1, chosen), logProbs);
    }

    /// <summary>
    /// The place at which the running sum of probabilities passes the row's random number. The sum is in double precision: with 53 random
    /// bits the product below is less than the whole sum, so that a place is always found, and no forbidden one.
    /// </summary>
    private static (Tensor Places, Tensor LogProbs) Draw(Tensor scores, Tensor uniforms)
    {
        Tensor top = scores.amax([-1], true);
        Tensor sums = (scores - top).exp_().cumsum(-1, ScalarType.Float64);        // [R, n]
        Tensor whole = sums.narrow(1, sums.shape[1] - 1, 1);                       // [R, 1]
        Tensor places = searchsorted(sums, whole * uniforms.unsqueeze(-1), right: true);
        places = places.clamp_max_(scores.shape[1] - 1); // for rows of NaN, which the caller refuses
        Tensor logProbs = scores.gather(-1, places) - top - whole.log().to_type(ScalarType.Float32);
        return (places, logProbs);
    }
}
