using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>Writes pickles opcode by opcode, after Python's pickletools.py, and the zip that torch.save puts them in.</summary>
internal sealed class PickleBytes
{
    private readonly List<byte> _bytes = [0x80, 2];

    public byte[] Done() => [.. _bytes, (byte)'.'];

    public PickleBytes Op(char opcode, params byte[] argument)
    {
        _bytes.Add((byte)opcode);
        _bytes.AddRange(argument);
        return this;
    }

    public PickleBytes Global(string module, string name) => Op('c', Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Op('X', [.. U32((uint)utf8.Length), .. utf8]);
    }

    public PickleBytes Number(long number)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return Op('\x8a', [8, .. bytes]);
    }

    public PickleBytes Numbers(params long[] numbers)
    {
        Op('(');
        foreach (long number in numbers)
            Number(number);
        return Op('t');
    }

    /// <summary>A tensor as torch.save writes it: a call of _rebuild_tensor_v2.</summary>
    public PickleBytes Tensor(string storage, string key, long count, long offset, long[] sizes, long[] strides)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op('(');
        Op('(').Text("storage").Global("torch", storage).Text(key).Text("cpu").Number(count).Op('t').Op('Q');
        Number(offset).Numbers(sizes).Numbers(strides).Op('\x89');
        return Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R');
    }

    /// <summary>A dictionary of one tensor called x.</summary>
    public static byte[] OneTensor(string storage, long count, long offset, long[] sizes, long[] strides) =>
        new PickleBytes().Op('}').Text("x").Tensor(storage, "0", count, offset, sizes, strides).Op('s').Done();

    public static byte[] U32(uint number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return bytes;
    }

    /// <summary>The zip.</summary>
    /// <param name="pickle">Goes to data.pkl.</param>
    /// <param name="storages">Go to data/0, data/1, ...</param>
    public static byte[] File(byte[] pickle, params byte[][] storages) =>
        Zip([("data.pkl", pickle), .. storages.Select((bytes, number) => ($"data/{number}", bytes))]);

    /// <summary>A zip of entries below a folder, stored as they are.</summary>
    public static byte[] Zip(IEnumerable<(string Name, byte[] Content)> entries)
    {
        using MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create))
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = zip.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        return file.ToArray();
    }
}
