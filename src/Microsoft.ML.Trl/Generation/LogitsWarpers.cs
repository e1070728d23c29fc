using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Bends the distribution that tokens are drawn from: transformers' logits warpers, in their order.</summary>
internal static class LogitsWarpers
{
    /// <param name="scores">[R, V] float32.</param>
    /// <param name="options">Validated.</param>
    /// <returns>
    /// Scores that are left and their tokens, [R, n] each; what is forbidden among them is negative infinity. Tokens are null where all are
    /// left in their order.
    /// </returns>
    public static (Tensor Scores, Tensor? Tokens) Apply(Tensor scores, GenerationOptions options)
    {
        if (options.Temperature != 1)
            scores = scores / options.Temperature;
        Tensor? tokens = null;
        if (options.TopK > 0)
            (scores, tokens) = LogitsFilters.TopK(scores, options.TopK);
        if (options.TopP < 1)
            (scores, tokens) = tokens is null
                ? LogitsFilters.TopP(scores, options.TopP)
                : (LogitsFilters.TopPSorted(scores, options.TopP), tokens);
        if (options.MinP > 0)
            scores = LogitsFilters.MinP(scores, options.MinP);
        if (options.TypicalP < 1)
            scores = LogitsFilters.Typical(scores, options.TypicalP);
        if (options.EpsilonCutoff > 0)
            scores = LogitsFilters.Epsilon(scores, options.EpsilonCutoff);
        if (options.EtaCutoff > 0)
            scores = LogitsFilters.Eta(scores, options.EtaCutoff);
        return (scores, tokens);
    }

    /// <summary>The same as scores of all tokens, of which at least some stay: those that were the likeliest.</summary>
    /// <param name="scores">[R, V] float32.</param>
    /// <param name="options">Validated.</param>
    /// <param name="kept">How many stay at least; transformers' <c>min_tokens_to_keep</c>.</param>
    /// <returns>[R, V].</returns>
    public static Tensor ApplyToAll(Tensor scores, GenerationOptions options, int kept)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor left, Tensor? tokens) = Apply(scores, options);
        if (tokens is not null)
            left = full_like(scores, float.NegativeInfinity).scatter(-1, tokens, left);
        (Tensor best, Tensor places) = (scores / options.Temperature).topk((int)Math.Min(kept, scores.shape[1]));
        return left.scatter(-1, places, best).MoveToOuterDisposeScope();
    }
}
