namespace Microsoft.ML.Data;

/// <summary>The conversions from text. A signed number that cannot be read is an error, of the other types the default or missing value.</summary>
internal static class FromText
{
    public static void AddTo(Dictionary<(Type From, Type To), Delegate> table)
    {
        void Add<T>(Func<ReadOnlyMemory<char>, T> convert) => table.Add((typeof(ReadOnlyMemory<char>), typeof(T)), convert);

        Add(text => (sbyte)Signed(text, sbyte.MaxValue, "sbyte"));
        Add(text => (short)Signed(text, short.MaxValue, "short"));
        Add(text => (int)Signed(text, int.MaxValue, "int"));
        Add(text => Signed(text, long.MaxValue, "long"));
        Add(text => (byte)Unsigned(text, byte.MaxValue));
        Add(text => (ushort)Unsigned(text, ushort.MaxValue));
        Add(text => (uint)Unsigned(text, uint.MaxValue));
        Add(text => Unsigned(text, ulong.MaxValue));
        Add(text => (float)Real(text));
        Add(Real);
        Add(text => TextParsing.TryBoolean(text.Span, out bool value) && value);
        Add(text => text);
        Add(text => TextParsing.TryTimeSpan(text.Span, out TimeSpan value) ? value : default);
        Add(text => TextParsing.TryDateTime(text.Span, out DateTime value) ? value : default);
        Add(text => TextParsing.TryDateTimeOffset(text.Span, out DateTimeOffset value) ? value : default);
        Add(text => TextParsing.TryRowId(text.Span, out DataViewRowId value) ? value : default);
    }

    private static long Signed(ReadOnlyMemory<char> text, long largest, string type)
    {
        Guard.That(TextParsing.TrySigned(text.Span, largest, out long value), $"Value could not be parsed from text to {type}.");
        return value;
    }

    private static ulong Unsigned(ReadOnlyMemory<char> text, ulong largest) => TextParsing.TryUnsigned(text.Span, largest, out ulong value) ? value : 0;

    private static double Real(ReadOnlyMemory<char> text)
    {
        TextParsing.TryReal(text.Span, RealFormat.Default, out double value);
        return value;
    }
}
