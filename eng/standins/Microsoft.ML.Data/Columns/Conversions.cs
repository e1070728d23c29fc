using System.Globalization;
using System.Numerics;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>The standard conversions between column types, as functions of raw values.</summary>
internal static class Conversions
{
    private static readonly MethodInfo OpenKeyOfText = typeof(Conversions).GetMethod(nameof(KeyOfText), BindingFlags.NonPublic | BindingFlags.Static);
    private static readonly MethodInfo OpenScalar = typeof(Conversions).GetMethod(nameof(Scalar), BindingFlags.NonPublic | BindingFlags.Static);
    private static readonly MethodInfo OpenVector = typeof(Conversions).GetMethod(nameof(Vector), BindingFlags.NonPublic | BindingFlags.Static);
    private static readonly Dictionary<(Type From, Type To), Delegate> Standard = Build();

    /// <summary>A function of the raw types, or null when there is no conversion.</summary>
    public static Delegate OrNull(DataViewType from, DataViewType to)
    {
        switch (from, to)
        {
            case (KeyDataViewType source, KeyDataViewType target) when source.Count != target.Count:
                return null;
            case (KeyDataViewType source, not KeyDataViewType) when !KeyDataViewType.IsValidDataType(to.RawType) || source.Count > LargestKey(to.RawType):
                return null;
            case (TextDataViewType, KeyDataViewType key):
                return (Delegate)Getters.Call(OpenKeyOfText, null, key.RawType, key);
            case (not KeyDataViewType, KeyDataViewType):
                return null;
            case (_, not KeyDataViewType) when !to.Equals(BuiltInTypes.OrNull(to.RawType)):
                return null;
            default:
                return Standard.GetValueOrDefault((from.RawType, to.RawType));
        }
    }

    /// <summary>A getter of a column's values in another item type.</summary>
    public static Delegate MakeGetter(DataViewRow row, DataViewSchema.Column column, DataViewType itemType)
    {
        DataViewType from = BuiltInTypes.ItemTypeOf(column.Type);
        Delegate getter = Getters.Of(row, column);
        if (from.RawType == itemType.RawType)
            return getter;
        MethodInfo open = column.Type is VectorDataViewType ? OpenVector : OpenScalar;
        return (Delegate)open.MakeGenericMethod(from.RawType, itemType.RawType).Invoke(null, [getter, OrNull(from, itemType)]);
    }

    public static ulong LargestKey(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => byte.MaxValue,
        TypeCode.UInt16 => ushort.MaxValue,
        TypeCode.UInt32 => uint.MaxValue,
        TypeCode.UInt64 => ulong.MaxValue,
        _ => 0,
    };

    private static ValueGetter<TTo> Scalar<TFrom, TTo>(ValueGetter<TFrom> getter, Func<TFrom, TTo> convert)
    {
        TFrom source = default;
        return (ref TTo value) =>
        {
            getter(ref source);
            value = convert(source);
        };
    }

    /// <summary>A slot that is not stored stays not stored.</summary>
    private static ValueGetter<VBuffer<TTo>> Vector<TFrom, TTo>(ValueGetter<VBuffer<TFrom>> getter, Func<TFrom, TTo> convert)
    {
        VBuffer<TFrom> source = default;
        return (ref VBuffer<TTo> value) =>
        {
            getter(ref source);
            ReadOnlySpan<TFrom> given = source.GetValues();
            VBufferEditor<TTo> editor = VBufferEditor.Create(ref value, source.Length, given.Length);
            for (int i = 0; i < given.Length; i++)
                editor.Values[i] = convert(given[i]);
            if (!source.IsDense)
                source.GetIndices().CopyTo(editor.Indices);
            value = editor.Commit();
        };
    }

    private static Func<ReadOnlyMemory<char>, TKey> KeyOfText<TKey>(KeyDataViewType type)
    {
        var convert = (Func<ulong, TKey>)Standard[(typeof(ulong), typeof(TKey))];
        return text =>
        {
            TextParsing.TryKey(text.Span, type.Count, out ulong key);
            return convert(key);
        };
    }

