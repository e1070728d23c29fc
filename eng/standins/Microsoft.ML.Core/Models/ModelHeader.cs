using System.Text;

namespace Microsoft.ML;

/// <summary>
/// The 256 bytes at the start of a model block: where model, strings and loader assembly name lie, and what wrote them.
/// All numbers are little endian; offsets count from the header.
/// </summary>
internal struct ModelHeader
{
    public const int Size = 256;

    private const ulong FirstBytes = 0x4C45444F4D004C4D;
    private const ulong LastBytes = 0x4D4C004D4F44454C;
    private const uint Version = 0x00010002;
    private const uint OldestReadable = 0x00010001;
    private const uint FirstWithAssemblyName = 0x00010002;
    private const int LoaderNameLength = 24;

    public uint VerWritten;
    public uint VerReadable;
    public long FpModel;
    public long CbModel;
    public long FpStringTable;
    public long CbStringTable;
    public long FpStringChars;
    public long CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten;
    public uint ModelVerReadable;
    public string LoaderSignature;
    public string LoaderSignatureAlt;
    public long FpTail;
    public long FpLim;
    public long FpAssemblyName;
    public uint CbAssemblyName;

    private ulong _firstBytes;

    /// <summary>Leaves room for the header and returns where it starts.</summary>
    public static long BeginWrite(BinaryWriter writer, out ModelHeader header)
    {
        long start = writer.BaseStream.Position;
        header = new ModelHeader { _firstBytes = FirstBytes, VerWritten = Version, VerReadable = Version, FpModel = Size };
        writer.Write(new byte[Size]);
        return start;
    }

    /// <summary>Writes strings, loader assembly name and tail behind the model, then the header before it.</summary>
    public static void EndWrite(BinaryWriter writer, long start, ref ModelHeader header, IReadOnlyList<string> strings, string loaderAssembly)
    {
        header.CbModel = writer.BaseStream.Position - start - Size;
        if (strings.Count > 0)
            WriteStrings(writer, start, ref header, strings);
        if (!string.IsNullOrEmpty(loaderAssembly))
        {
            header.FpAssemblyName = writer.BaseStream.Position - start;
            header.CbAssemblyName = (uint)(loaderAssembly.Length * sizeof(char));
            writer.Write(Encoding.Unicode.GetBytes(loaderAssembly));
        }
        header.FpTail = writer.BaseStream.Position - start;
        writer.Write(LastBytes);
        header.FpLim = writer.BaseStream.Position - start;
        writer.Flush();
        writer.BaseStream.Position = start;
        header.Write(writer);
        writer.Flush();
        writer.BaseStream.Position = start + header.FpLim;
    }

    /// <summary>Reads and checks the header, and leaves the reader at the model.</summary>
    public static long BeginRead(BinaryReader reader, out ModelHeader header, out string[] strings, out string loaderAssembly)
    {
        long start = reader.BaseStream.Position;
        byte[] bytes = reader.ReadBytes(Size);
        Guard.Decoded(bytes.Length == Size);
        header = Parse(bytes);
        header.Check(reader.BaseStream.Length - start);
        strings = header.ReadStrings(reader, start);
        loaderAssembly = null;
        if (header.VerWritten >= FirstWithAssemblyName && header.FpAssemblyName != 0)
        {
            reader.BaseStream.Position = start + header.FpAssemblyName;
            loaderAssembly = Encoding.Unicode.GetString(reader.ReadBytes((int)header.CbAssemblyName));
        }
        // As in the real reader: a model with neither strings nor an assembly name cannot be read back, unless it is empty.
        Guard.Decoded(strings is not null || loaderAssembly is not null || header.VerWritten < FirstWithAssemblyName || header.CbModel == 0);
        reader.BaseStream.Position = start + header.FpTail;
        Guard.Decoded(reader.ReadUInt64() == LastBytes, "Corrupt model file tail");
        reader.BaseStream.Position = start + header.FpModel;
        return start;
    }

    /// <summary>Checks that the model was read to its end.</summary>
    public readonly void EndRead(BinaryReader reader, long start)
    {
        Guard.Decoded(FpModel + CbModel == reader.BaseStream.Position - start);
        reader.BaseStream.Position = start + FpLim;
    }

    public void SetVersionInfo(VersionInfo version)
    {
        ModelSignature = version.ModelSignature;
        ModelVerWritten = version.VerWrittenCur;
        ModelVerReadable = version.VerReadableCur;
        LoaderSignature = CheckedLoaderName(version.LoaderSignature);
        LoaderSignatureAlt = CheckedLoaderName(version.LoaderSignatureAlt);
    }

    public readonly void CheckVersionInfo(VersionInfo version)
    {
        Guard.Decoded(ModelSignature == version.ModelSignature, "Unknown file type");
        Guard.Decoded(ModelVerReadable <= ModelVerWritten, "Corrupt file header");
        Guard.Decoded(ModelVerReadable <= version.VerWrittenCur,
            $"Component '{version.LoaderSignature}' of the model is too new: at most version {version.VerWrittenCur} can be read, got {ModelVerReadable}.");
        Guard.Decoded(ModelVerWritten >= version.VerWeCanReadBack,
            $"Component '{version.LoaderSignature}' of the model is too old: at least version {version.VerWeCanReadBack} can be read, got {ModelVerWritten}.");
    }

