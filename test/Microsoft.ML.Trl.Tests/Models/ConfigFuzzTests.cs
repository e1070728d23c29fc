using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>The config.json of every family with its structure damaged, beside weights that are whole; see <see cref="Fuzz"/>.</summary>
[TestClass]
public sealed class ConfigFuzzTests
{
    private static readonly string[] Names = ["config.json", "config_v4.json"];

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [Timeout(7_200_000)]
    public void Configurations()
    {
        (string Model, string Json)[] seeds = [.. Directory.EnumerateDirectories(Fixtures.Path("models")).Order(StringComparer.Ordinal)
            .SelectMany(model => Names.Select(name => (Model: model, File: Path.Combine(model, name))))
            .Where(seed => File.Exists(seed.File)).Select(seed => (seed.Model, File.ReadAllText(seed.File)))];
        Assert.IsGreaterThan(30, seeds.Length);
        var fuzz = new Fuzz();
        for (int i = 0; i < Fuzz.Count; i++)
        {
            (string model, string json) = seeds[i % seeds.Length];
            byte[] damaged = JsonMutations.Of(json, i);
            string folder = Variant(model, i, damaged);
            fuzz.Read(i, damaged.Length, () => HuggingFaceFolder.LoadConfig(folder));
            fuzz.Read(i, damaged.Length + Weights(folder), () => LoadAny(folder));
            Directory.Delete(folder, recursive: true);
        }
        Close.Above(Fuzz.Count / 50.0, fuzz.Readable, "variants that can be read");
    }

    private static long Weights(string folder) => Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length);

    private static void LoadAny(string folder)
    {
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        if (config.Labels.Count > 0)
            HuggingFaceFolder.LoadClassifier(folder).Dispose();
        else
            HuggingFaceFolder.LoadModel(folder).Dispose();
    }

    private string Variant(string model, int number, byte[] config)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, $"{number}")).FullName;
        foreach (string file in Directory.EnumerateFiles(model))
            if (Path.GetFileName(file) is var name
                && (name.Contains("model", StringComparison.Ordinal) || name == "generation_config.json"))
                File.CreateSymbolicLink(Path.Combine(folder, name), file);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), config);
        return folder;
    }
}
