using System.Collections;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

// A value is one of: NoneValue, bool, BigInteger, double, string, MarkupValue, ListValue, TupleValue, DictValue, RangeValue, DictView,
// GeneratorValue, UndefinedValue, or something with attributes or that can be called. All are immutable but NamespaceValue (and the
// positions of generators, cyclers and joiners), so that no template can change what it was given.

/// <summary>Python's None.</summary>
internal sealed class NoneValue
{
    private NoneValue()
    {
    }

    public static NoneValue Instance { get; } = new();
}

/// <summary>A text that the filter <c>safe</c> marked: what is joined to it is escaped for HTML.</summary>
internal sealed class MarkupValue(string text)
{
    public string Text => text;
}

/// <summary>What was not given. Printed it is empty; anything else done with it is the error that it carries.</summary>
internal sealed class UndefinedValue(string message)
{
    public string Message => message;

    public static UndefinedValue Variable(string name) => new($"'{name}' is undefined");

    public static UndefinedValue Attribute(object owner, string name) => new($"'{ValueTypes.Owner(owner)}' has no attribute '{name}'");

    public static UndefinedValue Element(object owner, string key) => new($"{ValueTypes.Owner(owner)} has no element {key}");

    public static UndefinedValue Unsafe(object owner, string name)
        => new($"access to attribute '{name}' of '{ValueTypes.NameOf(owner)}' object is unsafe.");
}

/// <summary>Python's list.</summary>
internal sealed class ListValue(IReadOnlyList<object> items) : IReadOnlyList<object>
{
    public int Count => items.Count;

    public object this[int index] => items[index];

    public IEnumerator<object> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Python's tuple.</summary>
internal sealed class TupleValue(IReadOnlyList<object> items) : IReadOnlyList<object>
{
    public int Count => items.Count;

    public object this[int index] => items[index];

    public IEnumerator<object> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>One group of the filter <c>groupby</c>: a tuple whose members have names.</summary>
internal sealed class GroupValue(object grouper, ListValue list) : IHasAttributes
{
    public TupleValue Tuple { get; } = new([grouper, list]);

    public object? Attribute(string name) => name switch { "grouper" => grouper, "list" => list, _ => null };
}

/// <summary>Python's range.</summary>
internal sealed class RangeValue(BigInteger start, BigInteger step, int count) : IReadOnlyList<object>
{
    public BigInteger Start => start;

    public BigInteger Step => step;

    public int Count => count;

    public object this[int index] => start + (step * index);

    public IEnumerator<object> GetEnumerator()
    {
        for (int i = 0; i < count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Keys, values or pairs of a dict, as its methods give them.</summary>
internal sealed class DictView(DictValue dict, string kind) : IEnumerable<object>
{
    public DictValue Dict => dict;

    /// <summary>"keys", "values" or "items".</summary>
    public string Kind => kind;

    public IEnumerator<object> GetEnumerator() => (kind switch
    {
        "keys" => dict.Keys,
        "values" => dict.Values,
        _ => dict.Pairs.Select(pair => new TupleValue([pair.Key, pair.Value])),
    }).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>What can be iterated once: the results of filters such as select and map.</summary>
/// <param name="items">Computed while they are asked for.</param>
/// <param name="name">The filter.</param>
internal sealed class GeneratorValue(IEnumerable<object> items, string name)
{
    private readonly IEnumerator<object> _items = items.GetEnumerator();
    private bool _isRunning;

    public string Name => name;

    /// <summary>The next item, or null after the last.</summary>
    public object? Next(Rendering run)
    {
        if (_isRunning)
            throw run.Error("generator already executing");
        _isRunning = true;
        run.Enter(); // a generator may read from another
        object? next = _items.MoveNext() ? _items.Current : null;
        run.Leave();
        _isRunning = false;
        return next;
    }
}

/// <summary>Jinja's namespace: the one thing whose attributes a template can set.</summary>
internal sealed class NamespaceValue(DictValue attributes) : IHasAttributes
{
    public DictValue Attributes => attributes;

    public object? Attribute(string name) => attributes.Find(name);
}

/// <summary>A value with attributes of its own.</summary>
internal interface IHasAttributes
{
    /// <summary>An attribute's value, null where there is none.</summary>
    object? Attribute(string name);
}

/// <summary>A value that can be called.</summary>
internal interface ICallableValue
{
    object Call(Rendering run, CallArguments arguments);
}

/// <summary>A function of Jinja, or a method of a value.</summary>
internal sealed class FunctionValue(string name, Func<Rendering, CallArguments, object> function) : ICallableValue
{
    public string Name => name;

    public object Call(Rendering run, CallArguments arguments) => function(run, arguments);
}