    private static void WriteStrings(BinaryWriter writer, long start, ref ModelHeader header, IReadOnlyList<string> strings)
    {
        header.FpStringTable = writer.BaseStream.Position - start;
        header.CbStringTable = strings.Count * sizeof(long);
        long end = 0;
        foreach (string text in strings)
        {
            end += text.Length * sizeof(char);
            writer.Write(end);
        }
        header.FpStringChars = writer.BaseStream.Position - start;
        header.CbStringChars = end;
        // Characters one by one: an unpaired surrogate must survive, which an encoder would replace.
        foreach (char character in strings.SelectMany(text => text))
            writer.Write((ushort)character);
    }

    private static string CheckedLoaderName(string name)
    {
        if (name is null)
            return null;
        Guard.That(name.Length <= LoaderNameLength);
        Guard.That(name.All(character => character <= 0xFF));
        return name;
    }

    private static ModelHeader Parse(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes));
        return new ModelHeader
        {
            _firstBytes = reader.ReadUInt64(),
            VerWritten = reader.ReadUInt32(),
            VerReadable = reader.ReadUInt32(),
            FpModel = reader.ReadInt64(),
            CbModel = reader.ReadInt64(),
            FpStringTable = reader.ReadInt64(),
            CbStringTable = reader.ReadInt64(),
            FpStringChars = reader.ReadInt64(),
            CbStringChars = reader.ReadInt64(),
            ModelSignature = reader.ReadUInt64(),
            ModelVerWritten = reader.ReadUInt32(),
            ModelVerReadable = reader.ReadUInt32(),
            LoaderSignature = Encoding.Latin1.GetString(reader.ReadBytes(LoaderNameLength)).TrimEnd('\0'),
            LoaderSignatureAlt = Encoding.Latin1.GetString(reader.ReadBytes(LoaderNameLength)).TrimEnd('\0'),
            FpTail = reader.ReadInt64(),
            FpLim = reader.ReadInt64(),
            FpAssemblyName = reader.ReadInt64(),
            CbAssemblyName = reader.ReadUInt32(),
        };
    }

    private readonly void Write(BinaryWriter writer)
    {
        writer.Write(_firstBytes);
        writer.Write(VerWritten);
        writer.Write(VerReadable);
        writer.Write(FpModel);
        writer.Write(CbModel);
        writer.Write(FpStringTable);
        writer.Write(CbStringTable);
        writer.Write(FpStringChars);
        writer.Write(CbStringChars);
        writer.Write(ModelSignature);
        writer.Write(ModelVerWritten);
        writer.Write(ModelVerReadable);
        WriteLoaderName(writer, LoaderSignature);
        WriteLoaderName(writer, LoaderSignatureAlt);
        writer.Write(FpTail);
        writer.Write(FpLim);
        writer.Write(FpAssemblyName);
        writer.Write(CbAssemblyName);
        writer.Write(new byte[Size - 0x9C]);
    }

    private static void WriteLoaderName(BinaryWriter writer, string name)
    {
        byte[] bytes = new byte[LoaderNameLength];
        Encoding.Latin1.GetBytes(name ?? "", bytes);
        writer.Write(bytes);
    }

    /// <summary>The blocks must follow each other without gaps: model, strings, assembly name, tail.</summary>
    private readonly void Check(long available)
    {
        Guard.Decoded(_firstBytes == FirstBytes, "Wrong file type");
        Guard.Decoded(VerReadable <= VerWritten, "Corrupt file header");
        Guard.Decoded(VerReadable <= Version, "File is too new");
        Guard.Decoded(VerWritten >= OldestReadable, "File is too old");
        Guard.Decoded(FpModel == Size && CbModel >= 0);
        long end = FpModel + CbModel;
        if (FpStringTable != 0)
        {
            Guard.Decoded(FpStringTable == end && CbStringTable > 0 && CbStringTable % sizeof(long) == 0);
            Guard.Decoded(FpStringChars == FpStringTable + CbStringTable && CbStringChars >= 0 && CbStringChars % sizeof(char) == 0);
            end = FpStringChars + CbStringChars;
        }
        else
        {
            Guard.Decoded(CbStringTable == 0 && FpStringChars == 0 && CbStringChars == 0);
        }
        if (VerWritten >= FirstWithAssemblyName && FpAssemblyName != 0)
        {
            Guard.Decoded(FpAssemblyName == end && CbAssemblyName % sizeof(char) == 0);
            end += CbAssemblyName;
        }
        Guard.Decoded(FpTail == end && FpLim == FpTail + sizeof(ulong));
        Guard.Decoded(available >= FpLim);
    }

    private readonly string[] ReadStrings(BinaryReader reader, long start)
    {
        if (FpStringTable == 0)
            return null;
        reader.BaseStream.Position = start + FpStringTable;
        var strings = new string[CbStringTable / sizeof(long)];
        long[] ends = [.. Enumerable.Range(0, strings.Length).Select(_ => reader.ReadInt64())];
        Guard.Decoded(ends[^1] == CbStringChars);
        long from = 0;
        for (int i = 0; i < strings.Length; i++)
        {
            Guard.Decoded(ends[i] >= from && ends[i] <= CbStringChars && ends[i] % sizeof(char) == 0);
            var characters = new char[(ends[i] - from) / sizeof(char)];
            for (int j = 0; j < characters.Length; j++)
                characters[j] = (char)reader.ReadUInt16();
            strings[i] = new string(characters);
            from = ends[i];
        }
        return strings;
    }
}
