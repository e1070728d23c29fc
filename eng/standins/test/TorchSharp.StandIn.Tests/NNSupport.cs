using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

/// <summary>Reference numbers beside the checkout, and comparisons.</summary>
internal static class NNSupport
{
    /// <summary>The float32 tensors of a safetensors file below shared/fixtures; the calling test is skipped where there is none.</summary>
    public static Dictionary<string, Tensor> Reference(params string[] parts)
    {
        byte[] file = File.ReadAllBytes(Find(parts));
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        Dictionary<string, Tensor> tensors = [];
        foreach (JsonProperty entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            int[] range = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(end => end.GetInt32()).ToArray();
            long[] shape = entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
            Span<byte> bytes = file.AsSpan(8 + headerLength + range[0], range[1] - range[0]);
            tensors.Add(entry.Name, tensor(MemoryMarshal.Cast<byte, float>(bytes).ToArray()).reshape(shape));
        }
        return tensors;
    }

    public static void Near(double[] expected, Tensor actual, double tolerance = 1e-6)
    {
        using Tensor flat = actual.detach().to_type(ScalarType.Float64).reshape(-1);
        double[] values = flat.data<double>().ToArray();
        Assert.AreEqual(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], values[i], tolerance, $"entry {i}");
    }

    public static void Near(Tensor expected, Tensor actual, double tolerance = 1e-6)
    {
        using Tensor flat = expected.detach().to_type(ScalarType.Float64).reshape(-1);
        Near(flat.data<double>().ToArray(), actual, tolerance);
    }

    private static string Find(string[] parts)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine([folder.FullName, "shared", "fixtures", .. parts]) is var file && File.Exists(file))
                return file;
        if (Environment.GetEnvironmentVariable("TRL_SHARED") is { Length: > 0 } shared)
            return Path.Combine([shared, "fixtures", .. parts]);
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine([folder.FullName, "shared", "fixtures", .. parts]) is var file && File.Exists(file))
                return file;
        throw new AssertInconclusiveException("The reference numbers are not here (set TRL_SHARED to the folder that holds fixtures).");
    }
}
