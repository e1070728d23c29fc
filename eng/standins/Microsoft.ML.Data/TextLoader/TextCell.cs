namespace Microsoft.ML.Data;

/// <summary>Reads the value of one column from the fields of a line.</summary>
internal abstract class TextCell
{
    public static TextCell Create(TextColumn column, TextFormat format, TextLog log) =>
        (TextCell)Activator.CreateInstance(typeof(TextCell<>).MakeGenericType(column.ItemType.RawType), column, format, log);

    public abstract void Read(TextFields fields, long lineNumber);

    /// <summary>A getter of the value last read.</summary>
    public abstract Delegate MakeGetter(Func<bool> isOnRow);
}

/// <summary>Reads values of one .NET type.</summary>
internal sealed class TextCell<T>(TextColumn column, TextFormat format, TextLog log) : TextCell
{
    private readonly TryRead _tryRead = (TryRead)ReaderFor(column.ItemType, format.Reals);
    private readonly bool _isReal = typeof(T) == typeof(float) || typeof(T) == typeof(double);
    private readonly List<(int Slot, T Value)> _values = [];
    private T _value;
    private int _size;

    private delegate bool TryRead(ReadOnlyMemory<char> text, out T value);

    /// <summary>A value of this type may be missing, so that text which is none is no error.</summary>
    private bool CanBeMissing => _isReal || column.ItemType is KeyDataViewType;

    public override void Read(TextFields fields, long lineNumber)
    {
        if (column.Type is VectorDataViewType)
        {
            ReadVector(fields, lineNumber);
            return;
        }
        ReadOnlyMemory<char>? text = fields.TextOf(column.Segments[0].Min);
        _value = default;
        if (text is null && !(format.EmptyRealIsMissing && _isReal))
            return;
        if (_tryRead(text ?? default, out _value))
            return;
        Guard.That(CanBeMissing, $"Could not parse value {text} in line {lineNumber}, column {column.Name}");
        log.BadValue(lineNumber, column.Name, null);
    }

    public override Delegate MakeGetter(Func<bool> isOnRow)
    {
        if (column.Type is not VectorDataViewType)
        {
            return (ValueGetter<T>)((ref T value) =>
            {
                Guard.That(isOnRow());
                value = _value;
            });
        }
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            Guard.That(isOnRow());
            bool isSparse = _values.Count <= _size / 2 && _values.Count < _size;
            VBufferEditor<T> editor = isSparse ? VBufferEditor.Create(ref value, _size, _values.Count) : VBufferEditor.Create(ref value, _size);
            if (!isSparse)
                editor.Values.Clear();
            for (int i = 0; i < _values.Count; i++)
            {
                editor.Values[isSparse ? i : _values[i].Slot] = _values[i].Value;
                if (isSparse)
                    editor.Indices[i] = _values[i].Slot;
            }
            value = editor.Commit();
        });
    }

    private void ReadVector(TextFields fields, long lineNumber)
    {
        _values.Clear();
        _size = column.SizeIn(fields.Count);
        int slot = 0;
        foreach (Segment segment in column.Segments)
        {
            int limit = segment.IsVariable ? Math.Max(fields.Count, segment.Min) : segment.Limit;
            for (int i = segment.Min; i < limit; i++, slot++)
            {
                ReadOnlyMemory<char>? text = fields.TextOf(i);
                if (text is null && !(format.EmptyRealIsMissing && _isReal))
                    continue;
                bool isGood = _tryRead(text ?? default, out T value);
                _values.Add((slot, value));
                if (isGood)
                    continue;
                Guard.That(CanBeMissing, $"Could not parse value {text} in slot {slot} of column {column.Name} in line {lineNumber}");
                log.BadValue(lineNumber, column.Name, slot);
            }
        }
    }

    private static Delegate ReaderFor(PrimitiveDataViewType type, RealFormat reals) => type switch
    {
        KeyDataViewType key => new TryRead((ReadOnlyMemory<char> text, out T value) =>
        {
            bool isKey = TextParsing.TryKey(text.Span, key.Count, out ulong number);
            value = Cast(number);
            return isKey;
        }),
        TextDataViewType => new TextCell<ReadOnlyMemory<char>>.TryRead((ReadOnlyMemory<char> text, out ReadOnlyMemory<char> value) =>
        {
            value = text;
            return true;
        }),
        BooleanDataViewType => new TextCell<bool>.TryRead((ReadOnlyMemory<char> text, out bool value) => TextParsing.TryBoolean(text.Span, out value)),
        TimeSpanDataViewType => new TextCell<TimeSpan>.TryRead((ReadOnlyMemory<char> text, out TimeSpan value) => TextParsing.TryTimeSpan(text.Span, out value)),
        DateTimeDataViewType => new TextCell<DateTime>.TryRead((ReadOnlyMemory<char> text, out DateTime value) => TextParsing.TryDateTime(text.Span, out value)),
        DateTimeOffsetDataViewType => new TextCell<DateTimeOffset>.TryRead((ReadOnlyMemory<char> text, out DateTimeOffset value) => TextParsing.TryDateTimeOffset(text.Span, out value)),
        _ when type.RawType == typeof(float) || type.RawType == typeof(double) => new TryRead((ReadOnlyMemory<char> text, out T value) =>
        {
            bool isReal = TextParsing.TryReal(text.Span, reals, out double number) || TextParsing.IsMissing(text.Span);
            value = Cast(number);
            return isReal;
        }),
        _ when Conversions.LargestKey(type.RawType) is > 0 and ulong largest => new TryRead((ReadOnlyMemory<char> text, out T value) =>
        {
            bool isNumber = TextParsing.TryUnsigned(text.Span, largest, out ulong number);
            value = Cast(number);
            return isNumber;
        }),
        _ => new TryRead((ReadOnlyMemory<char> text, out T value) =>
        {
            bool isNumber = TextParsing.TrySigned(text.Span, LargestSigned, out long number);
            value = Cast(isNumber ? number : 0);
            return isNumber;
        }),
    };

    private static long LargestSigned => Type.GetTypeCode(typeof(T)) switch
    {
        TypeCode.SByte => sbyte.MaxValue,
        TypeCode.Int16 => short.MaxValue,
        TypeCode.Int32 => int.MaxValue,
        _ => long.MaxValue,
    };

    private static T Cast(IConvertible number) => number is double real && typeof(T) == typeof(float) ? (T)(object)(float)real : (T)Convert.ChangeType(number, typeof(T));
}
