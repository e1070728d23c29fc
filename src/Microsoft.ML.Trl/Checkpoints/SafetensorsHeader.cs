using System.Buffers.Binary;
using System.Text.Json;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>
/// The table of contents of a safetensors file: eight bytes of length, that many bytes of JSON, then the data.
/// The file is not trusted: every size is checked before anything is allocated for it.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes before the JSON.</summary>
    public const int PrefixLength = 8;

    /// <summary>Longest header that is read, in bytes; the limit of the reference implementation.</summary>
    public const long MaxLength = 100_000_000;

    /// <summary>Where the texts stand among the tensors.</summary>
    public const string MetadataKey = "__metadata__";

    private SafetensorsHeader(IReadOnlyDictionary<string, TensorEntry> entries, IReadOnlyDictionary<string, string> metadata)
        => (Entries, Metadata) = (entries, metadata);

    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Length of the JSON in bytes, read from the file's first eight.</summary>
    /// <param name="prefix">The first eight bytes.</param>
    /// <param name="fileLength">Length of the whole file in bytes.</param>
    /// <param name="source">Name of the file for messages.</param>
    public static int ParseLength(ReadOnlySpan<byte> prefix, long fileLength, string source)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
            throw Broken(source, $"its header claims {length} bytes, more than the {MaxLength} allowed; it is damaged "
                + "or not a safetensors file");
        if (PrefixLength + (long)length > fileLength)
            throw Broken(source, $"its header claims {length} bytes, but only {fileLength - PrefixLength} follow; it was cut off "
                + "or is not a safetensors file");
        return (int)length;
    }

    /// <summary>Reads and checks the JSON.</summary>
    /// <param name="json">The header's bytes.</param>
    /// <param name="fileLength">Length of the whole file in bytes.</param>
    /// <param name="source">Name of the file for messages.</param>
    /// <exception cref="InvalidDataException">
    /// The header is no JSON object of the format, names a tensor twice, or its ranges do not tile the data.
    /// </exception>
    public static SafetensorsHeader Parse(ReadOnlyMemory<byte> json, long fileLength, string source)
    {
        if (json.IsEmpty || json.Span[0] != (byte)'{')
            throw Broken(source, "its header does not begin with '{'; it is not a safetensors file");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Parse(document.RootElement, PrefixLength + json.Length, fileLength, source);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter: a text in it is no Unicode
        {
            throw Broken(source, $"its header is not JSON ({error.Message})");
        }
    }

    private static SafetensorsHeader Parse(JsonElement root, long dataStart, long fileLength, string source)
    {
        Dictionary<string, TensorEntry> entries = new(StringComparer.Ordinal);
        IReadOnlyDictionary<string, string>? metadata = null;
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (property.Name == MetadataKey)
            {
                if (metadata is not null)
                    throw Broken(source, $"its header holds {MetadataKey} twice");
                metadata = ParseMetadata(property.Value, source);
            }
            else if (!entries.TryAdd(property.Name, ParseEntry(property, dataStart, source)))
                throw Broken(source, $"its header names tensor '{property.Name}' twice");
        }
        CheckTiling(entries.Values, dataStart, fileLength, source);
        return new SafetensorsHeader(entries, metadata ?? new Dictionary<string, string>());
    }

    private static Dictionary<string, string> ParseMetadata(JsonElement element, string source)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Broken(source, $"{MetadataKey} must be an object of texts, it is {element.ValueKind}");
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject())
            if (property.Value.ValueKind != JsonValueKind.String || !metadata.TryAdd(property.Name, property.Value.GetString()!))
                throw Broken(source, $"{MetadataKey} entry '{property.Name}' is not a text or stands there twice");
        return metadata;
    }

    private static TensorEntry ParseEntry(JsonProperty property, long dataStart, string source)
    {
        string name = property.Name;
        if (property.Value.ValueKind != JsonValueKind.Object)
            throw Broken(source, $"tensor '{name}' is described by {property.Value.ValueKind} instead of an object");
        (string? type, long[]? shape, long[]? range) = (null, null, null);
        foreach (JsonProperty field in property.Value.EnumerateObject())
            switch (field.Name)
            {
                case "dtype" when type is null && field.Value.ValueKind == JsonValueKind.String:
                    type = field.Value.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ParseSizes(field.Value, name, "shape", source);
                    break;
                case "data_offsets" when range is null:
                    range = ParseSizes(field.Value, name, "data_offsets", source);
                    break;
                default:
                    throw Broken(source, $"tensor '{name}' has a field '{field.Name}' that is unknown, of the wrong kind, or there twice");
            }
        if (type is null || shape is null || range is null || range.Length != 2)
            throw Broken(source, $"tensor '{name}' needs dtype, shape and two data_offsets");
        return Checked(name, type, shape, range, dataStart, source);
    }

    private static TensorEntry Checked(string name, string type, long[] shape, long[] range, long dataStart, string source)
    {
        int size = SafetensorsTypes.SizeOf(type)
            ?? throw Broken(source, $"tensor '{name}' has the unknown type '{type}'; known are {SafetensorsTypes.Known}");
        long length = size;
        try
        {
            foreach (long dimension in shape)
                length = checked(length * dimension);
            _ = checked(dataStart + range[1]);
        }
        catch (OverflowException)
        {
            throw Broken(source, $"tensor '{name}' of shape [{string.Join(", ", shape)}] ending at {range[1]} is larger than any file");
        }
        if (range[0] > range[1] || range[1] - range[0] != length)
            throw Broken(
                source, $"tensor '{name}' of type {type} and shape [{string.Join(", ", shape)}] takes {length} bytes, "
                + $"but its data_offsets are {range[0]} to {range[1]}");
        return new TensorEntry(name, type, Array.AsReadOnly(shape), dataStart + range[0], length);
    }

    private static long[] ParseSizes(JsonElement element, string name, string field, string source)
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Broken(source, $"{field} of tensor '{name}' is {element.ValueKind} instead of an array");
        long[] sizes = new long[element.GetArrayLength()];
        int count = 0;
        foreach (JsonElement item in element.EnumerateArray())
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out sizes[count]) || sizes[count++] < 0)
                throw Broken(source, $"{field} of tensor '{name}' holds {item.GetRawText()}; whole numbers from 0 are allowed");
        return sizes;
    }

    /// <summary>The tensors must follow one another without holes or overlaps, up to the end of the file.</summary>
    private static void CheckTiling(IEnumerable<TensorEntry> entries, long dataStart, long fileLength, string source)
    {
        long end = dataStart;
        string before = "the header";
        foreach (TensorEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length))
        {
            if (entry.Offset != end)
            {
                string fault = entry.Offset < end ? "they overlap" : "there is a hole";
                throw Broken(source, $"tensor '{entry.Name}' begins at byte {entry.Offset}, but {before} ends at {end}: {fault}");
            }
            end = entry.Offset + entry.Length;
            before = $"tensor '{entry.Name}'";
        }
        if (fileLength != end)
        {
            string reason = fileLength < end ? "it was cut off" : "something was appended";
            throw Broken(source, $"it has {fileLength} bytes, but its header describes {end}: {reason}");
        }
    }

    /// <summary>Refuses bytes that are no value of the type.</summary>
    public static void CheckValues(ReadOnlySpan<byte> bytes, TensorEntry entry, string source)
    {
        if (entry.TypeName == "BOOL" && bytes.ContainsAnyExceptInRange((byte)0, (byte)1))
            throw Broken(source, $"tensor '{entry.Name}' of type BOOL holds a byte that is neither 0 nor 1");
    }
}
