namespace Microsoft.ML.Trl.Algorithms.Bco;

/// <summary>How much likelier a prompt is among those of wanted completions than among the others: arXiv:2404.04656, section 3.3.</summary>
internal static class PromptDensity
{
    /// <summary>Weight of each completion: 1 for wanted ones, the density ratio of their prompts for unwanted ones.</summary>
    /// <param name="rows">With embeddings; the ratio is learnt from those of training.</param>
    /// <param name="options">Sample size, bounds and seed.</param>
    /// <returns>Weights of training, and behind them those of held-out completions.</returns>
    /// <exception cref="ArgumentException">All completions are wanted, or none is; or an embedding is empty or not finite.</exception>
    public static float[] Weights(StageRows<UnpairedExample> rows, BcoOptions options)
    {
        IReadOnlyList<UnpairedExample> examples = rows.Training, others = rows.HeldOut ?? [];
        CheckKinds(examples);
        CheckEmbeddings(examples, options);
        EvaluationRows.Check(() => CheckEmbeddings(others, options, examples[0].Embedding!.Length));
        var random = new Random(options.Seed);
        UnpairedExample[] sample = [.. Sample(true), .. Sample(false)];
        LogisticRegression classifier = LogisticRegression.Fit(
            [.. sample.Select(example => example.Embedding!)], [.. sample.Select(example => example.IsDesirable)]);
        return [.. examples.Concat(others).Select(example => example.IsDesirable ? 1 : Ratio(classifier.Probability(example.Embedding!)))];

        IEnumerable<UnpairedExample> Sample(bool wanted)
        {
            UnpairedExample[] all = [.. examples.Where(example => example.IsDesirable == wanted)];
            random.Shuffle(all);
            return all.Take(options.PromptSampleSize);
        }

        float Ratio(double wanted) =>
            (float)Math.Clamp(wanted / (1 - wanted + 1e-8), options.MinDensityRatio, options.MaxDensityRatio);
    }

    private static void CheckKinds(IReadOnlyList<UnpairedExample> examples)
    {
        int wanted = examples.Count(example => example.IsDesirable);
        if (wanted == 0 || wanted == examples.Count)
            throw new ArgumentException(
                $"All completions are {(wanted == 0 ? "unwanted" : "wanted")}, so that no classifier can tell the prompts of wanted and "
                + "unwanted ones apart; give both kinds, or set PromptEmbeddingColumnName to null.",
                nameof(examples));
    }

    private static void CheckEmbeddings(IReadOnlyList<UnpairedExample> examples, BcoOptions options, int? width = null)
    {
        for (int i = 0; i < examples.Count; i++)
            if (examples[i].Embedding is not { Length: > 0 } vector || !vector.All(float.IsFinite))
                throw new ArgumentException(
                    $"Completion {i} of those that are learnt from has a prompt whose vector in the column "
                    + $"'{options.PromptEmbeddingColumnName}' is empty or holds a number that is not finite; give finite numbers.",
                    nameof(examples));
        if (examples.FirstOrDefault(example => example.Embedding!.Length != (width ?? example.Embedding!.Length)) is { } other)
            throw new ArgumentException(
                $"A vector in the column '{options.PromptEmbeddingColumnName}' has {other.Embedding!.Length} numbers, those of the "
                + $"training data have {width}; give vectors of one length.");
    }
}
