using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>What a call passes.</summary>
/// <param name="function">Name of what is called, for messages.</param>
/// <param name="positional">In their order.</param>
/// <param name="named">By their names, in their order.</param>
internal sealed class CallArguments(string function, IReadOnlyList<object> positional, IReadOnlyList<KeyValuePair<string, object>> named)
{
    public string Function => function;

    public IReadOnlyList<object> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, object>> Named => named;

    /// <summary>The same call without its first positional arguments.</summary>
    public CallArguments Skip(int count) => new(function, [.. positional.Skip(count)], named);

    /// <summary>The same call to something of another name.</summary>
    public CallArguments For(string other) => new(other, positional, named);

    /// <summary>A named argument, null where it was not given.</summary>
    public object? Find(string name)
    {
        foreach ((string key, object value) in named)
            if (key == name)
                return value;
        return null;
    }

    /// <summary>The arguments in the order of the parameters; null for those that were not given.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="parameters">Their names; one that ends with '?' may be left out.</param>
    /// <exception cref="ChatTemplateException">There are too many, too few, or unknown ones.</exception>
    public BoundArguments Bind(Rendering run, params string[] parameters)
    {
        if (positional.Count > parameters.Length)
            throw run.Error($"{function}() takes at most {parameters.Length} arguments ({positional.Count} given)");
        var bound = new object?[parameters.Length];
        for (int i = 0; i < positional.Count; i++)
            bound[i] = positional[i];
        foreach ((string key, object value) in named)
        {
            int place = Array.FindIndex(parameters, parameter => parameter.TrimEnd('?') == key);
            if (place < 0)
                throw run.Error($"{function}() got an unexpected keyword argument '{key}'");
            if (bound[place] is not null)
                throw run.Error($"{function}() got multiple values for argument '{key}'");
            bound[place] = value;
        }
        for (int i = 0; i < parameters.Length; i++)
            if (bound[i] is null && !parameters[i].EndsWith('?'))
                throw run.Error($"{function}() is missing its argument '{parameters[i]}'");
        return new BoundArguments(run, function, parameters, bound);
    }
}

/// <summary>Arguments by the places of their parameters.</summary>
internal sealed class BoundArguments(Rendering run, string function, string[] parameters, object?[] values)
{
    /// <summary>An argument, null where it was not given.</summary>
    public object? this[int place] => values[place];

    /// <summary>An argument that must be a text.</summary>
    public string Text(int place) => TextOr(place, null) ?? throw Wrong(place, "a string");

    /// <summary>An argument that must be a text, if it was given and is not None.</summary>
    public string? TextOr(int place, string? absent) => values[place] switch
    {
        null or NoneValue => absent,
        { } value => PythonText.AsText(value) ?? throw Wrong(place, "a string"),
    };

    /// <summary>An argument that must be a whole number, if it was given and is not None. One out of range becomes the nearest.</summary>
    public int Integer(int place, int absent) => values[place] switch
    {
        null or NoneValue => absent,
        bool flag => flag ? 1 : 0,
        BigInteger number => (int)BigInteger.Clamp(number, int.MinValue, int.MaxValue),
        _ => throw Wrong(place, "a whole number"),
    };

    /// <summary>Whether an argument is true; false where it was not given.</summary>
    public bool Flag(int place) => values[place] is { } value && PythonOperators.IsTrue(run, value);

    private ChatTemplateException Wrong(int place, string needed) => values[place] is UndefinedValue undefined
        ? run.Error(undefined.Message)
        : run.Error($"{function}() needs {needed} for '{parameters[place].TrimEnd('?')}', not "
            + ValueTypes.NameOf(values[place] ?? NoneValue.Instance));
}
