using Microsoft.ML.Trl;
using System.Text;
using Microsoft.Data.Analysis;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace PositiveReviewsSample;

/// <summary>What came of it, in figures.</summary>
internal static class Report
{
    /// <summary>Completions of all openings with the judge's scores.</summary>
    public static PositiveReviews.ModelOutput[] Complete(MLContext ml, TextGenerationTransformer writer, RewardTransformer judge, ReviewData data) =>
        [.. ml.Data.CreateEnumerable<PositiveReviews.ModelOutput>(
            new TransformerChain<ITransformer>(writer, judge).Transform(ml.Data.LoadFromEnumerable(data.Openings)), reuseRowObject: false)];

    /// <summary>Share of held-out pairs whose positive sentence the judge prefers.</summary>
    public static double Accuracy(RewardTransformer judge, IReadOnlyList<SentencePair> pairs)
    {
        IReadOnlyList<float> good = judge.Model.Score(null, [.. pairs.Select(pair => pair.Chosen)]), bad = judge.Model.Score(null, [.. pairs.Select(pair => pair.Rejected)]);
        return good.Zip(bad).Average(scores => scores.First > scores.Second ? 1.0 : 0.0);
    }

    /// <summary>Different pairs of neighbouring words, as a share of all: falls when a policy says the same thing over and over.</summary>
    public static double Distinct2(IEnumerable<PositiveReviews.ModelOutput> outputs)
    {
        List<(string, string)> pairs = [.. outputs.Select(output => output.Completion.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .SelectMany(words => words.Zip(words.Skip(1)))];
        return pairs.Count == 0 ? 0 : (double)pairs.Distinct().Count() / pairs.Count;
    }

    /// <summary>One line of figures for a policy.</summary>
    public static string Line(string name, PositiveReviews.ModelOutput[] outputs) =>
        $"{name,-10} positive probability {outputs.Average(output => output.Positive):F3}   mean score {outputs.Average(output => output.Score),6:F2}   distinct-2 {Distinct2(outputs):F3}";

    /// <summary>The table of completions before and after.</summary>
    public static DataFrame Table(PositiveReviews.ModelOutput[] before, PositiveReviews.ModelOutput[] ppo, PositiveReviews.ModelOutput[] dpo) => new(
        new StringDataFrameColumn("Prompt", before.Select(output => output.Prompt)),
        new StringDataFrameColumn("Sft", before.Select(output => output.Completion)),
        new SingleDataFrameColumn("SftScore", before.Select(output => output.Score)),
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
                Console.WriteLine($"  {policy.ToUpperInvariant()} {row[policy + "Score"],6:F2} {Clean((string)row[policy])}");
        }
    }

    /// <summary>Writes the table; UTF-8, since the format's default is ASCII.</summary>
    public static void Save(DataFrame table, string path) => DataFrame.SaveCsv(table, path, encoding: new UTF8Encoding(false));

    private static string Clean(string text) => text.ReplaceLineEndings(" ").Trim();
}
