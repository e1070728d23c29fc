using System.Diagnostics;
using System.Globalization;
using DetoxSample;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;
using TorchSharp;

// A writer with bad manners learns better ones: ML.NET's text classifier is the reward, GRPO trains an adapter.
// usage: Detox [--data DIR] [--quick] [--gpu N] [--out DIR] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string output = Option("--out") ?? Directory.CreateTempSubdirectory("detox-").FullName;
Directory.CreateDirectory(output);
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

string? folder = Option("--data");
Settings settings = folder is null ? Settings.Small : Settings.Full;
if (args.Contains("--quick"))
    settings = settings.Shortened();
DetoxData data = folder is null ? DetoxData.Shipped() : DetoxData.FromFolder(folder);
Console.WriteLine($"{data.Texts.Count} texts, {data.Replies.Count} replies for the judge, {data.Remarks.Count} remarks; "
    + $"held out: {data.HeldReplies.Count} replies, {data.HeldRemarks.Count} remarks");

var watch = Stopwatch.StartNew();
ITransformer judge = Detox.TrainJudge(ml, data);
IDataView held = judge.Transform(ml.Data.LoadFromEnumerable(data.HeldReplies));
BinaryClassificationMetrics quality = ml.BinaryClassification.Evaluate(held, nameof(Reply.IsRude));
Console.WriteLine($"the judge on held-out replies: accuracy {quality.Accuracy:F3}, AUC {quality.AreaUnderRocCurve:F3}");

using TransformerChain<TextGenerationTransformer> chain = Detox.Train(ml, judge, data, settings, new ConsoleProgress());
var before = (TextGenerationTransformer)chain.ElementAt(0);
TextGenerationTransformer after = chain.LastTransformer;

IDataView remarks = ml.Data.LoadFromEnumerable(data.HeldRemarks);
string zip = Path.Combine(output, "polite.zip");
ml.Model.Save(new TransformerChain<ITransformer>(after, judge), remarks.Schema, zip);

Console.WriteLine($"\nreplies to the {data.HeldRemarks.Count} held-out remarks, and perplexity of held-out texts:");
Console.WriteLine("            rudeness   above 0.5   KL to SFT, nats   polite texts   rude texts");
double Perplexity(ITransformer policy, bool isRude) => ml.Trl().EvaluateLanguageModel(
    policy, ml.Data.LoadFromEnumerable(data.HeldReplies.Where(row => row.IsRude == isRude))).Perplexity;
Detox.ModelOutput[] Report(string name, TextGenerationTransformer policy)
{
    Detox.ModelOutput[] replies = Detox.Reply(ml, policy, judge, remarks);
    double kl = ml.Trl().EvaluateGeneration(policy, remarks, reference: ModelSource.FromTransformer(before)).Kl;
    Console.WriteLine($"{name,-10} {replies.Average(reply => reply.Probability),9:F3} "
        + $"{replies.Average(reply => reply.Probability > 0.5 ? 1.0 : 0.0),11:P0} {kl,17:F2} "
        + $"{Perplexity(policy, isRude: false),14:F1} {Perplexity(policy, isRude: true),12:F1}");
    return replies;
}
Detox.ModelOutput[] rude = Report("SFT", before);
Detox.ModelOutput[] polite = Report("SFT + GRPO", after);

using var engine = Detox.LoadEngine(zip);
bool isEqual = true;
for (int row = 0; row < settings.Shown; row++)
{
    Detox.ModelOutput loaded = engine.Predict(new() { Prompt = rude[row].Prompt });
    isEqual &= loaded.Completion == polite[row].Completion && loaded.Probability == polite[row].Probability;
    Console.WriteLine($"\n> {rude[row].Prompt}");
    Console.WriteLine($"  SFT             {rude[row].Probability,5:F2} {rude[row].Completion.Trim()}");
    Console.WriteLine($"  the loaded zip  {loaded.Probability,5:F2} {loaded.Completion.Trim()}");
}
Console.WriteLine($"\n{(isEqual ? "equal to the trained model's" : "DIFFERENT from the trained model's")}");
Console.WriteLine($"{zip}; {watch.Elapsed.TotalSeconds:F0} s in all");
return isEqual ? 0 : 1;
