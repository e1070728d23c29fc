using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;
using PositiveReviewsSample;
using TorchSharp;

// usage: PositiveReviews [--data DIR] [--quick] [--gpu N] [--out DIR] [--threads N] [--method NAMES]
// Without --method: SFT, a judge, then PPO and DPO, with what each writes. With it, from one writer and one judge, a table and a picture of
// ppo, grpo, rloo, online-dpo, raft, dpo, kto, best-of-n (several with commas between them), or all.
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
string? folder = Option("--data");
string output = Option("--out") ?? Directory.CreateTempSubdirectory("positive-reviews-").FullName;
Directory.CreateDirectory(output);
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

bool quick = args.Contains("--quick");
Settings settings = folder is null
    ? (quick ? Settings.SmallQuick : Settings.Small)
    : (quick ? Settings.FullQuick : Settings.Full);
ReviewData data = folder is null ? ReviewData.Shipped(seed: 1) : ReviewData.FromFolder(folder, seed: 1);
Console.WriteLine($"{data.Reviews.Count} reviews, {data.TrainPairs.Count} training pairs, {data.TestPairs.Count} held-out pairs, "
    + $"{data.Openings.Count} openings");

var watch = Stopwatch.StartNew();
var progress = new ConsoleProgress();
if (Option("--method") is { } names)
    return Compare(names == "all" ? PositiveReviews.Methods : names.Split(','));

using var assistant = PositiveReviews.Train(ml, data, settings, progress);
var writer = (TextGenerationTransformer)assistant.ElementAt(0);
var judge = (RewardTransformer)assistant.ElementAt(1);
TextGenerationTransformer pleaser = assistant.LastTransformer;

string zip = Path.Combine(output, "assistant.zip");
ml.Model.Save(assistant, ml.Data.LoadFromEnumerable(data.Openings).Schema, zip);
Console.WriteLine($"saved {zip} ({new FileInfo(zip).Length >> 10} KiB)");

using TextGenerationTransformer learner = PositiveReviews.TrainFromPairs(ml, writer, judge, data, settings, progress);

PositiveReviews.ModelOutput[] sft = Report.Complete(ml, writer, judge, data);
PositiveReviews.ModelOutput[] ppo = Report.Complete(ml, pleaser, judge, data);
PositiveReviews.ModelOutput[] dpo = Report.Complete(ml, learner, judge, data);
var table = Report.Table(sft, ppo, dpo);
Report.Print(table, settings.Shown);
Report.Save(table, Path.Combine(output, "completions.csv"));

HashSet<string> known = [.. data.Reviews.SelectMany(Report.Words)];
Console.WriteLine($"\n{Report.Legend}\n");
Console.WriteLine(Report.Line("SFT", sft, known));
Console.WriteLine(Report.Line("SFT + PPO", ppo, known));
Console.WriteLine(Report.Line("SFT + DPO", dpo, known));
Console.WriteLine($"accuracy of the judge on held-out pairs {Report.Accuracy(judge, data.TestPairs):F3}");
double kl = pleaser.Reports[^1].Metrics["objective/kl"];
Console.WriteLine($"KL of the PPO policy to the SFT policy {kl:F2} nats per completion, last step");

using var engine = PositiveReviews.LoadEngine(zip);
PositiveReviews.ModelOutput answer = engine.Predict(new() { Prompt = data.Openings[0].Prompt });
Console.WriteLine($"the loaded zip: {answer.Prompt}{answer.Completion} ({answer.Positive:P0} positive)");
Console.WriteLine(answer.Completion == ppo[0].Completion ? "equal to the trained model's" : "DIFFERENT from the trained model's");
Console.WriteLine($"table in {Path.Combine(output, "completions.csv")}; {watch.Elapsed.TotalSeconds:F0} s in all");
return answer.Completion == ppo[0].Completion ? 0 : 1;

int Compare(IReadOnlyList<string> methods)
{
    if (methods.FirstOrDefault(name => !PositiveReviews.Methods.Contains(name)) is { } unknown)
    {
        Console.Error.WriteLine($"There is no method '{unknown}'; there are {string.Join(", ", PositiveReviews.Methods)}, and all.");
        return 2;
    }
    ReviewData split = data.HoldOut(settings.HeldOpenings, settings.LearnedOpenings);
    IDataView openings = ml.Data.LoadFromEnumerable(split.Openings);
    using TransformerChain<RewardTransformer> upstream = PositiveReviews.WriterAndJudge(ml, split, settings, progress).Fit(openings);
    var comparison = new Comparison(ml, upstream, split, settings, progress);
    List<PolicyFigures> rows = [];
    foreach (string method in methods.Prepend("sft"))
    {
        rows.Add(method == "sft" ? comparison.Start() : comparison.Run(method));
        Console.WriteLine(MethodTable.Line(rows[^1]));
    }

    string table = Path.Combine(output, "methods.csv"), picture = Path.Combine(output, "pareto.png");
    Report.Save(MethodTable.Table(rows), table);
    ParetoPicture.Save(rows, picture);
    Console.WriteLine($"\n{split.HeldOpenings.Count} openings that no method has seen; the judge is right on "
        + $"{Report.Accuracy(upstream.LastTransformer, data.TestPairs):P1} of held-out pairs\n");
    MethodTable.Print(rows);
    Console.WriteLine($"\n{MethodTable.Legend}\n");
    Console.WriteLine($"Pareto front: {string.Join(", ", MethodTable.Front(rows).Select(row => row.Method))}");
    Console.WriteLine($"table in {table}, picture in {picture}; {watch.Elapsed.TotalSeconds:F0} s in all");
    bool better = rows.Skip(1).All(row => row.Positive > rows[0].Positive);
    Console.WriteLine(better ? "every method is more positive than SFT" : "NOT every method is more positive than SFT");
    return better ? 0 : 1;
}
