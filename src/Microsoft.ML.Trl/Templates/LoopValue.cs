namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's variable <c>loop</c>: where a loop is.</summary>
/// <param name="run">The rendering.</param>
/// <param name="source">What is iterated.</param>
/// <param name="depth">How many loops of the same tag are around this one.</param>
/// <param name="recurse">Renders the loop's body over other items; null where the loop is not recursive.</param>
internal sealed class LoopValue(Rendering run, object source, int depth, Func<object, int, string>? recurse)
    : IHasAttributes, ICallableValue
{
    private IEnumerator<object> _items = TemplateSequences.Items(run, source).GetEnumerator();
    private object? _previous, _current, _next;
    private object? _changed;
    private int? _length = TemplateSequences.CountOf(run, source);

    /// <summary>Number of the round, from 1.</summary>
    public int Index { get; private set; }

    /// <summary>Number of all rounds; asks for all items where they are not counted.</summary>
    public int Length
    {
        get
        {
            if (_length is { } known)
                return known;
            var rest = new List<object>();
            while (_items.MoveNext())
                rest.Add(_items.Current);
            _items = rest.GetEnumerator();
            _length = Index + rest.Count + (_next is null ? 0 : 1);
            return _length.Value;
        }
    }

    /// <summary>Goes on to the next item.</summary>
    /// <returns>The item; null after the last.</returns>
    public object? Next()
    {
        object? item = Peek();
        if (item is null)
            return null;
        _next = null;
        Index++;
        (_previous, _current) = (_current, item);
        return item;
    }

    private object? Peek() => _next ??= _items.MoveNext() ? _items.Current : null;

    public object? Attribute(string name) => name switch
    {
        "index" => JinjaGlobals.Number(Index),
        "index0" => JinjaGlobals.Number(Index - 1),
        "revindex" => JinjaGlobals.Number(Length - Index + 1),
        "revindex0" => JinjaGlobals.Number(Length - Index),
        "first" => Index == 1,
        "last" => Peek() is null,
        "length" => JinjaGlobals.Number(Length),
        "depth" => JinjaGlobals.Number(depth + 1),
        "depth0" => JinjaGlobals.Number(depth),
        "previtem" => _previous ?? new UndefinedValue("there is no previous item"),
        "nextitem" => Peek() ?? new UndefinedValue("there is no next item"),
        "cycle" => new FunctionValue("cycle", Cycle),
        "changed" => new FunctionValue("changed", (rendering, arguments) => HasChanged(rendering, arguments)),
        _ => null,
    };

    public object Call(Rendering rendering, CallArguments arguments)
    {
        object items = arguments.For("loop").Bind(rendering, "iterable")[0]!;
        return recurse is null
            ? throw rendering.Error("The loop must have the 'recursive' marker to be called recursively.")
            : recurse(items, depth + 1);
    }

    private object Cycle(Rendering rendering, CallArguments arguments) => arguments.Positional.Count == 0
        ? throw rendering.Error("no items for cycling given")
        : arguments.Positional[(Index - 1) % arguments.Positional.Count];

    private bool HasChanged(Rendering rendering, CallArguments arguments)
    {
        var values = new TupleValue(arguments.Positional);
        bool hasChanged = _changed is null || !PythonOperators.AreEqual(rendering, _changed, values);
        _changed = values;
        return hasChanged;
    }
}
