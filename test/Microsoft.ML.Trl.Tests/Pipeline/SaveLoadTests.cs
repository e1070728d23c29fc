using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class SaveLoadTests
{
    [TestMethod]
    public void A_chain_answers_the_same_after_saving_and_loading()
    {
        ITransformer loaded = SavedChain.Load(SavedChain.Zip);
        Tiny.ScoredAnswer[] before = SavedChain.Read<Tiny.ScoredAnswer>(SavedChain.Chain.Transform(SavedChain.Rows));
        Tiny.ScoredAnswer[] after = SavedChain.Read<Tiny.ScoredAnswer>(loaded.Transform(SavedChain.Rows));
        CollectionAssert.AreEqual(before.Select(row => row.Completion).ToArray(), after.Select(row => row.Completion).ToArray());
        CollectionAssert.AreEqual(before.Select(row => row.Score).ToArray(), after.Select(row => row.Score).ToArray());
        Assert.IsTrue(before.All(row => float.IsFinite(row.Score) && row.Completion.Length > 0));
    }

    [TestMethod]
    public void A_process_that_only_references_the_assembly_loads_the_file_and_gives_the_same_greedy_text()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, SavedChain.Zip);
            IDataView answered = SavedChain.Chain.Transform(SavedChain.Rows);
            string[] expected = [.. SavedChain.Read<Tiny.Answer>(answered).Select(row => row.Completion)];
            CollectionAssert.AreEqual(expected, AnswersOfAFreshProcess(path, Tiny.Pairs.Select(row => row.Prompt)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Each_stage_writes_its_weights_once_and_uncompressed()
    {
        using var archive = new ZipArchive(new MemoryStream(SavedChain.Zip));
        ZipArchiveEntry[] weights = [.. archive.Entries.Where(entry => entry.Name == "model.safetensors")];
        Assert.HasCount(4, weights); // SFT, reward, PPO, DPO
        foreach (ZipArchiveEntry entry in weights)
            Assert.AreEqual(entry.Length, entry.CompressedLength);
        long numbers = Tiny.Model().Network.ParameterCount * sizeof(float);
        Assert.IsLessThan(4.2 * numbers + 40_000, weights.Sum(entry => entry.Length)); // headers and heads are small
    }

    [TestMethod]
    public void The_critic_of_ppo_is_in_the_file()
    {
        var loaded = (IEnumerable<ITransformer>)SavedChain.Load(SavedChain.Zip);
        TextGenerationTransformer ppo = loaded.OfType<TextGenerationTransformer>().ElementAt(1);
        TextGenerationTransformer saved = SavedChain.Chain.OfType<TextGenerationTransformer>().ElementAt(1);
        CollectionAssert.AreEqual(
            saved.Model.ValueHead!.Weights().SelectMany(weight => weight.Value.data<float>().ToArray()).ToArray(),
            ppo.Model.ValueHead!.Weights().SelectMany(weight => weight.Value.data<float>().ToArray()).ToArray());
    }

    [TestMethod]
    public void History_and_habits_survive()
    {
        var loaded = (TextGenerationTransformer)((IEnumerable<ITransformer>)SavedChain.Load(SavedChain.Zip)).Last();
        TextGenerationTransformer saved = SavedChain.Chain.LastTransformer;
        Assert.AreEqual(saved.Generation.MaxNewTokens, loaded.Generation.MaxNewTokens);
        Assert.AreEqual(saved.Generation.DoSample, loaded.Generation.DoSample);
        Assert.AreEqual(saved.Reports[^1].Metrics["loss"], loaded.Reports[^1].Metrics["loss"]);
        Assert.AreEqual(saved.Reports[^1].Step, loaded.Reports[^1].Step);
        Assert.AreEqual(saved.PromptColumnName, loaded.PromptColumnName);
    }

    [TestMethod]
    public void A_loaded_file_can_be_saved_again()
    {
        var ml = new MLContext();
        using var again = new MemoryStream();
        ml.Model.Save(SavedChain.Load(SavedChain.Zip), SavedChain.Rows.Schema, again);
        Tiny.Answer[] expected = SavedChain.Read<Tiny.Answer>(SavedChain.Chain.Transform(SavedChain.Rows));
        Tiny.Answer[] actual = SavedChain.Read<Tiny.Answer>(SavedChain.Load(again.ToArray()).Transform(SavedChain.Rows));
        CollectionAssert.AreEqual(expected.Select(row => row.Completion).ToArray(), actual.Select(row => row.Completion).ToArray());
    }

    [TestMethod]
    public void Registering_the_assembly_by_hand_does_no_harm()
    {
        var ml = new MLContext();
        ml.ComponentCatalog.RegisterAssembly(typeof(TrlCatalog).Assembly);
        using var file = new MemoryStream(SavedChain.Zip);
        Assert.IsNotNull(ml.Model.Load(file, out _));
    }

    [TestMethod]
    public void A_flipped_byte_in_the_weights_is_reported_by_entry()
    {
        byte[] zip = SavedChain.Zip;
        zip[Find(zip, "\"transformer.h.0.attn.c_attn.weight\"") + 4000] ^= 1;
        string message = SavedChain.Messages(() => SavedChain.Load(zip));
        Assert.Contains("model.safetensors' of the model file is damaged: its SHA-256 is", message);
    }

    [TestMethod]
    [DataRow("tokenizer.json")]
    [DataRow("config.json")]
    [DataRow("generation.json")]
    [DataRow("transformer.json")]
    public void A_changed_text_is_reported_by_entry(string name)
    {
        byte[] zip = SavedChain.Rewritten(entry => entry.Name == name, content => [.. content[..^2], (byte)' ', content[^1]]);
        Assert.Contains($"{name}' of the model file is damaged", SavedChain.Messages(() => SavedChain.Load(zip)));
    }

    [TestMethod]
    [DataRow("model.safetensors")]
    [DataRow("tokenizer.json")]
    [DataRow("config.json")]
    [DataRow("model.safetensors.sha256")]
    public void A_missing_entry_is_reported_by_name(string name)
    {
        byte[] zip = SavedChain.Rewritten(entry => entry.Name == name, _ => null);
        string message = SavedChain.Messages(() => SavedChain.Load(zip));
        Assert.Contains("The model file has no entry '", message);
        Assert.Contains($"/{name}'", message);
    }

    [TestMethod]
    public void A_truncated_file_is_an_error()
    {
        byte[] zip = SavedChain.Zip;
        Assert.AreNotEqual("", SavedChain.Messages(() => SavedChain.Load(zip[..(zip.Length / 2)])));
    }

    [TestMethod]
    [DataRow("score.weight", "Missing: score.weight [1, 16]")]
    [DataRow("v_head.summary.weight", "Missing: v_head.summary.weight [1, 16]")]
    [DataRow("transformer.ln_f.weight", "Missing: transformer.ln_f.weight [16]")]
    public void A_missing_tensor_is_reported_by_name(string tensor, string expected)
    {
        byte[] zip = SavedChain.Rewritten(entry => entry.Name == "model.safetensors", Renamed, mendChecksums: true);
        Assert.Contains(expected, SavedChain.Messages(() => SavedChain.Load(zip)));

        byte[] Renamed(byte[] content)
        {
            string other = new('x', tensor.Length);
            string text = Encoding.Latin1.GetString(content);
            return Encoding.Latin1.GetBytes(text.Replace($"\"{tensor}\"", $"\"{other}\"", StringComparison.Ordinal));
        }
    }

    private static string[] AnswersOfAFreshProcess(string model, IEnumerable<string> prompts)
    {
        var metadata = typeof(SaveLoadTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();
        string program = metadata.Single(data => data.Key == "FreshProcess").Value!;
        var start = new ProcessStartInfo("dotnet", [program, model])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        foreach (string prompt in prompts)
            process.StandardInput.WriteLine(prompt);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, errors.Result);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line)!)];
    }

    private static int Find(byte[] zip, string text)
    {
        int place = zip.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text));
        Assert.IsGreaterThan(0, place);
        return place;
    }
}
