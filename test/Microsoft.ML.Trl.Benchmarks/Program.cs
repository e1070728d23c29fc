using Microsoft.ML.Trl;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Trl.Benchmarks;
using TorchSharp;

// One process per measurement, so that its peak memory is its own:
//   dotnet run -c Release --project test/Microsoft.ML.Trl.Benchmarks -- --task sft --shape small --threads 2 --steps 5
Dictionary<string, string> given = [];
for (int i = 0; i + 1 < args.Length; i += 2)
    given[args[i].TrimStart('-')] = args[i + 1];
string[] known =
[
    "task", "shape", "threads", "steps", "patience", "device", "type", "rows", "part", "megabytes", "length", "batch", "rule",
    "adapter", "folder",
    .. MemoryOptions.Names,
];
bool understood = args.Length % 2 == 0 && !given.Keys.Except(known).Any();
if (understood && given.GetValueOrDefault("task") == LoadTask.Name)
{
    LoadTask.Run(given.GetValueOrDefault("part"), int.Parse(given.GetValueOrDefault("megabytes", "1000"), CultureInfo.InvariantCulture));
    return 0;
}
if (!understood || !given.TryGetValue("task", out string? name) || !Tasks.All.TryGetValue(name, out Func<Shape, Measurement, int>? task))
{
    Console.Error.WriteLine(
        $"usage: --task {string.Join('|', Tasks.All.Keys)} [--shape small|gpt2|llama|long|long-grouped|tinyllama] [--threads N] "
        + "[--steps N] [--patience N] [--device cpu|cuda] [--type float32|bfloat16|int8|int4|nf4|nf4-bfloat16] [--rows N]\n"
        + "   [--rule AdamW|Lion8Bit|..., for the tasks optimizer (also fused) and finetune]\n"
        + "   folder, finetune: --folder FOLDER [--adapter true|false]\n"
        + "   training: [--batch N] [--length N] [--checkpointing true|false] [--offload FOLDER] [--in-backward true|false]\n"
        + "   or: --task load [--megabytes N]");
    return 2;
}

int threads = int.Parse(given.GetValueOrDefault("threads", "2"), CultureInfo.InvariantCulture);
Microsoft.ML.Trl.Operators.TorchLibrary.EnsureLoaded(); // first: libtorch reads its settings while it loads
string device = given.GetValueOrDefault("device", "cpu"), type = given.GetValueOrDefault("type", "float32");
if (device == "cuda" && !torch.cuda.is_available())
    throw new InvalidOperationException("libtorch sees no CUDA device.");
Shape shape = Shape.Named(given.GetValueOrDefault("shape", "small")) with
{
    Device = torch.device(device),
    Bf16 = type.EndsWith("bfloat16", StringComparison.Ordinal),
    Quantization = type switch
    {
        "int8" => WeightQuantization.Int8,
        "int4" => WeightQuantization.Int4,
        "nf4" or "nf4-bfloat16" => WeightQuantization.Nf4Nested,
        _ => WeightQuantization.None,
    },
    Rule = given.GetValueOrDefault("rule", "AdamW"),
    IsAdapted = bool.Parse(given.GetValueOrDefault("adapter", "false")),
    Folder = given.GetValueOrDefault("folder"),
    Memory = MemoryOptions.Of(given),
    Prompts = int.Parse(given.GetValueOrDefault("rows", "8"), CultureInfo.InvariantCulture),
};
shape = shape with
{
    Length = int.Parse(given.GetValueOrDefault("length", $"{shape.Length}"), CultureInfo.InvariantCulture),
    BatchSize = int.Parse(given.GetValueOrDefault("batch", $"{shape.BatchSize}"), CultureInfo.InvariantCulture),
};
torch.set_num_threads(threads);
var measured = new Measurement(
    int.Parse(given.GetValueOrDefault("steps", "5"), CultureInfo.InvariantCulture),
    int.Parse(given.GetValueOrDefault("patience", "4"), CultureInfo.InvariantCulture));
int tokens = task(shape, measured);
(double median, double min, double max) = measured.Clock.Seconds();
Console.WriteLine(JsonSerializer.Serialize(new Dictionary<string, object>
{
    ["task"] = name,
    ["shape"] = shape.Name,
    ["threads"] = threads,
    ["device"] = device,
    ["type"] = type,
    ["length"] = shape.Length,
    ["checkpointing"] = shape.Memory.Checkpointing,
    ["offloads"] = shape.Memory.OffloadFolder is not null,
    ["in_backward"] = shape.Memory.InBackward,
    ["median_s"] = Math.Round(median, 4),
    ["min_s"] = Math.Round(min, 4),
    ["max_s"] = Math.Round(max, 4),
    ["tokens_per_s"] = Math.Round(tokens / median, 1),
    ["text_mb_per_s"] = Math.Round(measured.TextBytes / median / 1e6, 2),
    ["planned_s"] = Math.Round(measured.PlannedSeconds, 4),
    ["peak_rss_mb"] = QuietClock.PeakMegabytes(),
    ["clean_steps"] = measured.Clock.CleanLaps,
    ["all_steps"] = measured.Clock.Laps,
}));
return 0;
