using Microsoft.Data.Analysis;

namespace PositiveReviewsSample;

/// <summary>A policy in figures, all measured on openings that no method has seen.</summary>
/// <param name="Method">How it was trained.</param>
/// <param name="Positive">Mean probability of being positive, by the judge.</param>
/// <param name="Score">Mean score of the judge, which is what methods raise.</param>
/// <param name="Kl">Distance from the SFT policy, in nats per completion.</param>
/// <param name="Distinct">Different pairs of neighbouring words, as a share of all pairs.</param>
/// <param name="Judged">Completions that the judge saw in training.</param>
/// <param name="TrainSeconds">Time of training, with the sampling in it.</param>
/// <param name="AnswerSeconds">Time of completing the openings for this table.</param>
/// <param name="Path">KL and score along training, where the method reports both.</param>
internal sealed record PolicyFigures(
    string Method,
    double Positive,
    double Score,
    double Kl,
    double Distinct,
    int Judged,
    double TrainSeconds,
    double AnswerSeconds,
    IReadOnlyList<(double Kl, double Score)> Path);

/// <summary>What came of each method, a row each.</summary>
internal static class MethodTable
{
    /// <summary>How the figures were measured.</summary>
    public const string Legend = """
        *           the most positive
        positive    mean probability of being positive, by the judge (the reward model); score: mean of its logits
        KL          log-probability under the policy less that under the SFT policy, summed over a completion, mean, in nats;
                    of best-of-n the upper bound log n - (n - 1) / n
        distinct-2  different pairs of neighbouring words, as a share of all pairs
        judged      completions that the judge saw in training; best-of-n has n judged for each answer instead
        """;

    private const string Header = "  method      positive   score      KL  distinct-2  judged  training s  answers s";

    /// <summary>The policies that no other one beats in score without being further from the SFT policy.</summary>
    public static IReadOnlyList<PolicyFigures> Front(IEnumerable<PolicyFigures> policies)
    {
        List<PolicyFigures> front = [];
        foreach (PolicyFigures policy in policies.OrderBy(policy => policy.Kl).ThenByDescending(policy => policy.Score))
            if (front.Count == 0 || policy.Score > front[^1].Score)
                front.Add(policy);
        return front;
    }

    /// <summary>Prints a row each; an asterisk marks the most positive.</summary>
    public static void Print(IReadOnlyList<PolicyFigures> policies)
    {
        PolicyFigures best = policies.MaxBy(policy => policy.Positive)!;
        Console.WriteLine(Header);
        foreach (PolicyFigures row in policies)
            Console.WriteLine($"{(row == best ? '*' : ' ')} {Line(row)}");
    }

    /// <summary>A policy's row of the table.</summary>
    public static string Line(PolicyFigures row) =>
        $"{row.Method,-10} {row.Positive,9:F3} {row.Score,7:F2} {row.Kl,7:F2} {row.Distinct,11:F3} {row.Judged,7} "
        + $"{row.TrainSeconds,11:F1} {row.AnswerSeconds,10:F1}";

    /// <summary>The same as a table.</summary>
    public static DataFrame Table(IReadOnlyList<PolicyFigures> policies)
    {
        PolicyFigures best = policies.MaxBy(policy => policy.Positive)!;
        return new DataFrame(
            new StringDataFrameColumn("Method", policies.Select(row => row.Method)),
            new DoubleDataFrameColumn("Positive", policies.Select(row => row.Positive)),
            new DoubleDataFrameColumn("Score", policies.Select(row => row.Score)),
            new DoubleDataFrameColumn("Kl", policies.Select(row => row.Kl)),
            new DoubleDataFrameColumn("Distinct2", policies.Select(row => row.Distinct)),
            new Int32DataFrameColumn("Judged", policies.Select(row => row.Judged)),
            new DoubleDataFrameColumn("TrainSeconds", policies.Select(row => row.TrainSeconds)),
            new DoubleDataFrameColumn("AnswerSeconds", policies.Select(row => row.AnswerSeconds)),
            new BooleanDataFrameColumn("Best", policies.Select(row => row == best)));
    }
}
