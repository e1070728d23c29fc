using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>The folder of a base that is stored by where it is, and not by its weights.</summary>
internal static class BaseFolder
{
    private static readonly string[] Others = ["training_args.bin", "optimizer.bin", AdapterFolder.WeightsFile, "v_head.safetensors"];

    /// <summary>SHA-256 over names and bytes of the configuration and all files of weights, in hexadecimal.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static string Hash(string folder)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] files =
        [
            .. Directory.GetFiles(folder).Where(IsWeights).OrderBy(file => Path.GetFileName(file), StringComparer.Ordinal),
        ];
        foreach (string file in files)
        {
            all.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file) + "\n"));
            using FileStream stream = File.OpenRead(file);
            all.AppendData(SHA256.HashData(stream));
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    /// <summary>The weights without adapters that the folder does not hold, such as a fresh head.</summary>
    /// <param name="model">Its base was read from the folder.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InvalidOperationException">The base in memory is another one by now; the message names a tensor.</exception>
    public static IReadOnlyList<(string Name, Tensor Value)> Lacking(DecoderModel model, string folder)
    {
        using WeightFolder store = WeightFolder.Open(folder);
        string body = model.Config.Family.DecoderName + ".";
        List<(string Name, Tensor Value)> lacking = [];
        foreach ((string name, Tensor value) in model.PlainBase()) // quantized ones are rounded, and never change
        {
            string bare = name.StartsWith(body, StringComparison.Ordinal) ? name[body.Length..] : name;
            if ((store.Find(name) ?? store.Find(bare)) is not { } entry)
            {
                lacking.Add((name, value));
                continue;
            }
            using Tensor stored = store.Take(entry.Name, value.dtype), here = value.detach().cpu();
            if (!stored.shape.SequenceEqual(here.shape) || !stored.equal(here).all().item<bool>())
                throw new InvalidOperationException(
                    $"The base of the adapters is not what '{folder}' holds any more ('{name}' differs), so it cannot be stored by where "
                    + "it is; set SaveBase to true.");
        }
        return lacking;
    }

    private static bool IsWeights(string file)
    {
        string name = Path.GetFileName(file);
        bool isOf(string kind) => name.EndsWith(kind, StringComparison.Ordinal);
        return !Others.Contains(name) && (name == "config.json" || isOf(".safetensors") || isOf(".bin"));
    }
}

/// <summary>Two stores as one: what the first lacks, the second gives.</summary>
/// <param name="first">Owned from here on.</param>
/// <param name="second">Owned from here on.</param>
/// <param name="isHidden">Tensors of the second that nobody is to see.</param>
internal sealed class JoinedStore(IWeightStore first, IWeightStore second, Func<string, bool> isHidden) : IWeightStore
{
    public string Source => second.Source;

    public IEnumerable<string> Names => first.Names.Union(second.Names.Where(name => !isHidden(name)));

    public TensorEntry? Find(string name) => first.Find(name) ?? (isHidden(name) ? null : second.Find(name));

    public Tensor Take(string name, ScalarType type) => first.Find(name) is not null ? first.Take(name, type) : second.Take(name, type);

    public IEnumerable<(long From, Tensor Rows)> TakeRows(string name, long atOnce) =>
        (first.Find(name) is not null ? first : second).TakeRows(name, atOnce);

    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
    }
}
