using static Microsoft.ML.Trl.Checkpoints.FileBytes;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>What the names in a pickle of torch.save stand for: the whole list of what is allowed.</summary>
internal static class PickleValues
{
    private const string RebuildTensor = "torch._utils._rebuild_tensor_v2", RebuildParameter = "torch._utils._rebuild_parameter";
    private const string OrderedDictionary = "collections.OrderedDict";
    private const int MostDimensions = 64;

    private static readonly Dictionary<string, string> StorageTypes = new()
    {
        ["torch.DoubleStorage"] = "F64", ["torch.FloatStorage"] = "F32", ["torch.HalfStorage"] = "F16", ["torch.BFloat16Storage"] = "BF16",
        ["torch.LongStorage"] = "I64", ["torch.IntStorage"] = "I32", ["torch.ShortStorage"] = "I16", ["torch.CharStorage"] = "I8",
        ["torch.ByteStorage"] = "U8", ["torch.BoolStorage"] = "BOOL",
    };

    /// <summary>A name of the list.</summary>
    /// <exception cref="NotSupportedException">It is not in the list.</exception>
    public static PickleName Known(string module, string name, string source)
    {
        string full = $"{module}.{name}";
        if (full is RebuildTensor or RebuildParameter or OrderedDictionary || StorageTypes.ContainsKey(full))
            return new PickleName(full);
        throw new NotSupportedException(
            $"'{source}' holds a pickle that names '{full}', which could run a program, so it is refused. Allowed are {RebuildTensor}, "
            + $"{RebuildParameter}, {OrderedDictionary} and {string.Join(", ", StorageTypes.Keys)}. Where you trust the file, load it in "
            + "Python and save the tensors alone, best with safetensors.");
    }

    /// <summary>The storage that a persistent id means: ('storage', type, key, location, number of elements).</summary>
    /// <exception cref="InvalidDataException">The id is of another kind.</exception>
    public static TorchStorage Persistent(object? id, string source) =>
        id is PickleTuple { Items: ["storage", PickleName type, string key, string, long count] }
        && StorageTypes.TryGetValue(type.Name, out string? typeName) && count >= 0
            ? new TorchStorage(key, typeName, count)
            : throw Broken(source, "its pickle has a persistent id that is no storage of torch.save");

    /// <summary>What a function of the list makes.</summary>
    /// <exception cref="NotSupportedException">It is not called as torch.save has it.</exception>
    public static object Called(PickleName function, object?[] arguments, string source) => (function.Name, arguments) switch
    {
        (OrderedDictionary, []) => new PickleDictionary(IsOrdered: true),
        (RebuildParameter, [TorchTensor tensor, bool, PickleDictionary]) => tensor,
        (RebuildTensor, [TorchStorage storage, long offset, PickleTuple sizes, PickleTuple strides, bool, PickleDictionary]) =>
            View(storage, offset, Numbers(sizes, source), Numbers(strides, source), source),
        _ => throw new NotSupportedException(
            $"'{source}' holds a pickle that calls {function.Name} with {arguments.Length} arguments of kinds that torch.save does not "
            + "write for plain tensors (sparse, quantized and conjugated ones are not supported); save the tensors with safetensors."),
    };

    private static long[] Numbers(PickleTuple tuple, string source) =>
        tuple.Items.Length <= MostDimensions && tuple.Items.All(item => item is >= 0L)
            ? [.. tuple.Items.Cast<long>()]
            : throw Broken(source, $"a tensor's sizes and strides must be at most {MostDimensions} whole numbers from 0");

    private static TorchTensor View(TorchStorage storage, long offset, long[] sizes, long[] strides, string source)
    {
        string text = $"[{string.Join(", ", sizes)}] with strides [{string.Join(", ", strides)}] from element {offset} on";
        if (sizes.Length != strides.Length || offset < 0)
            throw Broken(source, $"a tensor of shape {text} cannot be");
        try
        {
            long count = sizes.Aggregate(1L, (product, size) => checked(product * size));
            long span = count == 0 ? 0 : sizes.Zip(strides).Aggregate(1L, (sum, pair) => checked(sum + ((pair.First - 1) * pair.Second)));
            if (count <= storage.Count && span <= storage.Count - offset)
                return new TorchTensor(storage, offset, sizes, strides, count, span);
        }
        catch (OverflowException)
        {
            // Then it is larger than any storage.
        }
        throw Broken(
            source, $"a tensor of shape {text} does not fit into its storage '{storage.Key}' of {storage.Count} elements "
            + "(save a copy of a tensor that was made larger by expand)");
    }
}

/// <summary>A name of the list: a function or a type.</summary>
internal sealed record PickleName(string Name);

/// <summary>A tuple that holds no deeper ones than torch.save writes.</summary>
internal sealed record PickleTuple(object?[] Items, int Depth)
{
    private const int Deepest = 8;

    public static PickleTuple Empty { get; } = new([], 1);

    /// <exception cref="InvalidDataException">It is too deep.</exception>
    public static PickleTuple Of(object?[] items, string source)
    {
        int depth = 1;
        foreach (object? item in items)
            depth = Math.Max(depth, item is PickleTuple inner ? inner.Depth + 1 : 1);
        return depth <= Deepest
            ? new PickleTuple(items, depth)
            : throw Broken(source, $"its pickle nests tuples deeper than {Deepest} levels; torch.save writes no such file");
    }
}

/// <summary>A dictionary with texts for keys, in the order of writing.</summary>
internal sealed record PickleDictionary(bool IsOrdered)
{
    public OrderedDictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);
}

/// <summary>An entry of the file that tensors are views of.</summary>
/// <param name="Key">Its name below <c>data/</c>.</param>
/// <param name="TypeName">Element type, as safetensors spells it.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record TorchStorage(string Key, string TypeName, long Count);

/// <summary>A view of a storage; it lies within it.</summary>
/// <param name="Storage">What it is a view of.</param>
/// <param name="Offset">Its first element, counted in elements of the storage.</param>
/// <param name="Sizes">Its shape.</param>
/// <param name="Strides">Elements from one entry to the next, per dimension.</param>
/// <param name="Count">Number of its elements.</param>
/// <param name="Span">Elements from its first to its last, both included.</param>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Sizes, long[] Strides, long Count, long Span)
{
    /// <summary>Whether its elements lie one behind the other, as in a new tensor.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Sizes.Length - 1; i >= 0; expected *= Sizes[i--])
                if (Sizes[i] != 1 && Strides[i] != expected)
                    return Count == 0;
            return true;
        }
    }
}
