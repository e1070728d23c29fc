using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// One call of a libtorch operator by name, autograd and device dispatch included: arguments in the order of the operator's schema, then
/// one of the Run methods. Native handles exist only while an operator runs, which takes them over; a call that is given up owns nothing.
/// </summary>
/// <param name="name">Namespace and name, such as <c>aten::rms_norm</c>, as a UTF-8 literal.</param>
internal unsafe ref struct OperatorCall(ReadOnlySpan<byte> name)
{
    private const int Most = 24;

    private enum Kind { None, Bits, Tensor, OptionalBits, OptionalTensor, Integers, Tensors }

    private struct Argument
    {
        public Kind Kind;
        public ulong Bits;
        public object? Value;
    }

    [InlineArray(Most)]
    private struct Arguments
    {
        private Argument _first;
    }

    private readonly ReadOnlySpan<byte> _name = name;
    private Arguments _arguments;
    private int _count;

    /// <summary>A tensor of the schema's type Tensor.</summary>
    public void Add(Tensor value) => Add(Kind.Tensor, 0, Alive(value));

    /// <summary>A tensor or nothing: the schema's type Tensor?.</summary>
    public void AddOptional(Tensor? value) => Add(value is null ? Kind.None : Kind.OptionalTensor, 0, value is null ? null : Alive(value));

    /// <summary>An integer: int or SymInt.</summary>
    public void Add(long value) => Add(Kind.Bits, (ulong)value);

    /// <summary>A flag: bool.</summary>
    public void Add(bool value) => Add(Kind.Bits, value ? 1u : 0u);

    /// <summary>A number: float in the schema's words. Scalar is another type, which libtorch 2.10 does not take this way.</summary>
    public void Add(double value) => Add(Kind.Bits, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>A number or nothing: float?.</summary>
    public void AddOptional(double? value) =>
        Add(value is null ? Kind.None : Kind.OptionalBits, BitConverter.DoubleToUInt64Bits(value ?? 0));

    /// <summary>Nothing, for any optional type.</summary>
    public void AddNone() => Add(Kind.None, 0);

    /// <summary>Integers: int[] or SymInt[].</summary>
    public void Add(long[] values) => Add(Kind.Integers, 0, values);

    /// <summary>Tensors: Tensor[]; with no tensors an empty list of any type.</summary>
    public void Add(IReadOnlyList<Tensor> values)
    {
        foreach (Tensor value in values)
            Alive(value);
        Add(Kind.Tensors, 0, values);
    }

    /// <summary>Runs an operator without results, one that works in place.</summary>
    /// <exception cref="InvalidOperationException">libtorch refused.</exception>
    [SkipLocalsInit]
    public void Run()
    {
        ulong* stack = stackalloc ulong[Most];
        Run(stack);
    }

    /// <summary>Runs an operator with one result.</summary>
    /// <returns>The result, in the current dispose scope like any result of TorchSharp.</returns>
    /// <exception cref="InvalidOperationException">libtorch refused.</exception>
    [SkipLocalsInit]
    public Tensor RunToTensor()
    {
        ulong* stack = stackalloc ulong[Most];
        Run(stack);
        return Tensor.UnsafeCreateTensor((nint)stack[0]);
    }

    private void Run(ulong* stack)
    {
        for (int i = 0; i < _count; i++)
            stack[i] = Native(ref _arguments[i]);
        int error;
        fixed (byte* name = _name, overload = "\0"u8) // of the overloads the one without a name
            error = StableAbi.CallDispatcher(name, overload, stack, StableAbi.Version);
        if (error != 0)
            throw new InvalidOperationException(Failure());
    }

    private void Add(Kind kind, ulong bits, object? value = null) =>
        _arguments[_count++] = new Argument { Kind = kind, Bits = bits, Value = value };

    /// <summary>A slot of the stack whose content the operator takes over.</summary>
    private static ulong Native(ref Argument argument) => argument.Kind switch
    {
        Kind.Bits => argument.Bits,
        Kind.Tensor => NewHandle((Tensor)argument.Value!),
        Kind.OptionalBits => NewSlot(argument.Bits),
        Kind.OptionalTensor => NewSlot(NewHandle((Tensor)argument.Value!)),
        Kind.Integers => NewList((long[])argument.Value!),
        Kind.Tensors => NewList((IReadOnlyList<Tensor>)argument.Value!),
        _ => 0,
    };

    private static ulong NewHandle(Tensor value)
    {
        nint handle;
        Check(StableAbi.NewTensorHandle(value.Handle, &handle));
        GC.KeepAlive(value);
        return (ulong)handle;
    }

    /// <summary>The operator deletes it with C++'s delete, which is free on all systems that libtorch runs on.</summary>
    private static ulong NewSlot(ulong content)
    {
        ulong* slot = (ulong*)NativeMemory.Alloc(sizeof(ulong));
        *slot = content;
        return (ulong)slot;
    }

    private static ulong NewList(long[] values)
    {
        nint list;
        Check(StableAbi.NewList((nuint)values.Length, &list));
        foreach (long value in values)
            Check(StableAbi.ListPushBack(list, (ulong)value));
        return (ulong)list;
    }

    private static ulong NewList(IReadOnlyList<Tensor> values)
    {
        nint list;
        Check(StableAbi.NewList((nuint)values.Count, &list));
        for (int i = 0; i < values.Count; i++)
            Check(StableAbi.ListPushBack(list, NewHandle(values[i])));
        return (ulong)list;
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new InvalidOperationException("libtorch could not allocate an operator's argument.");
    }

    /// <summary>TorchSharp's own error for a disposed tensor, before native memory is made.</summary>
    private static Tensor Alive(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Handle == 0 ? throw new ObjectDisposedException(nameof(Tensor)) : value;
    }

    private string Failure()
    {
        var given = new List<string>();
        for (int i = 0; i < _count; i++)
            given.Add(Describe(_arguments[i]));
        string reason = StableAbi.LastError ?? "libtorch printed the reason on the standard error stream";
        return $"{Encoding.UTF8.GetString(_name)}({string.Join(", ", given)}) failed: {reason}.";
    }

    private static string Describe(Argument argument) => argument.Value switch
    {
        Tensor tensor => Describe(tensor),
        long[] integers => $"[{string.Join(", ", integers)}]",
        IReadOnlyList<Tensor> { Count: 0 } => "[]",
        IReadOnlyList<Tensor> tensors => $"[{tensors.Count} tensors, first {Describe(tensors[0])}]",
        _ when argument.Kind == Kind.None => "none",
        _ => DescribeNumber(argument.Bits),
    };

    private static string Describe(Tensor tensor) => $"{tensor.dtype}[{string.Join(", ", tensor.shape)}] on {tensor.device}";

    /// <summary>The stack does not say whether bits are an integer or a double; small integers are no doubles that anyone passes.</summary>
    private static string DescribeNumber(ulong bits) =>
        Math.Abs((long)bits) < 1L << 48
            ? ((long)bits).ToString(CultureInfo.InvariantCulture)
            : BitConverter.UInt64BitsToDouble(bits).ToString("G6", CultureInfo.InvariantCulture);
}
