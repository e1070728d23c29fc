namespace Microsoft.ML.Trl.Templates;

/// <summary>Text outside of tags.</summary>
internal sealed class TextStatement(int line, string text) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        scope.Run.Write(text);
        return LoopSignal.None;
    }
}

/// <summary>{{ value }}</summary>
internal sealed class OutputStatement(IJinjaExpression value) : IJinjaStatement
{
    public int Line => value.Line;

    public LoopSignal Execute(TemplateScope scope)
    {
        scope.Run.Write(PythonText.Of(scope.Run, scope.Value(value)));
        return LoopSignal.None;
    }
}

/// <summary>if, elif, else</summary>
internal sealed class IfStatement(
    int line, IReadOnlyList<(IJinjaExpression Condition, IReadOnlyList<IJinjaStatement> Body)> branches,
    IReadOnlyList<IJinjaStatement> otherwise) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        foreach ((IJinjaExpression condition, IReadOnlyList<IJinjaStatement> body) in branches)
            if (PythonOperators.IsTrue(scope.Run, scope.Value(condition)))
                return scope.Execute(body);
        return scope.Execute(otherwise);
    }
}

/// <summary>for target in items if condition [recursive] … else …</summary>
internal sealed class ForStatement(int line, IAssignmentTarget target, IJinjaExpression items) : IJinjaStatement
{
    public int Line => line;

    public IJinjaExpression? Condition { get; init; }

    public bool IsRecursive { get; init; }

    public required IReadOnlyList<IJinjaStatement> Body { get; init; }

    public required IReadOnlyList<IJinjaStatement> Otherwise { get; init; }

    public LoopSignal Execute(TemplateScope scope) => Loop(scope, scope.Value(items), 0);

    private LoopSignal Loop(TemplateScope scope, object source, int depth)
    {
        if (Condition is not null)
            source = new GeneratorValue(Chosen(scope, TemplateSequences.Items(scope.Run, source)), "loop filter");
        var loop = new LoopValue(scope.Run, source, depth, IsRecursive ? Recurse : null);
        while (loop.Next() is { } item)
        {
            TemplateScope inner = scope.Inner();
            inner.Set("loop", loop);
            target.Assign(inner, item);
            if (inner.Execute(Body) == LoopSignal.Break)
                break;
        }
        return loop.Index == 0 ? scope.Inner().Execute(Otherwise) : LoopSignal.None;

        string Recurse(object inside, int level) => scope.Run.Capture(() => Loop(scope, inside, level));
    }

    private IEnumerable<object> Chosen(TemplateScope scope, IEnumerable<object> candidates)
    {
        foreach (object item in candidates)
        {
            TemplateScope inner = scope.Inner();
            target.Assign(inner, item);
            if (PythonOperators.IsTrue(scope.Run, inner.Value(Condition!)))
                yield return item;
        }
    }
}

/// <summary>break, continue</summary>
internal sealed class LoopControlStatement(int line, LoopSignal signal) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope) => signal;
}

/// <summary>set target = value</summary>
internal sealed class SetStatement(int line, IAssignmentTarget target, IJinjaExpression value) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        target.Assign(scope, scope.Value(value));
        return LoopSignal.None;
    }
}

/// <summary>set target … endset: what the body writes.</summary>
internal sealed class SetBlockStatement(
    int line, IAssignmentTarget target, IReadOnlyList<FilterCall> filters, IReadOnlyList<IJinjaStatement> body) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        var signal = LoopSignal.None;
        object text = scope.Run.Capture(() => signal = scope.Inner().Execute(body));
        if (signal == LoopSignal.None)
            target.Assign(scope, filters.Aggregate(text, (value, filter) => filter.Apply(scope, value)));
        return signal;
    }
}

/// <summary>filter name … endfilter</summary>
internal sealed class FilterStatement(int line, IReadOnlyList<FilterCall> filters, IReadOnlyList<IJinjaStatement> body) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        var signal = LoopSignal.None;
        object text = scope.Run.Capture(() => signal = scope.Inner().Execute(body));
        if (signal == LoopSignal.None)
            scope.Run.Write(PythonText.Of(scope.Run, filters.Aggregate(text, (value, filter) => filter.Apply(scope, value))));
        return signal;
    }
}

/// <summary>with name = value … endwith</summary>
internal sealed class WithStatement(
    int line, IReadOnlyList<(IAssignmentTarget Target, IJinjaExpression Value)> variables, IReadOnlyList<IJinjaStatement> body)
    : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        TemplateScope inner = scope.Inner();
        foreach ((IAssignmentTarget target, IJinjaExpression value) in variables)
            target.Assign(inner, scope.Value(value)); // the values do not see each other
        return inner.Execute(body);
    }
}

/// <summary>macro name(parameters) … endmacro</summary>
internal sealed class MacroStatement(int line, MacroDefinition definition) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        scope.Set(definition.Name, new MacroValue(definition, scope));
        return LoopSignal.None;
    }
}

/// <summary>call(parameters) macro(arguments) … endcall: the body is the macro's <c>caller</c>.</summary>
internal sealed class CallStatement(int line, CallExpression call, MacroDefinition body) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        scope.Run.Write(PythonText.Of(scope.Run, call.Call(scope, new MacroValue(body, scope))));
        return LoopSignal.None;
    }
}

/// <summary>generation … endgeneration: what a model has to say, noted as a span.</summary>
internal sealed class GenerationStatement(int line, IReadOnlyList<IJinjaStatement> body) : IJinjaStatement
{
    public int Line => line;

    public LoopSignal Execute(TemplateScope scope)
    {
        scope.Run.WriteGeneration(scope.Run.Capture(() => scope.Inner().Execute(body)));
        return LoopSignal.None;
    }
}
