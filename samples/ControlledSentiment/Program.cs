using System.Diagnostics;
using System.Globalization;
using ControlledSentimentSample;
using Microsoft.ML;
using Microsoft.ML.Trl;
using PositiveReviewsSample;
using TorchSharp;

// One writer, steered both ways by a tag in its prompt.
// usage: ControlledSentiment [--data DIR] [--quick] [--gpu N] [--out DIR] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string? folder = Option("--data");
string output = Option("--out") ?? Directory.CreateTempSubdirectory("controlled-sentiment-").FullName;
Directory.CreateDirectory(output);
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

Settings settings = folder is null ? Settings.Small : Settings.Full;
if (args.Contains("--quick"))
    settings = settings.Shortened();
ReviewData data = folder is null ? ReviewData.Shipped(seed: 1) : ReviewData.FromFolder(folder, seed: 1);
string[] openings = [.. data.Openings.Select(opening => opening.Prompt)];
new Random(1).Shuffle(openings);
string[] held = openings[..48], learned = openings[48..];
Console.WriteLine($"{data.Reviews.Count} reviews, {learned.Length} openings to learn from, {held.Length} held out");

var watch = Stopwatch.StartNew();
var progress = new ConsoleProgress();
using TextGenerationTransformer writer = ControlledSentiment.TrainWriter(ml, data, settings, progress);
using TextClassificationTransformer judge = ControlledSentiment.TrainJudge(ml, writer, data, settings, progress);
LabelledText[] test = [.. LabelledText.Of(data.TestPairs)];
IReadOnlyList<LabelPrediction> judged = judge.Model.Classify([.. test.Select(row => row.Text)]);
Console.WriteLine($"the judge is right about {test.Zip(judged).Average(row => row.First.Label == row.Second.Label ? 1.0 : 0.0):P1} "
    + $"of {test.Length} held-out sentences");

string[] tags = [ControlledSentiment.Negative, ControlledSentiment.Positive];
IEnumerable<Request> requests = learned.SelectMany(_ => tags, (opening, tag) => Request.Of(tag, opening));
using TextGenerationTransformer steered = ControlledSentiment.Steer(ml, writer, judge, requests, settings, progress);

string zip = Path.Combine(output, "writer.zip");
ml.Model.Save(steered, ml.Data.LoadFromEnumerable(requests).Schema, zip);

Console.WriteLine($"\ncompletions of the {held.Length} held-out openings:");
Console.WriteLine("                            mean probability of positive   KL to SFT, nats   distinct-2");
foreach ((string name, TextGenerationTransformer policy) in new[] { ("SFT", writer), ("SFT + PPO", steered) })
    foreach (string tag in tags)
    {
        IDataView rows = ml.Data.LoadFromEnumerable(held.Select(opening => Request.Of(tag, opening)));
        GenerationMetrics metrics = ml.Trl().EvaluateGeneration(
            policy, rows, ControlledSentiment.PositiveProbability(judge), reference: ModelSource.FromTransformer(writer));
        Console.WriteLine($"{name,-12}after [{tag}] {metrics.MeanScore,16:F3} {metrics.Kl,25:F2} {metrics.Distinct2,16:F3}");
    }

Console.WriteLine("\nthe loaded zip:");
using var engine = ControlledSentiment.LoadEngine(zip);
bool isEqual = true;
foreach (string opening in held[..settings.Shown])
    foreach (string tag in tags)
    {
        string prompt = ControlledSentiment.Tagged(tag, opening);
        string completion = engine.Predict(new() { Prompt = prompt }).Completion;
        isEqual &= completion == steered.Model.Complete(prompt, steered.Generation);
        Console.WriteLine($"{prompt}{completion.ReplaceLineEndings(" ")}");
    }
Console.WriteLine(isEqual ? "equal to the trained model's" : "DIFFERENT from the trained model's");
Console.WriteLine($"{zip}; {watch.Elapsed.TotalSeconds:F0} s in all");
return isEqual ? 0 : 1;
