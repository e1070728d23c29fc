using System.Buffers;
using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Chooses the next token of one row from its logits. Works on the host, without state between calls.</summary>
/// <param name="options">Validated.</param>
/// <param name="endTokens">Tokens that end a row.</param>
internal sealed class TokenSampler(GenerationOptions options, IReadOnlyList<int> endTokens)
{
    private readonly IReadOnlyList<ILogitsFilter> _filters = LogitsFilters.Of(options, endTokens);

    /// <param name="logits">[V] of the model; overwritten.</param>
    /// <param name="context">Prompt and new tokens of the row.</param>
    /// <param name="newTokens">How many of them are new.</param>
    /// <param name="random">The row's own chance.</param>
    /// <returns>The token, its log-probability under the model, and under the distribution it was drawn from.</returns>
    /// <exception cref="InvalidOperationException">The largest logit is not a finite number.</exception>
    public (int Token, float LogProb, float SampledLogProb) Choose(Span<float> logits, ReadOnlySpan<int> context, int newTokens, RowRandom random)
    {
        float[] model = ArrayPool<float>.Shared.Rent(logits.Length);
        float[] weights = ArrayPool<float>.Shared.Rent(logits.Length);
        try
        {
            logits.CopyTo(model);
            logits.CopyTo(weights);
            double modelSum = SumExp.InPlace(weights.AsSpan(0, logits.Length));
            foreach (ILogitsFilter filter in _filters)
                filter.Apply(context, newTokens, logits);
            (int token, float sampled) = !options.DoSample
                ? (TensorPrimitives.IndexOfMax((ReadOnlySpan<float>)logits), 0)
                : _filters.Count == 0 ? DrawFromAll(logits, weights, modelSum, random.Uniform(newTokens)) : DrawFromKept(logits, weights, random.Uniform(newTokens));
            return (token, (float)(model[token] - modelSum), sampled);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(model);
            ArrayPool<float>.Shared.Return(weights);
        }
    }

    private static (int Token, float LogProb) DrawFromAll(ReadOnlySpan<float> scores, float[] weights, double logSum, double share)
    {
        int token = Draw(weights.AsSpan(0, scores.Length), share);
        return (token, (float)(scores[token] - logSum));
    }

    /// <summary>The same over what the filters left, which is often little.</summary>
    private static (int Token, float LogProb) DrawFromKept(ReadOnlySpan<float> scores, float[] weights, double share)
    {
        int[] tokens = ArrayPool<int>.Shared.Rent(scores.Length);
        int count = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (scores[i] == float.NegativeInfinity)
                continue;
            weights[count] = scores[i];
            tokens[count++] = i;
        }
        double logSum = SumExp.InPlace(weights.AsSpan(0, count));
        int token = tokens[Draw(weights.AsSpan(0, count), share)];
        ArrayPool<int>.Shared.Return(tokens);
        return (token, (float)(scores[token] - logSum));
    }

    /// <summary>The place at which the running sum of weights passes a share of the whole.</summary>
    private static int Draw(ReadOnlySpan<float> weights, double share)
    {
        double target = 0;
        for (int start = 0; start < weights.Length; start += SumExp.Block)
            target += BlockSum(weights, start);
        target *= share;
        double before = 0;
        for (int start = 0; start < weights.Length; start += SumExp.Block)
        {
            double sum = BlockSum(weights, start);
            if (before + sum <= target)
            {
                before += sum;
                continue;
            }
            int end = Math.Min(start + SumExp.Block, weights.Length);
            for (int i = start; i < end; i++)
                if ((before += weights[i]) > target)
                    return i;
        }
        return TensorPrimitives.IndexOfMax(weights); // the sums were rounded differently at the very end
    }

    private static float BlockSum(ReadOnlySpan<float> weights, int start) =>
        TensorPrimitives.Sum(weights.Slice(start, Math.Min(SumExp.Block, weights.Length - start)));
}
