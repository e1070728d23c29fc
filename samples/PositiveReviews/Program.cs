using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Trl;
using PositiveReviewsSample;
using TorchSharp;

// usage: PositiveReviews [--data DIR] [--quick] [--out DIR] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
string? folder = Option("--data");
string output = Option("--out") ?? Directory.CreateTempSubdirectory("positive-reviews-").FullName;
Directory.CreateDirectory(output);
var ml = new MLContext(seed: 1);
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

Settings settings = folder is null ? Settings.Small : Settings.Full;
if (args.Contains("--quick"))
    settings = settings.Shortened();
ReviewData data = folder is null ? ReviewData.Shipped(seed: 1) : ReviewData.FromFolder(folder, seed: 1);
Console.WriteLine($"{data.Reviews.Count} reviews, {data.TrainPairs.Count} training pairs, {data.TestPairs.Count} held-out pairs, "
    + $"{data.Openings.Count} openings");

var watch = Stopwatch.StartNew();
var progress = new ConsoleProgress();
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
Console.WriteLine($"KL of the PPO policy to the SFT policy {pleaser.Reports[^1].Metrics["objective/kl"]:F2} nats per completion, last step");

using var engine = PositiveReviews.LoadEngine(zip);
PositiveReviews.ModelOutput answer = engine.Predict(new() { Prompt = data.Openings[0].Prompt });
Console.WriteLine($"the loaded zip: {answer.Prompt}{answer.Completion} ({answer.Positive:P0} positive)");
Console.WriteLine(answer.Completion == ppo[0].Completion ? "equal to the trained model's" : "DIFFERENT from the trained model's");
Console.WriteLine($"table in {Path.Combine(output, "completions.csv")}; {watch.Elapsed.TotalSeconds:F0} s in all");
return answer.Completion == ppo[0].Completion ? 0 : 1;
