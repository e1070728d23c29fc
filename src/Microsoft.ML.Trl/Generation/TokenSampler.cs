using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>The next token of each row of a batch; all tensors [R].</summary>
/// <param name="Tokens">int64; -1 where none can be chosen: the logits are not finite, or all tokens are forbidden.</param>
/// <param name="LogProbs">float32 log-probability under the model itself.</param>
/// <param name="SampledLogProbs">float32 log-probability under the distribution it was drawn from; null without sampling.</param>
internal sealed record TokenChoice(Tensor Tokens, Tensor LogProbs, Tensor? SampledLogProbs);

/// <summary>Chooses the next token of every row from its logits, where the logits are. No state between calls.</summary>
/// <param name="options">Validated.</param>
/// <param name="processors">What bends scores before.</param>
internal sealed class TokenSampler(GenerationOptions options, LogitsProcessors processors)
{
    /// <param name="logits">[R, V] float32 of the model.</param>
    /// <param name="context">[R, n] int64 tokens that the rows hold, in any order and number; null unless the processors need it.</param>
    /// <param name="newTokens">How many were added to each row before.</param>
    /// <param name="uniforms">[R] float64 in [0, 1): each row's own random number; null unless tokens are drawn.</param>
    /// <param name="rows">[R]; null unless a processor looks at what a row holds.</param>
    /// <returns>The caller owns the tensors.</returns>
    public TokenChoice Choose(
        Tensor logits, Tensor? context, int newTokens, Tensor? uniforms, IReadOnlyList<GrowingRow>? rows = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scores = processors.Apply(logits, context, newTokens, rows);
        (Tensor tokens, Tensor top, Tensor? sampled) = options.DoSample ? Sample(scores, uniforms!) : Likeliest(scores);
        bool isOfModel = options.DoSample && ReferenceEquals(scores, logits) && !options.BendsTheDraw; // what it was drawn from
        Tensor chosen = logits.gather(-1, tokens); // [R, 1]
        Tensor logTotal = isOfModel ? chosen - sampled! : logits.logsumexp(-1, keepdim: true);
        Tensor logProbs = isOfModel ? sampled! : chosen - logTotal;
        return new TokenChoice(
            tokens.masked_fill((logTotal + top).isfinite().logical_not(), -1).view(-1).MoveToOuterDisposeScope(),
            logProbs.view(-1).MoveToOuterDisposeScope(),
            sampled?.view(-1).MoveToOuterDisposeScope());
    }

    private static (Tensor Tokens, Tensor Top, Tensor? LogProbs) Likeliest(Tensor scores)
    {
        (Tensor top, Tensor tokens) = scores.max(-1, keepdim: true); // half the time of argmax
        return (tokens, top, null);
    }

    /// <summary>Bends the scores, and draws.</summary>
    /// <returns>Tokens, the largest score that was left, and log-probabilities, [R, 1] each.</returns>
    private (Tensor Tokens, Tensor Top, Tensor LogProbs) Sample(Tensor scores, Tensor uniforms)
    {
        (Tensor left, Tensor? tokens) = LogitsWarpers.Apply(scores, options);
        (Tensor chosen, Tensor top, Tensor logProbs) = Draw(left, uniforms);
        return (tokens is null ? chosen : tokens.gather(-1, chosen), top, logProbs);
    }

    /// <summary>
    /// The place at which the running sum of probabilities passes the row's random number. The sum is in double precision: with 53 random
    /// bits the product below is less than the whole sum, so that a place is always found, and no forbidden one.
    /// </summary>
    private static (Tensor Places, Tensor Top, Tensor LogProbs) Draw(Tensor scores, Tensor uniforms)
    {
        Tensor top = scores.amax([-1], true);
        Tensor sums = (scores - top).exp_().cumsum(-1, ScalarType.Float64);        // [R, n]
        Tensor whole = sums.narrow(1, sums.shape[1] - 1, 1);                       // [R, 1]
        Tensor places = searchsorted(sums, whole * uniforms.unsqueeze(-1), right: true);
        places = places.clamp_max_(scores.shape[1] - 1); // for rows of NaN, which the caller refuses
        Tensor logProbs = scores.gather(-1, places) - top - whole.log().to_type(ScalarType.Float32);
        return (places, top, logProbs);
    }
}
