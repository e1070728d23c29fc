using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's filters of lists and dicts.</summary>
internal static class ListFilters
{
    public static object Length(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return JinjaGlobals.Number(TemplateSequences.CountOf(run, value)
            ?? throw run.Error($"object of type '{ValueTypes.NameOf(value)}' has no len()"));
    }

    public static object ToList(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return new ListValue(TemplateSequences.Gather(run, [value]));
    }

    public static object First(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return TemplateSequences.Items(run, value).FirstOrDefault() ?? new UndefinedValue("No first item, sequence was empty.");
    }

    public static object Last(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        if (value is GeneratorValue || !TemplateSequences.IsIterable(value))
            throw run.Error($"'{ValueTypes.NameOf(value)}' object is not reversible");
        object? last = value is IReadOnlyList<object> list
            ? list.Count > 0 ? list[list.Count - 1] : null
            : TemplateSequences.Items(run, value).LastOrDefault();
        return last ?? new UndefinedValue("No last item, sequence was empty.");
    }

    public static object Items(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return new GeneratorValue(Pairs(run, value), "do_items");
    }

    private static IEnumerable<object> Pairs(Rendering run, object value)
    {
        if (value is UndefinedValue)
            yield break;
        if (value is not DictValue dict)
            throw run.Error("Can only get item pairs from a mapping.");
        foreach (object pair in new DictView(dict, "items"))
            yield return pair;
    }

    public static object Reverse(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        if (PythonText.AsText(value) is not null)
            return TemplateSequences.Slice(run, value, NoneValue.Instance, NoneValue.Instance, BigInteger.MinusOne)!;
        object[] items = TemplateSequences.Gather(run, [value]);
        Array.Reverse(items);
        return value is GeneratorValue ? new ListValue(items) : new GeneratorValue(items, "reversed");
    }

    public static object Sort(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "reverse?", "case_sensitive?", "attribute?");
        object?[] paths = bound[2] is { } path && PythonText.AsText(path) is { } text ? text.Split(',') : [bound[2]];
        Func<object, object>[] keys = [.. paths.Select(part => AttributePath.Key(run, part, bound.Flag(1)))];
        return new ListValue(TemplateSorting.Sort(
            run, TemplateSequences.Items(run, value), item => new ListValue([.. keys.Select(key => key(item))]), bound.Flag(0)));
    }

    public static object DictSort(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "case_sensitive?", "by?", "reverse?");
        string by = bound.TextOr(1, "key")!;
        if (by is not ("key" or "value"))
            throw run.Error("You can only sort by either \"key\" or \"value\"");
        if (value is not DictValue dict)
            throw run.Error(UndefinedValue.Attribute(value, "items").Message);
        Func<object, object> key = AttributePath.Key(run, JinjaGlobals.Number(by == "key" ? 0 : 1), bound.Flag(0));
        return new ListValue(TemplateSorting.Sort(run, TemplateSequences.Items(run, new DictView(dict, "items")), key, bound.Flag(2)));
    }

    public static object Unique(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "case_sensitive?", "attribute?");
        return new GeneratorValue(Different(run, value, AttributePath.Key(run, bound[1], bound.Flag(0))), "sync_do_unique");
    }

    private static IEnumerable<object> Different(Rendering run, object value, Func<object, object> key)
    {
        var seen = new DictValue();
        foreach (object item in TemplateSequences.Items(run, value))
        {
            object found = PythonOperators.CheckKey(run, key(item));
            if (seen.Find(found) is not null)
                continue;
            seen.Set(found, true);
            yield return item;
        }
    }

    public static object Extreme(Rendering run, object value, CallArguments call, bool isLargest)
    {
        BoundArguments bound = call.Bind(run, "case_sensitive?", "attribute?");
        Func<object, object> key = AttributePath.Key(run, bound[1], bound.Flag(0));
        object? best = null, bestKey = null;
        foreach (object item in TemplateSequences.Items(run, value))
        {
            object candidate = key(item);
            if (bestKey is not null && !(isLargest
                ? PythonOperators.IsLess(run, bestKey, candidate)
                : PythonOperators.IsLess(run, candidate, bestKey)))
                continue;
            (best, bestKey) = (item, candidate);
        }
        return best ?? new UndefinedValue("No aggregated item, sequence was empty.");
    }

    public static object Sum(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "attribute?", "start?");
        object sum = bound[1] ?? BigInteger.Zero;
        if (PythonText.AsText(sum) is not null)
            throw run.Error("sum() can't sum strings; use the filter join instead");
        foreach (object item in TemplateSequences.Items(run, value))
            sum = PythonArithmetic.Apply(run, "+", sum, bound[0] is null or NoneValue ? item : AttributePath.Get(run, item, bound[0]!));
        return sum;
    }

    public static object GroupBy(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "attribute", "default?", "case_sensitive?");
        object? absent = bound[1] is NoneValue ? null : bound[1];
        Func<object, object> key = AttributePath.Key(run, bound[0], bound.Flag(2), absent);
        var groups = new List<(object Key, List<object> Items)>();
        foreach (object item in TemplateSorting.Sort(run, TemplateSequences.Items(run, value), key))
        {
            object group = key(item);
            if (groups.Count == 0 || !PythonOperators.AreEqual(run, groups[^1].Key, group))
                groups.Add((group, []));
            groups[^1].Items.Add(item);
        }
        return new ListValue([.. groups.Select(group => new GroupValue(
            AttributePath.Get(run, group.Items[0], bound[0]!, absent), new ListValue(group.Items)))]);
    }

    public static object Batch(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "linecount", "fill_with?");
        return new GeneratorValue(Batches(run, value, bound.Integer(0, 0), Filling(bound[1])), "do_batch");
    }

    private static IEnumerable<object> Batches(Rendering run, object value, int size, object? filling)
    {
        var batch = new List<object>();
        foreach (object item in TemplateSequences.Items(run, value))
        {
            if (batch.Count == size)
            {
                yield return new ListValue(batch);
                batch = [];
            }
            batch.Add(item);
        }
        if (batch.Count == 0)
            yield break;
        run.Characters(filling is null ? 0 : Math.Max(size, 0));
        for (; filling is not null && batch.Count < size; batch.Add(filling))
            run.Step();
        yield return new ListValue(batch);
    }

    public static object Slice(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "slices", "fill_with?");
        int slices = bound.Integer(0, 0);
        return slices == 0
            ? throw run.Error("division by zero")
            : new GeneratorValue(Slices(run, value, slices, Filling(bound[1])), "sync_do_slice");
    }

    private static IEnumerable<object> Slices(Rendering run, object value, int slices, object? filling)
    {
        object[] items = TemplateSequences.Gather(run, [value]);
        int size = items.Length / Math.Max(slices, 1), longer = items.Length % Math.Max(slices, 1), from = 0;
        for (int i = 0; i < slices; i++)
        {
            run.Step();
            int to = from + size + (i < longer ? 1 : 0);
            object[] slice = items[from..to];
            yield return new ListValue(filling is not null && i >= longer ? [.. slice, filling] : slice);
            from = to;
        }
    }

    private static object? Filling(object? given) => given is NoneValue ? null : given;
}
