using Microsoft.ML;
using Microsoft.ML.Trl;
using PreferencesSample;
using TorchSharp;

// usage: Preferences [--data DIR] [--rows N] [--quick] [--gpu N] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
var ml = new MLContext(seed: 1) { GpuDeviceId = int.TryParse(Option("--gpu"), out int gpu) ? gpu : null };
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

string? folder = Option("--data");
Settings settings = folder is null ? Settings.Small : Settings.Full;
if (args.Contains("--quick"))
    settings = settings.Shortened();
string[] files = folder is null
    ? [Path.Combine(AppContext.BaseDirectory, "data", "preferences.jsonl")]
    :
    [
        Path.Combine(folder, "samples", "preference_small.jsonl"),
        Path.Combine(folder, "preference", "hh_harmless_base_test.std.jsonl.gz"),
    ];
List<Comparison> all = [.. files.SelectMany(PreferenceFile.Read)];
IEnumerable<string> texts = all.SelectMany(row => new[] { row.Prompt, row.Chosen, row.Rejected });
TextTokenizer tokenizer = BpeTrainer.Train(texts, settings.VocabularySize);

// A tiny model reads short dialogues only.
List<Comparison> rows = [.. all.Where(row => tokenizer.Encode(row.Prompt).Length <= 120)];
if (int.TryParse(Option("--rows"), out int most))
    rows = rows[..Math.Min(most, rows.Count)];
Console.WriteLine($"{rows.Count} of {all.Count} comparisons fit");

var progress = new ConsoleProgress();
IDataView view = ml.Data.LoadFromEnumerable(rows);
using var assistant = Preferences.Train(ml, view, tokenizer, settings, progress);
string zip = Path.Combine(Directory.CreateTempSubdirectory("preferences-").FullName, "assistant.zip");
ml.Model.Save(assistant, view.Schema, zip);

using TextGenerationTransformer learner = Preferences.TrainFromPairs(ml, view, assistant.ElementAt(0), settings, progress);
Console.WriteLine("\nDPO  step   loss  margin  accuracy  chosen  rejected");
foreach (StepReport report in learner.Reports)
{
    double Metric(string name) => report.Metrics[name];
    Console.WriteLine($"{report.Step,9} {Metric("loss"),6:F3} {Metric("rewards/margins"),7:F3} {Metric("rewards/accuracies"),9:F3} "
        + $"{Metric("rewards/chosen"),7:F3} {Metric("rewards/rejected"),9:F3}");
}

Preferences.ModelOutput answer = Preferences.Predict(zip, rows[0].Prompt);
Console.WriteLine($"\nthe loaded zip answers \"{rows[0].Prompt.Trim()}\"\n{answer.Completion.Trim()}   (score {answer.Score:F2})");
