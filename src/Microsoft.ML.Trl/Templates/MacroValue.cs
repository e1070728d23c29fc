namespace Microsoft.ML.Trl.Templates;

/// <summary>What a macro is given and how it is used.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Names of its parameters.</param>
/// <param name="Defaults">Values of the last of them.</param>
/// <param name="Body">Its statements.</param>
/// <param name="Names">Names that the body reads: <c>caller</c>, <c>varargs</c> and <c>kwargs</c> are only there for those who do.</param>
internal sealed record MacroDefinition(
    string Name, IReadOnlyList<string> Parameters, IReadOnlyList<IJinjaExpression> Defaults, IReadOnlyList<IJinjaStatement> Body,
    IReadOnlySet<string> Names);

/// <summary>A macro, with the variables that were around its definition.</summary>
internal sealed class MacroValue(MacroDefinition definition, TemplateScope home) : ICallableValue, IHasAttributes
{
    public string Name => definition.Name;

    public object? Attribute(string name) => name switch
    {
        "name" => definition.Name,
        "arguments" => new TupleValue([.. definition.Parameters]),
        "catch_kwargs" => definition.Names.Contains("kwargs"),
        "catch_varargs" => definition.Names.Contains("varargs"),
        "caller" => definition.Names.Contains("caller"),
        _ => null,
    };

    public object Call(Rendering run, CallArguments arguments)
    {
        TemplateScope scope = home.Inner();
        var named = new DictValue();
        foreach ((string key, object value) in arguments.Named)
            named.Set(key, value);
        SetSpecial(run, scope, arguments, named);
        SetParameters(scope, arguments, named);
        return run.Capture(() => scope.Execute(definition.Body));
    }

    private void SetParameters(TemplateScope scope, CallArguments arguments, DictValue named)
    {
        int firstDefault = definition.Parameters.Count - definition.Defaults.Count;
        for (int i = 0; i < definition.Parameters.Count; i++)
        {
            string name = definition.Parameters[i];
            object? given = i < arguments.Positional.Count ? arguments.Positional[i] : named.Find(name);
            scope.Set(name, given ?? (i >= firstDefault
                ? scope.Value(definition.Defaults[i - firstDefault])
                : new UndefinedValue($"parameter '{name}' was not provided")));
        }
    }

    private void SetSpecial(Rendering run, TemplateScope scope, CallArguments arguments, DictValue named)
    {
        int count = definition.Parameters.Count;
        HashSet<string> free = [.. definition.Parameters.Skip(arguments.Positional.Count)];
        var rest = new DictValue();
        foreach ((object key, object value) in named.Pairs)
            if (!free.Contains((string)key))
                rest.Set(key, value);
        if (definition.Names.Contains("caller") && !definition.Parameters.Contains("caller"))
        {
            scope.Set("caller", rest.Find("caller") ?? new UndefinedValue("No caller defined"));
            rest = Without(rest, "caller");
        }
        if (definition.Names.Contains("kwargs"))
            scope.Set("kwargs", rest);
        else if (rest.Count > 0)
            throw run.Error($"macro '{Name}' takes no keyword argument '{rest.Keys.First()}'");
        if (definition.Names.Contains("varargs"))
            scope.Set("varargs", new TupleValue([.. arguments.Positional.Skip(count)]));
        else if (arguments.Positional.Count > count)
            throw run.Error($"macro '{Name}' takes not more than {count} argument(s)");
    }

    private static DictValue Without(DictValue dict, string key)
    {
        var rest = new DictValue();
        foreach ((object other, object value) in dict.Pairs)
            if ((string)other != key)
                rest.Set(other, value);
        return rest;
    }
}
