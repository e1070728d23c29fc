using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's global functions and those that transformers adds.</summary>
internal static class JinjaGlobals
{
    /// <summary>Most numbers of a range, as in Jinja's sandbox.</summary>
    public const int LongestRange = 100_000;

    public static Dictionary<string, object> Create() => new()
    {
        ["range"] = new FunctionValue("range", (run, arguments) => Range(run, arguments)),
        ["dict"] = new FunctionValue("dict", (run, arguments) => Dict(run, arguments)),
        ["namespace"] = new FunctionValue("namespace", (run, arguments) => new NamespaceValue(Dict(run, arguments))),
        ["cycler"] = new FunctionValue("cycler", (run, arguments) => arguments.Positional.Count > 0
            ? new CyclerValue(arguments.Positional)
            : throw run.Error("at least one item has to be provided")),
        ["joiner"] = new FunctionValue("joiner", (run, arguments) => new JoinerValue(arguments.Bind(run, "sep?")[0] ?? ", ")),
        ["raise_exception"] = new FunctionValue("raise_exception", (run, arguments)
            => throw run.Refusal(PythonText.Of(run, arguments.Bind(run, "message")[0]!))),
        ["strftime_now"] = new FunctionValue("strftime_now", (run, arguments)
            => PythonTime.Format(run, run.Clock.GetLocalNow(), arguments.Bind(run, "format").Text(0))),
    };

    /// <summary>A whole number as a value.</summary>
    public static object Number(int number) => new BigInteger(number);

    private static RangeValue Range(Rendering run, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind(run, "start", "stop?", "step?");
        BigInteger first = Whole(0), step = bound[2] is null ? BigInteger.One : Whole(2);
        (BigInteger start, BigInteger stop) = bound[1] is null ? (BigInteger.Zero, first) : (first, Whole(1));
        if (step.IsZero)
            throw run.Error("range() arg 3 must not be zero");
        BigInteger distance = step.Sign > 0 ? stop - start : start - stop;
        BigInteger count = distance.Sign <= 0 ? 0 : ((distance - 1) / BigInteger.Abs(step)) + 1;
        if (count > LongestRange)
            throw run.Error($"range too big. The sandbox blocks ranges larger than MAX_RANGE ({LongestRange}).");
        return new RangeValue(start, step, (int)count);

        BigInteger Whole(int place) => PythonNumbers.AsInteger(bound[place]!) ?? throw run.Error(bound[place] is UndefinedValue undefined
            ? undefined.Message
            : $"'{ValueTypes.NameOf(bound[place]!)}' object cannot be interpreted as an integer");
    }

    private static DictValue Dict(Rendering run, CallArguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw run.Error($"{arguments.Function} expected at most 1 argument, got {arguments.Positional.Count}");
        var dict = new DictValue();
        if (arguments.Positional is [DictValue other])
            foreach ((object key, object value) in other.Pairs)
                dict.Set(PythonOperators.CheckKey(run, key), value);
        else if (arguments.Positional is [{ } pairs])
            foreach (object pair in TemplateSequences.Items(run, pairs))
            {
                object[] items = TemplateSequences.Gather(run, [pair]);
                if (items.Length != 2)
                    throw run.Error($"dictionary update sequence element has length {items.Length}; 2 is required");
                dict.Set(PythonOperators.CheckKey(run, items[0]), items[1]);
            }
        foreach ((string key, object value) in arguments.Named)
            dict.Set(key, value);
        return dict;
    }
}

/// <summary>Jinja's cycler: its items in turn, over and over.</summary>
internal sealed class CyclerValue(IReadOnlyList<object> items) : IHasAttributes
{
    private int _place;

    public object? Attribute(string name) => name switch
    {
        "current" => items[_place],
        "next" => new FunctionValue("next", (_, _) =>
        {
            object current = items[_place];
            _place = (_place + 1) % items.Count;
            return current;
        }),
        "reset" => new FunctionValue("reset", (_, _) =>
        {
            _place = 0;
            return NoneValue.Instance;
        }),
        _ => null,
    };
}

/// <summary>Jinja's joiner: nothing the first time, a separator ever after.</summary>
internal sealed class JoinerValue(object separator) : ICallableValue
{
    private bool _isUsed;

    public object Call(Rendering run, CallArguments arguments)
    {
        arguments.For("joiner").Bind(run);
        bool isFirst = !_isUsed;
        _isUsed = true;
        return isFirst ? "" : separator;
    }
}