    private static Dictionary<(Type From, Type To), Delegate> Build()
    {
        var table = new Dictionary<(Type From, Type To), Delegate>();
        void Add<TFrom, TTo>(Func<TFrom, TTo> convert) => table.Add((typeof(TFrom), typeof(TTo)), convert);

        void Number<T>()
            where T : INumberBase<T>
        {
            Add<T, float>(float.CreateTruncating);
            Add<T, double>(double.CreateTruncating);
            Add<T, bool>(value => !T.IsZero(value));
        }

        void Signed<T>()
            where T : IBinaryInteger<T>
        {
            Number<T>();
            Add<T, sbyte>(sbyte.CreateTruncating);
            Add<T, short>(short.CreateTruncating);
            Add<T, int>(int.CreateTruncating);
            Add<T, long>(long.CreateTruncating);
            Add<T, ReadOnlyMemory<char>>(value => value.ToString().AsMemory());
        }

        void Unsigned<T>()
            where T : IBinaryInteger<T>
        {
            Number<T>();
            Add<T, byte>(value => Fits(value, byte.MaxValue) ? byte.CreateTruncating(value) : (byte)0);
            Add<T, ushort>(value => Fits(value, ushort.MaxValue) ? ushort.CreateTruncating(value) : (ushort)0);
            Add<T, uint>(value => Fits(value, uint.MaxValue) ? uint.CreateTruncating(value) : 0);
            Add<T, ulong>(ulong.CreateTruncating);
            Add<T, DataViewRowId>(value => new DataViewRowId(ulong.CreateTruncating(value), 0));
            Add<T, ReadOnlyMemory<char>>(value => value.ToString().AsMemory());
        }

        void Ticks<T>(Func<T, long> ticks)
        {
            Add<T, long>(ticks);
            Add<T, float>(value => ticks(value));
            Add<T, double>(value => ticks(value));
            Add<T, ReadOnlyMemory<char>>(value => TextWriting.Of(value).AsMemory());
        }

        Signed<sbyte>();
        Signed<short>();
        Signed<int>();
        Signed<long>();
        Unsigned<byte>();
        Unsigned<ushort>();
        Unsigned<uint>();
        Unsigned<ulong>();
        Number<float>();
        Number<double>();
        Add<float, ReadOnlyMemory<char>>(value => value.ToString("G7", CultureInfo.InvariantCulture).AsMemory());
        Add<double, ReadOnlyMemory<char>>(value => value.ToString("G17", CultureInfo.InvariantCulture).AsMemory());
        Ticks<TimeSpan>(value => value.Ticks);
        Ticks<DateTime>(value => value.Ticks);
        Ticks<DateTimeOffset>(value => value.UtcTicks);
        Add<DateTime, DateTime>(value => value);
        Add<DataViewRowId, byte>(value => (byte)SmallId(value, byte.MaxValue));
        Add<DataViewRowId, ushort>(value => (ushort)SmallId(value, ushort.MaxValue));
        Add<DataViewRowId, uint>(value => (uint)SmallId(value, uint.MaxValue));
        Add<DataViewRowId, ulong>(value => SmallId(value, ulong.MaxValue));
        Add<DataViewRowId, ReadOnlyMemory<char>>(value => TextWriting.OfId(value).AsMemory());
        Add<bool, sbyte>(Convert.ToSByte);
        Add<bool, short>(Convert.ToInt16);
        Add<bool, int>(Convert.ToInt32);
        Add<bool, long>(Convert.ToInt64);
        Add<bool, float>(Convert.ToSingle);
        Add<bool, double>(Convert.ToDouble);
        Add<bool, bool>(value => value);
        Add<bool, ReadOnlyMemory<char>>(value => value.ToString().AsMemory());
        FromText.AddTo(table);
        return table;
    }

    private static bool Fits<T>(T value, ulong largest)
        where T : IBinaryInteger<T> =>
        ulong.CreateTruncating(value) <= largest;

    private static ulong SmallId(DataViewRowId id, ulong largest) => id.High == 0 && id.Low <= largest ? id.Low : 0;
}
