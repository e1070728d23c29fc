using Microsoft.ML.Trl;
using Microsoft.ML;
using PreferencesSample;
using TorchSharp;

// usage: Preferences [--data DIR] [--rows N] [--quick] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
var ml = new MLContext(seed: 1);
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));
bool quick = args.Contains("--quick");
string? folder = Option("--data");
string[] files = folder is null
    ? [Path.Combine(AppContext.BaseDirectory, "data", "preferences.jsonl")]
    : [Path.Combine(folder, "samples", "preference_small.jsonl"), Path.Combine(folder, "preference", "hh_harmless_base_test.std.jsonl.gz")];

List<Comparison> all = [.. files.SelectMany(PreferenceFile.Read)];
TextTokenizer tokenizer = BpeTrainer.Train(all.SelectMany(row => new[] { row.Prompt, row.Chosen, row.Rejected }), folder is null ? 512 : 2048);
// A tiny model reads short dialogues only.
List<Comparison> rows = [.. all.Where(row => tokenizer.Encode(row.Prompt).Length <= 120)];
if (int.TryParse(Option("--rows"), out int most))
    rows = rows[..Math.Min(most, rows.Count)];
Console.WriteLine($"{rows.Count} of {all.Count} comparisons fit");

var progress = new ConsoleProgress();
IDataView view = ml.Data.LoadFromEnumerable(rows);
using var assistant = Preferences.Train(ml, view, tokenizer, passes: quick ? 1 : folder is null ? 20 : 2, ppoSteps: quick ? 2 : 15, progress);
string zip = Path.Combine(Directory.CreateTempSubdirectory("preferences-").FullName, "assistant.zip");
ml.Model.Save(assistant, view.Schema, zip);

using TextGenerationTransformer learner = Preferences.TrainFromPairs(ml, view, assistant.ElementAt(0), quick ? 0.25 : 2, progress);
Console.WriteLine("\nDPO  step   loss  margin  accuracy  chosen  rejected");
foreach (StepReport report in learner.Reports)
    Console.WriteLine($"{report.Step,9} {report.Metrics["loss"],6:F3} {report.Metrics["rewards/margins"],7:F3} {report.Metrics["rewards/accuracies"],9:F3} {report.Metrics["rewards/chosen"],7:F3} {report.Metrics["rewards/rejected"],9:F3}");

Preferences.ModelOutput answer = Preferences.Predict(zip, rows[0].Prompt);
Console.WriteLine($"\nthe loaded zip answers \"{rows[0].Prompt.Trim()}\"\n{answer.Completion.Trim()}   (score {answer.Score:F2})");
