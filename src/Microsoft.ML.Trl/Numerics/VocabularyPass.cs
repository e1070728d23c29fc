using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>The elementwise work over [n, V] logits, in place: float32 on the CPU in plain memory, everything else as tensor operations. Call without gradients and inside a scope.</summary>
internal static unsafe class VocabularyPass
{
    /// <summary>Replaces logits by numbers that <see cref="RowTotals.InverseSum"/> turns into probabilities.</summary>
    /// <param name="logits">[n, V] float32, contiguous.</param>
    /// <param name="labels">[n] int64.</param>
    /// <param name="plain">False forces tensor operations.</param>
    public static RowTotals Exponentiate(Tensor logits, Tensor labels, bool plain = true)
    {
        if (!plain || !FloatMemory.Reaches(logits))
            return ByTensors(logits, labels);
        RowTotals totals = RowTotals.Empty(logits.shape[0]);
        ForRows(logits, labels, totals, static (row, width, label, into, at) => Write(VocabularyRows.Exponentiate(row, width, label), width, into, at));
        return totals;
    }

    /// <summary>What <see cref="Exponentiate"/> left becomes factor · p + offset, and the labels' places get a term on top.</summary>
    /// <param name="exponentials">[n, V] float32.</param>
    /// <param name="labels">[n] int64.</param>
    /// <param name="factor">[n] float32, <see cref="RowTotals.InverseSum"/> included.</param>
    /// <param name="atLabel">[n] float32.</param>
    /// <param name="plain">False forces tensor operations.</param>
    public static void ToGradient(Tensor exponentials, Tensor labels, Tensor factor, Tensor atLabel, bool plain = true)
    {
        if (!plain || !FloatMemory.Reaches(exponentials))
        {
            exponentials.mul_(factor.unsqueeze(-1)).scatter_add_(-1, labels.unsqueeze(-1), atLabel.unsqueeze(-1));
            return;
        }
        Tensor factors = factor.contiguous(), places = atLabel.contiguous(), targets = labels.contiguous();
        int width = (int)exponentials.shape[1];
        nint rows = (nint)FloatMemory.Pointer(exponentials), by = (nint)FloatMemory.Pointer(factors), plus = (nint)FloatMemory.Pointer(places);
        long[] label = targets.data<long>().ToArray();
        FloatMemory.InParallel(label.Length, n =>
            VocabularyRows.ToGradient((float*)rows + ((long)n * width), width, label[n], ((float*)by)[n], ((float*)plus)[n], 0));
        GC.KeepAlive((exponentials, factors, places));
    }

    /// <summary>Replaces logits by the derivative of the labels' costs.</summary>
    /// <param name="logits">[n, V] float32, contiguous.</param>
    /// <param name="labels">[n] int64.</param>
    /// <param name="objective">What a label costs.</param>
    /// <param name="plain">False forces tensor operations.</param>
    public static RowTotals ToLossGradient(Tensor logits, Tensor labels, TokenObjective objective, bool plain = true)
    {
        if (!plain || !FloatMemory.Reaches(logits))
            return LossGradientByTensors(logits, labels, objective);
        RowTotals totals = RowTotals.Empty(logits.shape[0]);
        ForRows(logits, labels, totals, (row, width, label, into, at) =>
        {
            VocabularyRows.Sums sums = VocabularyRows.Exponentiate(row, width, label);
            Write(sums, width, into, at);
            float weight = objective.Scale * (objective.WeighByProbability ? MathF.Exp(sums.LogProb) : 1);
            VocabularyRows.ToGradient(row, width, label, weight / sums.Sum, -weight * (1 - objective.Smoothing), -weight * objective.Smoothing / width);
        });
        return totals;
    }

    /// <summary>Sum over the rows of what <see cref="ToLossGradient"/> differentiates.</summary>
    public static Tensor Loss(RowTotals totals, TokenObjective objective)
    {
        Tensor cost = totals.LogProb * -(1 - objective.Smoothing);
        if (objective.Smoothing > 0)
            cost = cost - (totals.MeanLogProb * objective.Smoothing);
        if (objective.WeighByProbability)
            cost = cost * totals.LogProb.exp();
        return cost.sum() * objective.Scale;
    }

    private delegate void RowBody(float* row, int width, long label, float*[] totals, int at);

    private static void ForRows(Tensor logits, Tensor labels, RowTotals totals, RowBody body)
    {
        int width = (int)logits.shape[1];
        nint rows = (nint)FloatMemory.Pointer(logits);
        long[] label = labels.contiguous().data<long>().ToArray();
        float*[] into =
        [
            FloatMemory.Pointer(totals.LogProb), FloatMemory.Pointer(totals.InverseSum), FloatMemory.Pointer(totals.Entropy),
            FloatMemory.Pointer(totals.Hit), FloatMemory.Pointer(totals.SquaredMass), FloatMemory.Pointer(totals.MeanLogProb),
        ];
        FloatMemory.InParallel(label.Length, n => body((float*)rows + ((long)n * width), width, label[n], into, n));
        GC.KeepAlive((logits, totals));
    }

    private static void Write(in VocabularyRows.Sums sums, int width, float*[] totals, int at)
    {
        totals[0][at] = sums.LogProb;
        totals[1][at] = 1 / sums.Sum;
        totals[2][at] = sums.Entropy;
        totals[3][at] = sums.Hit;
        totals[4][at] = sums.SquaredMass;
        totals[5][at] = sums.MeanLogProb(width);
    }

    private static RowTotals ByTensors(Tensor logits, Tensor labels)
    {
        Tensor hit = logits.argmax(-1).eq(labels).to_type(ScalarType.Float32);
        logits.sub_(logits.logsumexp(-1, keepdim: true));
        Tensor logProb = logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1);
        Tensor meanLogProb = logits.mean([-1]);
        Tensor entropy = logits.exp().mul_(logits).sum(-1).neg();
        logits.exp_();
        return new RowTotals(logProb, ones_like(logProb), entropy, hit, (logits * logits).sum(-1), meanLogProb);
    }

    private static RowTotals LossGradientByTensors(Tensor logits, Tensor labels, TokenObjective objective)
    {
        RowTotals totals = ByTensors(logits, labels);
        Tensor weight = objective.WeighByProbability ? totals.LogProb.exp() * objective.Scale : ones_like(totals.LogProb) * objective.Scale;
        ToGradient(logits, labels, weight, weight * -(1 - objective.Smoothing), plain: false);
        if (objective.Smoothing > 0)
            logits.sub_((weight * (objective.Smoothing / logits.shape[1])).unsqueeze(-1));
        return totals;
    }
}
