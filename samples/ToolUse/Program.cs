using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;
using TorchSharp;
using ToolUseSample;

// A model that is too small to reckon learns to ask a calculator: GRPO with a C# method that it may call while it answers.
// usage: ToolUse [--quick] [--gpu N] [--out DIR] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string output = Option("--out") ?? Directory.CreateTempSubdirectory("tool-use-").FullName;
Directory.CreateDirectory(output);
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

Settings settings = args.Contains("--quick") ? Settings.Full.Shortened() : Settings.Full;
var watch = Stopwatch.StartNew();
SumData data = await SumData.Make(settings.Talks, settings.Held, seed: 1);
Console.WriteLine($"{data.Talks.Count} conversations, {data.Sums.Count} sums to learn from, {data.Held.Count} held out");

using TransformerChain<TextGenerationTransformer> chain = ToolUse.Train(ml, data, settings, new ConsoleProgress());
var before = (TextGenerationTransformer)chain.ElementAt(0);
TextGenerationTransformer after = chain.LastTransformer;
string zip = Path.Combine(output, "assistant.zip");
ml.Model.Save(after, ml.Data.LoadFromEnumerable(data.Held).Schema, zip);
Console.WriteLine($"trained in {watch.Elapsed.TotalSeconds:F0} s");

Console.WriteLine($"\nanswers to the {data.Held.Count} held-out sums:");
Console.WriteLine("              right   with a call   calls that failed   tokens");
async Task<(double Right, Exchange[] Answers)> Report(string name, TextGenerationTransformer model)
{
    using IChatClient client = ToolUse.Assistant(model);
    var answers = new Exchange[data.Held.Count];
    for (int sum = 0; sum < answers.Length; sum++)
        answers[sum] = await ToolUse.Ask(client, data.Held[sum].Question);
    double right = answers.Zip(data.Held).Average(pair => pair.First.Says(pair.Second.Product) ? 1.0 : 0.0);
    bool[] calls = [.. answers.SelectMany(answer => answer.Calls)];
    double failed = calls.Length == 0 ? 0 : calls.Average(isUnderstood => isUnderstood ? 0.0 : 1.0);
    Console.WriteLine($"{name,-11} {right,7:P0} {answers.Average(answer => answer.Calls.Length > 0 ? 1.0 : 0.0),13:P0} "
        + $"{failed,19:P0} {answers.Average(answer => answer.Tokens),8:F1}");
    return (right, answers);
}
(double rightBefore, _) = await Report("SFT", before);
(double rightAfter, Exchange[] trained) = await Report("SFT + GRPO", after);

Console.WriteLine("\nthe loaded zip as a chat client:");
using TextGenerationTransformer loaded = ToolUse.Load(zip);
using IChatClient assistant = ToolUse.Assistant(loaded);
bool isEqual = true;
for (int sum = 0; sum < settings.Shown; sum++)
{
    Exchange exchange = await ToolUse.Ask(assistant, data.Held[sum].Question);
    isEqual &= exchange.ToString() == trained[sum].ToString();
    Console.WriteLine($"> {data.Held[sum].Question}\n{exchange}");
}
Console.WriteLine(isEqual ? "equal to the trained model's" : "DIFFERENT from the trained model's");
bool isBetter = rightAfter >= rightBefore + 0.2;
Console.WriteLine(isBetter ? "far more answers are right than before" : "NOT many more answers are right than before");
Console.WriteLine($"{zip}; {watch.Elapsed.TotalSeconds:F0} s in all");
return isEqual && isBetter ? 0 : 1;
