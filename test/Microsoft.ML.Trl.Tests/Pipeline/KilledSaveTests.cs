using System.Diagnostics;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>A process that is killed while it saves leaves a whole file.</summary>
[TestClass]
public sealed class KilledSaveTests
{
    [TestMethod]
    public void A_process_that_is_killed_while_it_saves_leaves_a_whole_file()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            string source = Path.Combine(folder.FullName, "source.zip"), saved = Path.Combine(folder.FullName, "saved.zip");
            File.WriteAllBytes(source, SavedChain.Zip);
            string[] expected = Answers(source);
            var moments = new Random(1);
            for (int kill = 0; kill < 5; kill++)
            {
                KillAfter(TimeSpan.FromMilliseconds(moments.Next(1, 120)), source, saved);
                CollectionAssert.AreEqual(expected, Answers(saved));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [TestMethod]
    public void Load_throws_what_is_wrong_with_the_file()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            string path = Path.Combine(folder.FullName, "model.zip");
            File.WriteAllBytes(path, SavedChain.Rewritten(entry => entry.Name == "config.json", _ => null));
            var ml = new MLContext(1);
            Assert.Contains("has no entry", Assert.ThrowsExactly<InvalidDataException>(() => ml.Trl().Load(path, out _)).Message);
            File.WriteAllBytes(path, SavedChain.Rewritten(entry => entry.Name == "Model.key", content => content[..20]));
            Assert.Contains(
                "model.zip' is no model that ML.NET saved, or was damaged: ",
                Assert.ThrowsExactly<InvalidDataException>(() => ml.Trl().Load(path, out _)).Message);
            Assert.Throws<FileNotFoundException>(() => ml.Trl().Load(Path.Combine(folder.FullName, "none.zip"), out _));
            Assert.Throws<ArgumentException>(() => ml.Trl().Load("", out _));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string[] Answers(string path)
    {
        var ml = new MLContext(1);
        ITransformer model = ml.Trl().Load(path, out DataViewSchema? schema);
        Assert.IsNotNull(schema);
        string[] answers = [.. model.Transform(SavedChain.Rows).GetColumn<string>("Completion")];
        ((IDisposable)model).Dispose();
        return answers;
    }

    /// <summary>Kills the process some time after its first save, most likely in the middle of another.</summary>
    private static void KillAfter(TimeSpan time, string source, string saved)
    {
        var metadata = typeof(KilledSaveTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();
        string program = metadata.Single(data => data.Key == "EndlessProcess").Value!;
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [program, source, saved]) { RedirectStandardOutput = true })!;
        Assert.AreEqual("1", process.StandardOutput.ReadLine());
        Thread.Sleep(time);
        process.Kill();
        process.WaitForExit();
    }
}
