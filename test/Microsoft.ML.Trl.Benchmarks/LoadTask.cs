using System.Diagnostics;
using System.Text.Json;
using TorchSharp;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>
/// Peak memory of loading and saving a model of LLaMA's shape, as a folder and as ML.NET's zip. Each is measured in a process of its own,
/// which prints a JSON line: the size of the weights, the peak before and after, and the peak as a multiple of the weights.
/// </summary>
internal static class LoadTask
{
    public const string Name = "load";

    private static readonly string[] Corpus = ["the film was good and warm", "the film was bad and cold"];

    private static readonly Dictionary<string, Action<string>> Parts = new()
    {
        ["make"] = Make,
        ["folder"] = folder => LanguageModel.Load(Folder(folder)).Dispose(),
        ["folder-bf16"] = folder => LanguageModel.Load(Folder(folder), type: torch.ScalarType.BFloat16).Dispose(),
        ["zip"] = folder => ((IDisposable)new MLContext(1).Model.Load(Zip(folder), out _)).Dispose(),
        ["trl-zip"] = folder => ((IDisposable)new MLContext(1).Trl().Load(Zip(folder), out _)).Dispose(),
        ["save-folder"] = folder => Loaded(folder, model => model.Save(Path.Combine(folder, "again"))),
        ["save-zip"] = SaveZipOfFolder,
        ["stage"] = folder => ((IDisposable)Stage(new MLContext(1), ModelSource.Folder(Folder(folder)))).Dispose(),
    };

    /// <summary>Runs all parts, or the one that a child process is for.</summary>
    /// <param name="part">Name of the part and the folder to work in, parted by a colon; null = all.</param>
    /// <param name="megabytes">Size of the weights in float32.</param>
    public static void Run(string? part, int megabytes)
    {
        if (part?.Split(':', 2) is [string name, string folder])
        {
            RunPart(name, folder, megabytes);
            return;
        }
        string work = Directory.CreateTempSubdirectory("trl-load-").FullName;
        try
        {
            foreach (string each in Parts.Keys)
                RunChild($"{each}:{work}", megabytes);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void RunChild(string part, int megabytes)
    {
        string[] arguments = [Environment.GetCommandLineArgs()[0], "--task", Name, "--part", part, "--megabytes", $"{megabytes}"];
        using Process child = Process.Start(Environment.ProcessPath!, arguments);
        child.WaitForExit();
        if (child.ExitCode != 0)
            throw new InvalidOperationException($"The part '{part}' ended with exit code {child.ExitCode}.");
    }

    private static void RunPart(string name, string folder, int megabytes)
    {
        if (name == "make")
            Make(folder, megabytes);
        else
            Measure(name, folder);
    }

    private static void Measure(string name, string folder)
    {
        long size = new FileInfo(Path.Combine(Folder(folder), "model.safetensors")).Length >> 20;
        using (torch.Tensor warm = torch.ones(2, 2))
            warm.mm(warm).Dispose();
        long before = QuietClock.PeakMegabytes();
        var time = Stopwatch.StartNew();
        Parts[name](folder);
        long peak = QuietClock.PeakMegabytes();
        Console.WriteLine(JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["task"] = Name,
            ["part"] = name,
            ["weights_mb"] = size,
            ["peak_before_mb"] = before,
            ["peak_rss_mb"] = peak,
            ["peak_over_weights"] = Math.Round((double)peak / size, 3),
            ["added_over_weights"] = Math.Round((double)(peak - before) / size, 3),
            ["seconds"] = Math.Round(time.Elapsed.TotalSeconds, 2),
        }));
    }

    private static void Make(string folder) => throw new NotSupportedException($"'{folder}' is made with a size.");

    // 32,000 tokens of 1536 and blocks of 27 million weights: 196 MB and 108 MB in float32
    private static void Make(string folder, int megabytes)
    {
        const int Vocabulary = 32_000, Width = 1536, EmbeddingMegabytes = 188, BlockMegabytes = 108;
        int layers = Math.Max(1, (megabytes - EmbeddingMegabytes) / BlockMegabytes);
        ModelConfig config = ModelConfig.Llama(Vocabulary, Width, layers, 12, 1024, intermediateSize: 4096, tieWordEmbeddings: true);
        using LanguageModel model = new(CausalLanguageModel.Create(config, seed: 1), BpeTrainer.Train(Corpus, 300));
        model.Save(Folder(folder));
        SaveZip(ModelSource.FromModel(model), Zip(folder));
    }

    private static void Loaded(string folder, Action<LanguageModel> use)
    {
        using LanguageModel model = LanguageModel.Load(Folder(folder));
        use(model);
    }

    private static void SaveZipOfFolder(string folder) => SaveZip(ModelSource.Folder(Folder(folder)), Path.Combine(folder, "again.zip"));

    private static void SaveZip(ModelSource source, string path)
    {
        MLContext ml = new(1);
        using TextGenerationTransformer transformer = Stage(ml, source);
        ml.Trl().Save(transformer, null, path);
    }

    private static TextGenerationTransformer Stage(MLContext ml, ModelSource source) =>
        ml.Trl().TextGeneration(source).Fit(ml.Data.LoadFromEnumerable(new[] { new { Prompt = "the film" } }));

    private static string Folder(string work) => Path.Combine(work, "model");

    private static string Zip(string work) => Path.Combine(work, "model.zip");
}
