using System.Runtime.CompilerServices;
using PublicApiGenerator;

namespace Microsoft.ML.Trl.Tests.Architecture;

/// <summary>The public surface is a decision: PublicApi.txt holds it, and every change of it shows in a review.</summary>
[TestClass]
public sealed class PublicApiTests
{
    [TestMethod]
    public void The_public_surface_is_the_one_that_was_agreed_on()
    {
        string actual = typeof(TrlCatalog).Assembly.GeneratePublicApi(Options).ReplaceLineEndings("\n");
        string path = Path.Combine(Folder(), "PublicApi.txt");
        if (Environment.GetEnvironmentVariable("TRL_UPDATE_PUBLIC_API") == "1")
            File.WriteAllText(path, actual + "\n");
        string[] expected = File.ReadAllText(path).TrimEnd().Split('\n'), lines = actual.TrimEnd().Split('\n');
        string difference = string.Join(
            '\n', lines.Except(expected).Select(line => "+ " + line).Concat(expected.Except(lines).Select(line => "- " + line)));
        Assert.AreEqual(string.Join('\n', expected), string.Join('\n', lines),
            $"The public surface has changed:\n{difference}\nIf that is meant, run the test once with TRL_UPDATE_PUBLIC_API=1 and commit "
            + "PublicApi.txt.");
    }

    [TestMethod]
    public void A_pipeline_program_needs_one_namespace()
    {
        string[] needed =
        [
            nameof(SftTrainer), nameof(
                RewardTrainer), nameof(DpoTrainer), nameof(PpoTrainer), nameof(SftOptions), nameof(RewardOptions), nameof(DpoOptions),
            nameof(PpoOptions), nameof(ModelSource), nameof(RewardFunction), nameof(GenerationOptions), nameof(TextGenerationTransformer),
            nameof(RewardTransformer), nameof(
                StepReport), nameof(ConsoleProgress), nameof(ModelConfig), nameof(TextTokenizer), nameof(BpeTrainer),
            nameof(TrainingCanceledException), nameof(TrainingDivergedException), nameof(RewardFunctionException),
        ];
        foreach (string name in needed)
            Assert.IsNotNull(typeof(TrlCatalog).Assembly.GetType("Microsoft.ML.Trl." + name), name);
    }

    private static ApiGeneratorOptions Options => new() { IncludeAssemblyAttributes = false, DenyNamespacePrefixes = [] };

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
