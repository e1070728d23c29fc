namespace TorchSharp;

internal enum Tag
{
    None = 0, Tensor = 1, Int = 2, Double = 3, Bool = 4, Ints = 5, Tensors = 6, Doubles = 7, Device = 8,
    Generator = 9, String = 10, Default = 11, Complex = 12, Bools = 13,
}

/// <summary>One argument or result on its way through the native border; blittable, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct Val
{
    [FieldOffset(0)] public Tag Tag;
    [FieldOffset(4)] public int Aux;
    [FieldOffset(8)] public long I;
    [FieldOffset(8)] public double D;
    [FieldOffset(8)] public nint P;
}

/// <summary>One argument of an operator. Whatever it refers to stays alive until the call has returned.</summary>
internal readonly struct Arg
{
    internal readonly object Reference;
    internal readonly long Bits;
    internal readonly Tag Tag;
    internal readonly int Aux;

    private Arg(Tag tag, object reference, long bits = 0, int aux = 0)
    {
        Tag = tag;
        Reference = reference;
        Bits = bits;
        Aux = aux;
    }

    public static Arg None => default;
    public static Arg Default => new(Tag.Default, null);

    public static implicit operator Arg(torch.Tensor value) => value is null ? None : new(Tag.Tensor, value);
    public static implicit operator Arg(long value) => new(Tag.Int, null, value);
    public static implicit operator Arg(int value) => new(Tag.Int, null, value);
    public static implicit operator Arg(bool value) => new(Tag.Bool, null, value ? 1 : 0);
    public static implicit operator Arg(double value) => new(Tag.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(long? value) => value is { } given ? given : None;
    public static implicit operator Arg(double? value) => value is { } given ? given : None;
    public static implicit operator Arg(torch.ScalarType value) => (long)value;
    public static implicit operator Arg(torch.ScalarType? value) => value is { } given ? (long)given : None;
    public static implicit operator Arg(torch.Device value) => value is null ? None : new(Tag.Device, null, (long)value.type, value.index);
    public static implicit operator Arg(torch.Generator value) => value is null ? None : new(Tag.Generator, value);
    public static implicit operator Arg(string value) => value is null ? None : new(Tag.String, value);
    public static implicit operator Arg(long[] value) => value is null ? None : new(Tag.Ints, value, 0, value.Length);
    public static implicit operator Arg(bool[] value) => value is null ? None : new(Tag.Bools, value, 0, value.Length);
    public static implicit operator Arg(double[] value) => value is null ? None : new(Tag.Doubles, value, 0, value.Length);
    public static implicit operator Arg(torch.Tensor[] value) => value is null ? None : new(Tag.Tensors, value, 0, value.Length);
    public static implicit operator Arg(List<torch.Tensor> value) => value?.ToArray();
    public static implicit operator Arg(Scalar value) => value is null ? None : value.AsArg();

    /// <summary>A complex number; <paramref name="parts"/> holds the real and the imaginary one.</summary>
    public static Arg Complex(double[] parts) => new(Tag.Complex, parts);

    public static Arg List(IEnumerable<torch.Tensor> tensors) => tensors as torch.Tensor[] ?? tensors?.ToArray();
}
