using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp;

/// <summary>
/// One ATen operator by its name and overload ("add", "Tensor"), found on its first call. Arguments go by the operator's
/// schema: numbers are converted to what it wants, and those left out at the end take its defaults.
/// </summary>
internal sealed unsafe class Op(string name, string overload = "")
{
    private const int Room = 48; // longs for lists; longer ones go to the heap
    private nint _handle;

    /// <summary>False when this libtorch does not have the operator.</summary>
    public bool Exists => _handle != 0 || Find() != 0;

    public torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        Val result;
        Invoke(args, &result, 1);
        return new torch.Tensor(result.Tag == Tag.Tensor ? result.P : 0);
    }

    /// <summary>The commonest calls go without a list of arguments.</summary>
    [SkipLocalsInit]
    public torch.Tensor Unary(torch.Tensor one)
    {
        Val value, result = default;
        Write(one, &value);
        Native.Check(Native.tsi_call(Ready, &value, 1, &result, 1));
        GC.KeepAlive(one);
        return new torch.Tensor(result.P);
    }

    [SkipLocalsInit]
    public torch.Tensor Binary(torch.Tensor one, torch.Tensor other)
    {
        Val* values = stackalloc Val[2];
        Val result = default;
        Write(one, values);
        Write(other, values + 1);
        Native.Check(Native.tsi_call(Ready, values, 2, &result, 1));
        GC.KeepAlive(one);
        GC.KeepAlive(other);
        return new torch.Tensor(result.P);
    }

    public (torch.Tensor, torch.Tensor) Call2(params ReadOnlySpan<Arg> args)
    {
        Val* results = stackalloc Val[2];
        Invoke(args, results, 2);
        return (new(results[0].P), new(results[1].P));
    }

    public (torch.Tensor, torch.Tensor, torch.Tensor) Call3(params ReadOnlySpan<Arg> args)
    {
        Val* results = stackalloc Val[3];
        Invoke(args, results, 3);
        return (new(results[0].P), new(results[1].P), new(results[2].P));
    }

    public torch.Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        Val result;
        Invoke(args, &result, 1);
        torch.Tensor[] tensors = new torch.Tensor[result.Aux];
        for (int k = 0; k < tensors.Length; k++)
            tensors[k] = new torch.Tensor(((nint*)result.P)[k]);
        Native.tsi_free((void*)result.P);
        return tensors;
    }

    /// <summary>Calls for the effect alone: in-place operators.</summary>
    public void Run(params ReadOnlySpan<Arg> args) => Invoke(args, null, 0);

    public bool CallBool(params ReadOnlySpan<Arg> args)
    {
        Val result;
        Invoke(args, &result, 1);
        return result.I != 0;
    }

    /// <summary>A number: the tag of the result says of which kind.</summary>
    public Val CallNumber(params ReadOnlySpan<Arg> args)
    {
        Val result;
        Invoke(args, &result, 1);
        return result;
    }

    private nint Ready => _handle != 0 ? _handle : Native.Check(Find());

    [SkipLocalsInit]
    private void Invoke(ReadOnlySpan<Arg> args, Val* results, int room)
    {
        int needed = Needed(args);
        if (needed <= Room)
        {
            long* scratch = stackalloc long[Room];
            Invoke(args, results, room, scratch);
            return;
        }
        long* heap = (long*)NativeMemory.Alloc((nuint)needed, sizeof(long));
        try
        {
            Invoke(args, results, room, heap);
        }
        finally
        {
            NativeMemory.Free(heap);
        }
    }

    [SkipLocalsInit]
    private void Invoke(ReadOnlySpan<Arg> args, Val* results, int room, long* scratch)
    {
        Val* values = stackalloc Val[args.Length];
        for (int k = 0; k < args.Length; k++)
            scratch = Write(in args[k], values + k, scratch);
        Native.Check(Native.tsi_call(Ready, values, args.Length, results, room));
        for (int k = 0; k < args.Length; k++)
            GC.KeepAlive(args[k].Reference);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(torch.Tensor tensor, Val* value)
    {
        value->Tag = tensor is null ? Tag.None : Tag.Tensor;
        value->Aux = 0;
        value->P = tensor is null ? 0 : tensor.Handle;
    }

    private static int Needed(ReadOnlySpan<Arg> args)
    {
        int needed = 0;
        foreach (ref readonly Arg arg in args)
            needed += arg.Tag <= Tag.Bool ? 0 : arg.Tag switch
            {
                Tag.Ints or Tag.Tensors or Tag.Doubles or Tag.Bools => arg.Aux,
                Tag.Complex => 2,
                Tag.String => Encoding.UTF8.GetMaxByteCount(((string)arg.Reference).Length) / sizeof(long) + 1,
                _ => 0,
            };
        return needed;
    }

    private static long* Write(ref readonly Arg arg, Val* value, long* scratch)
    {
        value->Tag = arg.Tag;
        value->Aux = arg.Aux;
        value->I = arg.Bits;
        if (arg.Tag == Tag.Tensor)
            value->P = Unsafe.As<torch.Tensor>(arg.Reference).Handle;
        if (arg.Tag <= Tag.Bool)
            return scratch;
        switch (arg.Tag)
        {
            case Tag.Generator:
                value->P = Unsafe.As<torch.Generator>(arg.Reference).Handle;
                return scratch;
            case Tag.Ints:
                ((long[])arg.Reference).CopyTo(new Span<long>(scratch, arg.Aux));
                break;
            case Tag.Doubles:
                ((double[])arg.Reference).CopyTo(new Span<double>(scratch, arg.Aux));
                break;
            case Tag.Complex:
                ((double[])arg.Reference).CopyTo(new Span<double>(scratch, 2));
                value->P = (nint)scratch;
                return scratch + 2;
            case Tag.Bools:
                ((bool[])arg.Reference).CopyTo(new Span<bool>(scratch, arg.Aux));
                break;
            case Tag.Tensors:
                torch.Tensor[] tensors = (torch.Tensor[])arg.Reference;
                for (int k = 0; k < tensors.Length; k++)
                    scratch[k] = tensors[k] is null ? 0 : tensors[k].Handle;
                break;
            case Tag.String:
                string text = (string)arg.Reference;
                int room = Encoding.UTF8.GetMaxByteCount(text.Length);
                value->Aux = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, room));
                value->P = (nint)scratch;
                return scratch + room / sizeof(long) + 1;
            default:
                return scratch;
        }
        value->P = (nint)scratch;
        return scratch + arg.Aux;
    }

    private nint Find()
    {
        fixed (byte* ascii = Encoding.UTF8.GetBytes(name + "\0"), kind = Encoding.UTF8.GetBytes(overload + "\0"))
            return _handle = Native.tsi_find(ascii, kind);
    }
}
