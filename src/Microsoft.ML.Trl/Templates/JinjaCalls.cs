namespace Microsoft.ML.Trl.Templates;

/// <summary>The brackets of a call: values, names with values, *values and **names.</summary>
internal sealed class ArgumentList(
    IReadOnlyList<IJinjaExpression> positional, IReadOnlyList<(string Name, IJinjaExpression Value)> named,
    IJinjaExpression? morePositional, IJinjaExpression? moreNamed)
{
    public static ArgumentList Empty { get; } = new([], [], null, null);

    public CallArguments Evaluate(TemplateScope scope, string function)
    {
        List<object> values = [.. positional.Select(scope.Value)];
        if (morePositional is not null)
            values.AddRange(TemplateSequences.Items(scope.Run, scope.Value(morePositional)));
        List<KeyValuePair<string, object>> pairs = [.. named.Select(pair => KeyValuePair.Create(pair.Name, scope.Value(pair.Value)))];
        if (moreNamed is not null)
            AddNamed(scope.Run, scope.Value(moreNamed), pairs, function);
        return new CallArguments(function, values, pairs);
    }

    private static void AddNamed(Rendering run, object value, List<KeyValuePair<string, object>> pairs, string function)
    {
        if (value is not DictValue dict)
            throw run.Error($"{function}() argument after ** must be a mapping, not {ValueTypes.NameOf(value)}");
        foreach ((object key, object entry) in dict.Pairs)
        {
            string name = PythonText.AsText(key) ?? throw run.Error("keywords must be strings");
            run.Step();
            if (pairs.Count < 1000 && pairs.Any(pair => pair.Key == name))
                throw run.Error($"{function}() got multiple values for keyword argument '{name}'");
            pairs.Add(KeyValuePair.Create(name, entry));
        }
    }
}

/// <summary>function(arguments)</summary>
internal sealed class CallExpression(int line, IJinjaExpression function, ArgumentList arguments) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => Call(scope, null);

    /// <summary>Calls, and passes a call block's body as <c>caller</c>.</summary>
    public object Call(TemplateScope scope, MacroValue? caller)
    {
        object value = scope.Value(function);
        if (value is UndefinedValue undefined)
            throw scope.Run.Error(undefined.Message);
        if (value is not ICallableValue callable)
            throw scope.Run.Error($"'{ValueTypes.NameOf(value)}' object is not callable");
        string name = value switch { FunctionValue known => known.Name, MacroValue macro => macro.Name, _ => "function" };
        CallArguments passed = arguments.Evaluate(scope, name);
        if (caller is not null)
            passed = new CallArguments(name, passed.Positional, [.. passed.Named, KeyValuePair.Create<string, object>("caller", caller)]);
        return callable.Call(scope.Run, passed);
    }
}

/// <summary>A filter with its arguments, still without the value that it is applied to.</summary>
internal sealed class FilterCall(int line, string name, ArgumentList arguments)
{
    public int Line => line;

    public object Apply(TemplateScope scope, object value)
        => JinjaFilters.Apply(scope.Run, name, value, arguments.Evaluate(scope, name));
}

/// <summary>operand|filter</summary>
internal sealed class FilterExpression(IJinjaExpression operand, FilterCall filter) : IJinjaExpression
{
    public int Line => filter.Line;

    public object Evaluate(TemplateScope scope) => filter.Apply(scope, scope.Value(operand));
}

/// <summary>operand is test</summary>
internal sealed class TestExpression(int line, IJinjaExpression operand, string name, ArgumentList arguments) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
        => JinjaTests.Holds(scope.Run, name, scope.Value(operand), arguments.Evaluate(scope, name));
}
