namespace Microsoft.ML.Trl.Templates;

/// <summary>Variables of a block; those of the blocks around it can be read, not set.</summary>
internal sealed class TemplateScope(Rendering run, TemplateScope? parent = null)
{
    private Dictionary<string, object>? _variables;

    public Rendering Run => run;

    /// <summary>A scope inside this one.</summary>
    public TemplateScope Inner() => new(run, this);

    public void Set(string name, object value) => (_variables ??= [])[name] = value;

    /// <summary>A variable's value, undefined where there is none.</summary>
    public object Get(string name)
    {
        for (TemplateScope? scope = this; scope is not null; scope = scope.Outer)
            if (scope._variables is { } variables && variables.TryGetValue(name, out object? value))
                return value;
        return run.Globals.TryGetValue(name, out object? global) ? global : UndefinedValue.Variable(name);
    }

    /// <summary>Value of an expression.</summary>
    public object Value(IJinjaExpression expression)
    {
        run.Enter(expression.Line);
        object value = expression.Evaluate(this);
        run.Leave();
        return value;
    }

    /// <summary>Executes statements until one of them leaves a loop or goes on with its next round.</summary>
    public LoopSignal Execute(IReadOnlyList<IJinjaStatement> statements)
    {
        foreach (IJinjaStatement statement in statements)
        {
            run.Enter(statement.Line);
            LoopSignal signal = statement.Execute(this);
            run.Leave();
            if (signal != LoopSignal.None)
                return signal;
        }
        return LoopSignal.None;
    }

    private TemplateScope? Outer => parent;
}

/// <summary>Whether a statement ends the loop around it, or one of its rounds.</summary>
internal enum LoopSignal
{
    None,
    Break,
    Continue,
}

/// <summary>A node of the syntax tree that has a value.</summary>
internal interface IJinjaExpression
{
    int Line { get; }

    object Evaluate(TemplateScope scope);
}

/// <summary>A node of the syntax tree that writes or sets something.</summary>
internal interface IJinjaStatement
{
    int Line { get; }

    LoopSignal Execute(TemplateScope scope);
}
