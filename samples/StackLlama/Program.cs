using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;
using Microsoft.ML.Trl.Models;
using StackLlamaSample;
using TorchSharp;

// After StackLLaMA: SFT with LoRA, a reward adapter, PPO with adapters only, and everything merged into one folder.
// usage: StackLlama [--model FOLDER] [--data FILE.jsonl] [--rows N] [--out DIR] [--quick] [--gpu N] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

Settings settings = args.Contains("--quick") ? Settings.Full.Shortened() : Settings.Full;
string output = Option("--out") ?? Directory.CreateTempSubdirectory("stack-llama-").FullName;
List<RankedAnswers> rows = AnswerFile.Read(Option("--data") ?? Path.Combine(AppContext.BaseDirectory, "data", "answers.jsonl"));
if (int.TryParse(Option("--rows"), out int most))
    rows = rows[..Math.Min(most, rows.Count)];
List<RankedAnswers> held = rows[..(rows.Count / 5)], learned = rows[held.Count..];
Console.WriteLine($"{learned.Count} questions with ranked answers, {held.Count} held out");

var watch = Stopwatch.StartNew();
var progress = new ConsoleProgress();
string start = Option("--model") ?? Path.Combine(output, "base");
if (Option("--model") is null)
    StackLlama.Pretrain(ml, start, learned, settings, progress);

IDataView questions = ml.Data.LoadFromEnumerable(held);
using TransformerChain<TextGenerationTransformer> assistant =
    StackLlama.Train(ml, start, ml.Data.LoadFromEnumerable(learned), settings, progress);
StackLlama.Save(assistant, output);

var sft = (TextGenerationTransformer)assistant.ElementAt(0);
var judge = (RewardTransformer)assistant.ElementAt(1);
using TextGenerationTransformer untrained = StackLlama.LoadMerged(ml, start, sft.Generation, questions);
using TextGenerationTransformer merged = StackLlama.LoadMerged(ml, Path.Combine(output, "merged"), sft.Generation, questions);
StackLlama.ModelOutput[] last = StackLlama.Answer(ml, assistant.LastTransformer, judge, questions);
StackLlama.ModelOutput[] again = StackLlama.Answer(ml, merged, judge, questions);

long all = untrained.Model.Network.ParameterCount;
long Adapter(DecoderModel model, string name) => model.AdapterWeights(name).Sum(weight => weight.Value.NumberOfElements);
DecoderModel policy = assistant.LastTransformer.Model.Network;
Console.WriteLine($"\nbase {all:N0} weights, in memory once; adapters: SFT {Adapter(sft.Model.Network, "default"):N0}, "
    + $"reward {Adapter(judge.Model.Network, "default"):N0}, PPO {Adapter(policy, policy.AdapterNames()[^1]):N0}");
Console.WriteLine("mean score of the answers to the held-out questions, by the reward adapter:");
void Report(string name, StackLlama.ModelOutput[] answers) =>
    Console.WriteLine($"  {name,-12}{answers.Average(answer => answer.Score),7:F3}");
Report("base", StackLlama.Answer(ml, untrained, judge, questions));
Report("SFT", StackLlama.Answer(ml, sft, judge, questions));
Report("PPO", last);
Report("merged", again);
PreferenceMetrics ranking = ml.Trl().EvaluateRewardModel(judge, questions);
Console.WriteLine($"the reward adapter prefers the better of {held.Count} held-out answers in {ranking.Accuracy:P0}");
Console.WriteLine($"\n{held[^1].Prompt} {last[^1].Completion.Trim()}");
int equal = last.Zip(again).Count(pair => pair.First.Completion == pair.Second.Completion);
Console.WriteLine($"\n{equal} of {last.Length} answers of the merged folder are those of the adapters; all is in {output}; "
    + $"{watch.Elapsed.TotalSeconds:F0} s");
