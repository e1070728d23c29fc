namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// Attributes and elements of values. What can be reached is data and the methods listed here: no attribute leads to anything else.
/// </summary>
internal static class ValueAttributes
{
    private static readonly HashSet<string> ListMethods = ["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove",
        "reverse", "sort"];

    private static readonly HashSet<string> DictMethods = ["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem",
        "setdefault", "update", "values"];

    /// <summary>value.name: an attribute, else the element of that key.</summary>
    public static object Attribute(Rendering run, object value, string name)
    {
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        return Own(value, name) ?? TemplateSequences.Find(run, value, name) ?? UndefinedValue.Attribute(value, name);
    }

    /// <summary>value[key]: an element, else the attribute of that name.</summary>
    public static object Element(Rendering run, object value, object key)
    {
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        if (TemplateSequences.Find(run, value, key) is { } element)
            return element;
        if (PythonText.AsText(key) is { } name)
            return Own(value, name) ?? UndefinedValue.Attribute(value, name);
        return UndefinedValue.Element(value, PythonText.Quoted(run, key));
    }

    /// <summary>value|attr(name): an attribute, never an element.</summary>
    public static object Own(Rendering run, object value, string name)
    {
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        return Own(value, name) ?? UndefinedValue.Attribute(value, name);
    }

    private static object? Own(object value, string name)
    {
        if (value is IHasAttributes owner && owner.Attribute(name) is { } attribute)
            return attribute;
        if (name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal))
            return UndefinedValue.Unsafe(value, name);
        return value switch
        {
            string or MarkupValue => StringMethods.Find(value, name),
            DictValue dict => DictMethod(dict, name),
            ListValue list => ListMethods.Contains(name) ? SequenceMethod(list, name) : null,
            TupleValue or RangeValue => name is "count" or "index" ? SequenceMethod((IReadOnlyList<object>)value, name) : null,
            GroupValue group => name is "count" or "index" ? SequenceMethod(group.Tuple, name) : null,
            _ => null,
        };
    }

    private static object? DictMethod(DictValue dict, string name) => name switch
    {
        "keys" or "values" or "items" => new FunctionValue(name, (run, arguments) =>
        {
            arguments.Bind(run);
            return new DictView(dict, name);
        }),
        "get" => new FunctionValue(name, (run, arguments) =>
        {
            BoundArguments bound = arguments.Bind(run, "key", "default?");
            return dict.Find(PythonOperators.CheckKey(run, bound[0]!)) ?? bound[1] ?? NoneValue.Instance;
        }),
        "copy" => new FunctionValue(name, (run, arguments) =>
        {
            arguments.Bind(run);
            return dict; // nothing can change either
        }),
        _ => DictMethods.Contains(name) ? UndefinedValue.Unsafe(dict, name) : null,
    };

    private static object SequenceMethod(IReadOnlyList<object> items, string name) => name switch
    {
        "copy" => new FunctionValue(name, (run, arguments) =>
        {
            arguments.Bind(run);
            return items;
        }),
        "count" => new FunctionValue(name, (run, arguments) =>
        {
            object item = arguments.Bind(run, "value")[0]!;
            return JinjaGlobals.Number(TemplateSequences.Items(run, items).Count(other => PythonOperators.AreEqual(run, item, other)));
        }),
        "index" => new FunctionValue(name, (run, arguments) => IndexOf(run, items, arguments)),
        _ => UndefinedValue.Unsafe(items, name),
    };

    private static object IndexOf(Rendering run, IReadOnlyList<object> items, CallArguments arguments)
    {
        object item = arguments.Bind(run, "value")[0]!;
        for (int i = 0; i < items.Count; i++)
        {
            run.Step();
            if (PythonOperators.AreEqual(run, items[i], item))
                return JinjaGlobals.Number(i);
        }
        throw run.Error($"{PythonText.Quoted(run, item)} is not in the {ValueTypes.NameOf(items)}");
    }
}
