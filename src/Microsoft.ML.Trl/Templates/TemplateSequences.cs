using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Iterating, counting and slicing of values.</summary>
internal static class TemplateSequences
{
    /// <summary>The items of a value that can be iterated; each is a step.</summary>
    /// <exception cref="ChatTemplateException">It cannot.</exception>
    public static IEnumerable<object> Items(Rendering run, object value)
    {
        IEnumerable<object> items = Find(run, value) ?? throw run.Error($"'{ValueTypes.NameOf(value)}' object is not iterable");
        return Counted(run, items);
    }

    public static bool IsIterable(object value) => PythonText.AsText(value) is not null
        || value is IReadOnlyList<object> or DictValue or DictView or GroupValue or GeneratorValue or UndefinedValue or LoopValue;

    private static IEnumerable<object>? Find(Rendering run, object value) => value switch
    {
        IReadOnlyList<object> list => list,
        DictValue dict => dict.Keys,
        DictView view => view,
        GroupValue group => group.Tuple,
        GeneratorValue generator => Rest(run, generator),
        UndefinedValue => [],
        _ => PythonText.AsText(value) is { } text ? CodePoints.Of(text) : null,
    };

    private static IEnumerable<object> Rest(Rendering run, GeneratorValue generator)
    {
        while (generator.Next(run) is { } item)
            yield return item;
    }

    private static IEnumerable<object> Counted(Rendering run, IEnumerable<object> items)
    {
        foreach (object item in items)
        {
            run.Step();
            yield return item;
        }
    }

    /// <summary>len(value), or null where there is none.</summary>
    public static int? CountOf(Rendering run, object value)
    {
        if (PythonText.AsText(value) is not { } text)
            return value switch
            {
                IReadOnlyList<object> list => list.Count,
                DictValue dict => dict.Count,
                DictView view => view.Dict.Count,
                GroupValue group => group.Tuple.Count,
                UndefinedValue => 0,
                LoopValue loop => loop.Length,
                _ => null,
            };
        run.Characters(text.Length);
        return CodePoints.Count(text);
    }

    /// <summary>All items of values that can be iterated, as a list within the limits.</summary>
    public static object[] Gather(Rendering run, IEnumerable<object> values)
    {
        var items = new List<object>();
        foreach (object value in values)
            foreach (object item in Items(run, value))
                items.Add(item);
        return [.. items];
    }

    /// <summary>value[start:stop:step]; null for a value that has no slices.</summary>
    public static object? Slice(Rendering run, object value, object start, object stop, object step)
    {
        value = (value as GroupValue)?.Tuple ?? value;
        int? count = PythonText.AsText(value) is not null || value is IReadOnlyList<object> ? CountOf(run, value) : null;
        if (count is not { } length)
            return null;
        int stride = Bound(run, step, 1);
        if (stride == 0)
            throw run.Error("slice step cannot be zero");
        int least = stride > 0 ? 0 : -1, most = stride > 0 ? length : length - 1;
        int first = Place(Bound(run, start, stride > 0 ? 0 : int.MaxValue), length, least, most);
        int last = stop is NoneValue && stride < 0 ? -1 : Place(Bound(run, stop, int.MaxValue), length, least, most);
        long distance = stride > 0 ? (long)last - first : (long)first - last;
        int size = distance <= 0 ? 0 : (int)(((distance - 1) / Math.Abs((long)stride)) + 1);
        run.Characters(size);
        if (PythonText.AsText(value) is { } text)
            return Cut(run, value, text, first, stride, size);
        run.Step(size / 8);
        return Cut((IReadOnlyList<object>)value, first, stride, size);
    }

    private static int Place(int index, int length, int least, int most)
        => (int)Math.Clamp(index < 0 ? (long)index + length : index, least, most);

    private static int Bound(Rendering run, object value, int absent)
    {
        if (value is NoneValue)
            return absent;
        BigInteger index = PythonNumbers.AsInteger(value) ?? throw run.Error(
            value is UndefinedValue undefined ? undefined.Message : "slice indices must be integers or None");
        return (int)BigInteger.Clamp(index, -int.MaxValue, int.MaxValue);
    }

    private static object Cut(Rendering run, object value, string text, int first, int stride, int size)
    {
        string cut;
        if (stride == 1)
        {
            int from = CodePoints.Offset(text, first);
            string rest = text[from..];
            cut = rest[..CodePoints.Offset(rest, size)];
        }
        else
        {
            run.Step(text.Length);
            string[] characters = [.. CodePoints.Of(text)];
            cut = string.Concat(Enumerable.Range(0, size).Select(i => characters[first + (i * stride)]));
        }
        return value is MarkupValue ? new MarkupValue(cut) : cut;
    }

    private static object Cut(IReadOnlyList<object> list, int first, int stride, int size)
    {
        if (list is RangeValue range)
            return new RangeValue(range.Start + (range.Step * first), range.Step * stride, size);
        var items = new object[size];
        for (int i = 0; i < size; i++)
            items[i] = list[first + (i * stride)];
        return list is TupleValue ? new TupleValue(items) : new ListValue(items);
    }

    /// <summary>value[key] of a text, list or dict; null where there is nothing.</summary>
    public static object? Find(Rendering run, object value, object key)
    {
        value = (value as GroupValue)?.Tuple ?? value;
        if (value is DictValue dict)
            return key is ListValue or DictValue ? null : dict.Find(PythonOperators.CheckKey(run, key));
        if (PythonNumbers.AsInteger(key) is not { } index)
            return null;
        if (value is IReadOnlyList<object> list)
            return InRange(index, list.Count) is { } place ? list[place] : null;
        if (PythonText.AsText(value) is not { } text)
            return null;
        run.Characters(text.Length);
        if (InRange(index, CodePoints.Count(text)) is not { } character)
            return null;
        return Cut(run, value, text, character, 1, 1);
    }

    private static int? InRange(BigInteger index, int count)
    {
        BigInteger place = index.Sign < 0 ? index + count : index;
        return place.Sign >= 0 && place < count ? (int)place : null;
    }
}
