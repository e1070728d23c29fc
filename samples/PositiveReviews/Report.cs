using System.Text;
using Microsoft.Data.Analysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>What came of it, in figures.</summary>
internal static class Report
{
    /// <summary>How each figure of <see cref="Line"/> was measured.</summary>
    public const string Legend = """
        positive    mean probability of being positive, by the judge (the reward model)
        words       share of the words written that occur in the training text
        distinct-2  different pairs of neighbouring words, as a share of all pairs
        """;

    /// <summary>Completions of all openings with the judge's scores.</summary>
    public static PositiveReviews.ModelOutput[] Complete(
        MLContext ml, TextGenerationTransformer writer, RewardTransformer judge, ReviewData data)
    {
        IDataView openings = ml.Data.LoadFromEnumerable(data.Openings);
        IDataView scored = new TransformerChain<ITransformer>(writer, judge).Transform(openings);
        return [.. ml.Data.CreateEnumerable<PositiveReviews.ModelOutput>(scored, reuseRowObject: false)];
    }

    /// <summary>Share of held-out pairs whose positive sentence the judge prefers.</summary>
    public static double Accuracy(RewardTransformer judge, IReadOnlyList<SentencePair> pairs)
    {
        float[] positive = judge.Model.Score(null, [.. pairs.Select(pair => pair.Chosen)]);
        float[] negative = judge.Model.Score(null, [.. pairs.Select(pair => pair.Rejected)]);
        return positive.Zip(negative).Average(scores => scores.First > scores.Second ? 1.0 : 0.0);
    }

    /// <summary>The words of a text, as its white space separates them.</summary>
    public static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>One line of figures for a policy; see <see cref="Legend"/>.</summary>
    public static string Line(string name, PositiveReviews.ModelOutput[] outputs, IReadOnlySet<string> known)
    {
        string[][] completions = [.. outputs.Select(output => Words(output.Completion))];
        double words = completions.SelectMany(line => line).Average(word => known.Contains(word) ? 1.0 : 0.0);
        double positive = outputs.Average(output => output.Positive);
        return $"{name,-10} positive {positive:F3}   words {words:F3}   distinct-2 {Distinct(outputs):F3}";
    }

    /// <summary>Different pairs of neighbouring words, as a share of all pairs.</summary>
    public static double Distinct(PositiveReviews.ModelOutput[] outputs)
    {
        IEnumerable<string[]> completions = outputs.Select(output => Words(output.Completion));
        List<(string, string)> pairs = [.. completions.SelectMany(line => line.Zip(line.Skip(1)))];
        return (double)pairs.Distinct().Count() / pairs.Count;
    }

    /// <summary>The table of completions before and after.</summary>
    public static DataFrame Table(
        PositiveReviews.ModelOutput[] sft, PositiveReviews.ModelOutput[] ppo, PositiveReviews.ModelOutput[] dpo) => new(
            new StringDataFrameColumn("Prompt", sft.Select(output => output.Prompt)),
            new StringDataFrameColumn("Sft", sft.Select(output => output.Completion)),
            new SingleDataFrameColumn("SftScore", sft.Select(output => output.Score)),
            new StringDataFrameColumn("Ppo", ppo.Select(output => output.Completion)),
            new SingleDataFrameColumn("PpoScore", ppo.Select(output => output.Score)),
            new StringDataFrameColumn("Dpo", dpo.Select(output => output.Completion)),
            new SingleDataFrameColumn("DpoScore", dpo.Select(output => output.Score)));

    /// <summary>Prints the first rows of a table, a block each.</summary>
    public static void Print(DataFrame table, int rows)
    {
        foreach (DataFrameRow row in table.Head(rows).Rows)
        {
            Console.WriteLine($"\n> {row["Prompt"]}");
            foreach (string policy in new[] { "Sft", "Ppo", "Dpo" })
                Console.WriteLine($"  {policy.ToUpperInvariant()} {row[policy + "Score"],6:F2} {OneLine((string)row[policy])}");
        }
    }

    /// <summary>Writes the table; UTF-8, since the format's default is ASCII.</summary>
    public static void Save(DataFrame table, string path) => DataFrame.SaveCsv(table, path, encoding: new UTF8Encoding(false));

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
