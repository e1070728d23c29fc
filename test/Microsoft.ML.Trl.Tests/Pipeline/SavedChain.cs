using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>SFT, reward model, PPO and DPO on four rows, fitted once and saved once for all tests that read it.</summary>
internal static class SavedChain
{
    private static readonly Lazy<(MLContext, IDataView, TransformerChain<TextGenerationTransformer>, byte[])> Made = new(Make);

    public static MLContext Ml => Made.Value.Item1;

    public static IDataView Rows => Made.Value.Item2;

    public static TransformerChain<TextGenerationTransformer> Chain => Made.Value.Item3;

    /// <summary>The saved file.</summary>
    public static byte[] Zip => [.. Made.Value.Item4];

    public static T[] Read<T>(IDataView view)
        where T : class, new() => [.. Ml.Data.CreateEnumerable<T>(view, reuseRowObject: false, ignoreMissingColumns: false)];

    public static ITransformer Load(byte[] zip)
    {
        using var file = new MemoryStream(zip);
        return new MLContext().Model.Load(file, out _);
    }

    /// <summary>The saved file with some entries changed, or left out where the change gives null.</summary>
    public static byte[] Rewritten(Func<ZipArchiveEntry, bool> chosen, Func<byte[], byte[]?> change, bool mendChecksums = false)
    {
        using var result = new MemoryStream();
        using (var target = new ZipArchive(result, ZipArchiveMode.Create, leaveOpen: true))
        using (var source = new ZipArchive(new MemoryStream(Zip)))
        {
            Dictionary<string, byte[]?> contents = source.Entries.ToDictionary(
                entry => entry.FullName, entry => chosen(entry) ? change(Bytes(entry)) : Bytes(entry));
            if (mendChecksums)
                foreach ((string name, byte[]? content) in contents.Where(entry => contents.ContainsKey(entry.Key + ".sha256")).ToArray())
                    if (content is not null)
                        contents[name + ".sha256"] = Encoding.UTF8.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content)));
            foreach ((string name, byte[]? content) in contents.Where(entry => entry.Value is not null))
                using (Stream stream = target.CreateEntry(name).Open())
                    stream.Write(content);
        }
        return result.ToArray();
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    /// <summary>All messages of the exception, the inner ones too: ML.NET wraps what a loader throws.</summary>
    public static string Messages(Action action)
    {
        Exception thrown = Assert.Throws<Exception>(action);
        var all = new StringBuilder();
        for (Exception? error = thrown; error is not null; error = error.InnerException)
            all.AppendLine(error.Message);
        return all.ToString();
    }

    private static (MLContext, IDataView, TransformerChain<TextGenerationTransformer>, byte[]) Make()
    {
        var ml = new MLContext(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        var ppo = new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-3, Generation = Tiny.Greedy };
        var chain = ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2, LearningRate = 1e-2, Generation = Tiny.Greedy })
            .Append(ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(ml.Trl().Ppo(ppo))
            .Append(ml.Trl().Dpo(new DpoOptions { MaxSteps = 2, LearningRate = 1e-3 }))
            .Fit(rows);
        using var file = new MemoryStream();
        ml.Model.Save(chain, rows.Schema, file);
        return (ml, rows, chain, file.ToArray());
    }
}
