using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tests.Architecture;

/// <summary>Which folder of src may use which: references run one way. Read from the sources.</summary>
[TestClass]
public sealed partial class LayeringTests
{
    private const int LongestLine = 140;

    /// <summary>
    /// From the bottom up; a folder may use those above it in this list. Leaves use none but Support, and tokenizers their chat templates.
    /// </summary>
    private static readonly string[] Layers =
    [
        "Operators", "Numerics", "Models", "Adapters", "Models/Families", "Generation/Constraints", "Generation", "Diffusion", "Text",
        "Pipeline/Views", "Pipeline", "Training/Optimizers", "Training/Callbacks", "Training",
        "Algorithms/Preferences", "Algorithms/Rollouts", "Algorithms/*", "Planning", "Evaluation", "Chat", ".",
    ];

    private static readonly string[] Leaves =
        ["Support", "Checkpoints", "Datasets", "MathAnswers", "Templates", "Tokenization", "Tracking"];

    private static readonly IReadOnlyDictionary<string, string> Sources = ReadSources();

    [TestMethod]
    public void Every_folder_has_its_layer()
    {
        string[] unknown = [.. Sources.Keys.Select(FolderOf).Distinct().Where(folder => !Leaves.Contains(folder) && LayerOf(folder) < 0)];
        Assert.IsEmpty(unknown, $"without a layer: {string.Join(", ", unknown)}");
    }

    [TestMethod]
    public void Arrows_run_one_way()
    {
        Dictionary<string, string> home = [];
        HashSet<string> twice = [];
        foreach ((string file, string text) in Sources)
            foreach (Match declaration in Declaration().Matches(text))
                if (home.TryGetValue(declaration.Groups[1].Value, out string? folder) && folder != FolderOf(file))
                    twice.Add(declaration.Groups[1].Value);
                else
                    home[declaration.Groups[1].Value] = FolderOf(file);
        List<string> wrong = [];
        foreach ((string file, string text) in Sources)
            foreach (string name in Name().Matches(text).Select(match => match.Value).Distinct())
                if (home.TryGetValue(name, out string? used) && !twice.Contains(name) && !IsAllowed(FolderOf(file), used))
                    wrong.Add($"{file} uses {name} of {used}");
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
    }

    [TestMethod]
    public void Only_the_families_ask_for_a_model_type()
    {
        IEnumerable<string> askers = FilesWith(text => text.Contains("ModelType ==", StringComparison.Ordinal));
        string[] wrong = [.. askers.Where(file => FolderOf(file) != "Models/Families")];
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
    }

    /// <summary>What a family takes from another one is that one's business; nobody else may know its name.</summary>
    [TestMethod]
    public void A_family_touches_its_own_file_and_the_registry()
    {
        const string Folder = "Models/Families/", Registry = Folder + "ModelFamilies.cs";
        string[] families = [.. Sources.Where(source => source.Key.StartsWith(Folder, StringComparison.Ordinal))
            .SelectMany(source => FamilyName().Matches(source.Value).Select(match => match.Groups[1].Value)).Distinct()];
        Assert.IsGreaterThan(15, families.Length);
        foreach (string family in families)
        {
            string[] touched = [.. FilesWith(text => Name().Matches(text).Any(match => match.Value == family))];
            CollectionAssert.Contains(touched, Registry, family);
            string[] strangers = [.. touched.Where(file => !file.StartsWith(Folder, StringComparison.Ordinal))];
            Assert.IsEmpty(strangers, $"{family} is known to {string.Join(", ", strangers)}");
            string[] owners = [.. touched.Where(file => FamilyName().Matches(Sources[file]).Any(match => match.Groups[1].Value == family))];
            Assert.HasCount(1, owners, $"{family} is declared in {string.Join(", ", owners)}");
        }
    }

    [TestMethod]
    public void Only_Operators_speaks_the_C_interface()
    {
        string[] wrong = [.. FilesWith(NativeCall().IsMatch).Where(file => FolderOf(file) != "Operators")];
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
    }

    [TestMethod]
    public void No_line_is_too_long()
    {
        string root = Path.GetFullPath(Path.Combine(SourceFolder(), "..", ".."));
        string[] folders = ["src", "test", "samples", "eng"];
        List<string> wrong = [];
        IEnumerable<string> FilesOf(string folder) =>
            Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories);
        foreach (string file in folders.SelectMany(FilesOf))
            foreach ((string line, int number) in File.ReadLines(file).Select((line, index) => (line, index + 1)))
                if (line.Length > LongestLine)
                    wrong.Add($"{Path.GetRelativePath(root, file)}:{number} has {line.Length} characters");
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
    }

    private static IEnumerable<string> FilesWith(Func<string, bool> isFound) =>
        Sources.Where(source => isFound(source.Value)).Select(source => source.Key);

    private static bool IsAllowed(string user, string used)
    {
        if (user == used || used == "Support" || (user, used) == ("Tokenization", "Templates"))
            return true;
        if (Leaves.Contains(user))
            return false;
        return Leaves.Contains(used) || LayerOf(used) < LayerOf(user);
    }

    private static int LayerOf(string folder)
    {
        int exact = Array.IndexOf(Layers, folder);
        return exact >= 0 || !folder.StartsWith("Algorithms/", StringComparison.Ordinal) ? exact : Array.IndexOf(Layers, "Algorithms/*");
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(file)!.Replace('\\', '/') is { Length: > 0 } folder ? folder : ".";

    private static Dictionary<string, string> ReadSources()
    {
        string folder = SourceFolder();
        return Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(folder, file), file => CommentOrText().Replace(File.ReadAllText(file), " "));
    }

    private static string SourceFolder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "src", "Microsoft.ML.Trl"));

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|""(?:\\.|[^""\\\n])*""", RegexOptions.Singleline)]
    private static partial Regex CommentOrText();

    [GeneratedRegex(
        @"^(?!\s)[^\n(={]*?\b(?:class|record struct|record|struct|interface|enum|delegate\s+[\w<>\[\], ?]+?)\s+([A-Z]\w*)",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\b[A-Z]\w*")]
    private static partial Regex Name();

    [GeneratedRegex(@"static class (\w+Family)\b")]
    private static partial Regex FamilyName();

    [GeneratedRegex(@"\b(DllImport|LibraryImport|NativeLibrary|UnmanagedCallersOnly)\b|delegate\* unmanaged")]
    private static partial Regex NativeCall();
}
