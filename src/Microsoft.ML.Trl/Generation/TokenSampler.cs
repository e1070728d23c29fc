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
    public (int Token, float LogProb, float SampledLogProb) Choose(Span<float> logits, ReadOnlySpan<int> context, int newTokens, RowRandom random)
    {
        float[] weights = new float[logits.Length];
        double modelSum = LogSumExp(logits, weights);
        if (!options.DoSample && _filters.Count == 0)
            return Greedy(logits, logits, modelSum);
        float[] model = logits.ToArray();
        foreach (ILogitsFilter filter in _filters)
            filter.Apply(context, newTokens, logits);
        if (!options.DoSample)
            return Greedy(model, logits, modelSum);
        double sum = _filters.Count == 0 ? modelSum : LogSumExp(logits, weights);
        int token = Draw(weights, random.Uniform(newTokens));
        return (token, (float)(model[token] - modelSum), (float)(logits[token] - sum));
    }

    private static (int Token, float LogProb, float SampledLogProb) Greedy(ReadOnlySpan<float> model, ReadOnlySpan<float> scores, double modelSum)
    {
        int token = TensorPrimitives.IndexOfMax(scores);
        return (token, (float)(model[token] - modelSum), 0);
    }

    /// <summary>log Σ exp of the scores; <paramref name="weights"/> becomes exp(score - largest).</summary>
    private static double LogSumExp(ReadOnlySpan<float> scores, float[] weights)
    {
        float top = TensorPrimitives.Max(scores);
        if (!float.IsFinite(top))
            throw new InvalidOperationException($"The largest logit of the next token is {top}; the weights are damaged or have diverged.");
        TensorPrimitives.Subtract(scores, top, weights);
        TensorPrimitives.Exp(weights, weights);
        return top + Math.Log(Sum(weights));
    }

    /// <summary>The token at which the running sum of weights passes a share of the whole.</summary>
    private static int Draw(ReadOnlySpan<float> weights, double share)
    {
        const int Block = 1024;
        double target = share * Sum(weights);
        double before = 0;
        int last = 0;
        for (int start = 0; start < weights.Length; start += Block)
        {
            ReadOnlySpan<float> block = weights.Slice(start, Math.Min(Block, weights.Length - start));
            double sum = TensorPrimitives.Sum(block);
            if (before + sum <= target)
            {
                before += sum;
                continue;
            }
            for (int i = 0; i < block.Length; i++)
            {
                if (block[i] <= 0)
                    continue;
                before += block[i];
                last = start + i;
                if (before > target)
                    return last;
            }
        }
        return weights[last] > 0 ? last : TensorPrimitives.IndexOfMax(weights); // rounding at the very end
    }

    /// <summary>Block sums added up in double precision: as <see cref="Draw"/> adds them.</summary>
    private static double Sum(ReadOnlySpan<float> weights)
    {
        const int Block = 1024;
        double sum = 0;
        for (int start = 0; start < weights.Length; start += Block)
            sum += TensorPrimitives.Sum(weights.Slice(start, Math.Min(Block, weights.Length - start)));
        return sum;
    }
}
