using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>What a method makes of pairs that were sampled and judged.</summary>
internal interface IOnlinePairMethod
{
    /// <summary>Name, for messages and reports.</summary>
    string Stage { get; }

    /// <summary>Whether the loss reads the second answers too.</summary>
    bool ReadsSecond { get; }

    /// <summary>What draws the second answers; null = the policy does.</summary>
    /// <param name="policy">As it is now.</param>
    /// <param name="reference">What it is held against.</param>
    /// <param name="epoch">Counted from 0.</param>
    Opponent? Opponent(CausalLanguageModel policy, CausalLanguageModel reference, int epoch);

    /// <summary>From log-probabilities to the loss and its metrics.</summary>
    /// <param name="pass">Of some pairs.</param>
    /// <param name="epoch">Counted from 0.</param>
    /// <returns>The mean over the pairs with its gradient, which the caller owns, and figures by TRL's names, <c>loss</c> too.</returns>
    (Tensor Loss, Dictionary<string, float> Metrics) Compare(OnlinePairPass pass, int epoch);

    /// <summary>Figures of a step that need no model.</summary>
    /// <param name="pairs">All pairs of the step.</param>
    /// <param name="epoch">Counted from 0.</param>
    IEnumerable<(string Name, double Value)> Figures(JudgedPairs pairs, int epoch);
}

/// <summary>All pairs of a step.</summary>
/// <param name="Prompts">[B] token ids.</param>
/// <param name="First">[B] answers of the policy.</param>
/// <param name="Second">[B] answers of the method's opponent.</param>
/// <param name="FirstEnded">[B] whether the first answer has an end token.</param>
/// <param name="SecondEnded">[B] whether the second has.</param>
/// <param name="Verdicts">On them.</param>
internal sealed record JudgedPairs(
    int[][] Prompts, int[][] First, int[][] Second, bool[] FirstEnded, bool[] SecondEnded, PairVerdicts Verdicts)
{
    /// <summary>The pairs that the judge could decide.</summary>
    public int[] Decided { get; } = [.. Enumerable.Range(0, Prompts.Length).Where(row => Verdicts.FirstWins[row] is not null)];

    /// <summary>Means of the scores of the first answers and of the second; null where a judge compared, or no reward applies.</summary>
    public (double First, double Second)? MeanScores =>
        (Verdicts.Scores?.Average(pair => pair.First), Verdicts.Scores?.Average(pair => pair.Second)) is ({ } first, { } second)
            ? (first, second) : null;

    /// <summary>Share of the answers that have an end token.</summary>
    public static double Share(bool[] ended) => ended.Count(has => has) / (double)ended.Length;
}

/// <summary>What policy and reference say about some pairs: rows 0 to B-1 are the first answers, the others, if read, the second.</summary>
/// <param name="Answers">The rows.</param>
/// <param name="Ours">[N] log-probabilities of the tokens under the policy, with gradient.</param>
/// <param name="Theirs">[N] under the reference, no gradient.</param>
/// <param name="FirstWins">[B] float32: probability that the first answer is better.</param>
/// <param name="MeanScore">Of both answers of all pairs; null where a judge compared.</param>
internal sealed record OnlinePairPass(AnswerBatch Answers, Tensor Ours, Tensor Theirs, Tensor FirstWins, double? MeanScore = null)
{
    /// <summary>[B] bool: where the first answer counts as the chosen one. Belongs to the current scope.</summary>
    public Tensor FirstIsChosen => FirstWins.ge(0.5);

    /// <summary>Sums over the first and the second answers. They belong to the current scope.</summary>
    /// <param name="perToken">[N]</param>
    public (Tensor First, Tensor Second) Sums(Tensor perToken)
    {
        Tensor sums = Answers.Sum(perToken); // [2B]
        long pairs = FirstWins.shape[0];
        return (sums.narrow(0, 0, pairs), sums.narrow(0, pairs, pairs));
    }

    /// <summary>The same, the better answer of each pair first.</summary>
    /// <param name="perToken">[N]</param>
    public PairLogProbs Sorted(Tensor perToken)
    {
        (Tensor first, Tensor second) = Sums(perToken);
        return new PairLogProbs(where(FirstIsChosen, first, second), where(FirstIsChosen, second, first));
    }
}

/// <summary>TRL's metrics of the methods that compare a better answer with a worse one.</summary>
internal static class OnlinePairMetrics
{
    /// <summary>One number per TRL name, in one transfer from the device.</summary>
    /// <param name="loss">Scalar.</param>
    /// <param name="ours">[B] and [B] under the policy.</param>
    /// <param name="theirs">[B] and [B] under the reference.</param>
    /// <param name="beta">β</param>
    /// <param name="more">Scalars that only the method has.</param>
    public static Dictionary<string, float> Of(
        Tensor loss, PairLogProbs ours, PairLogProbs theirs, double beta, params (string Name, Tensor Value)[] more)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        (Tensor chosen, Tensor rejected) = (ours.Chosen - theirs.Chosen, ours.Rejected - theirs.Rejected); // [B] each
        Tensor kl = (chosen + rejected).mean() / 2;
        return Numbers(
        [
            ("loss", loss.detach()),
            ("logps/chosen", ours.Chosen.mean()),
            ("logps/rejected", ours.Rejected.mean()),
            ("rewards/chosen", chosen.mean() * beta),
            ("rewards/rejected", rejected.mean() * beta),
            ("rewards/margins", (chosen - rejected).mean() * beta),
            ("rewards/accuracies", chosen.gt(rejected).to_type(ScalarType.Float32).mean()),
            ("objective/kl", kl),
            ("objective/non_score_reward", kl * -beta),
            ("objective/entropy", (ours.Chosen + ours.Rejected).mean() / -2),
            .. more,
        ]);
    }

    /// <summary>Scalars by name, in one transfer from the device.</summary>
    public static Dictionary<string, float> Numbers(params (string Name, Tensor Value)[] metrics)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        float[] numbers = stack(metrics.Select(metric => metric.Value.detach().to_type(ScalarType.Float32))).cpu().data<float>().ToArray();
        return metrics.Zip(numbers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }
}
