namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's filters that apply a filter or a test to each item. They compute while they are iterated.</summary>
internal static class SelectionFilters
{
    public static object Map(Rendering run, object value, CallArguments call)
        => new GeneratorValue(Mapped(run, value, call), "sync_do_map");

    private static IEnumerable<object> Mapped(Rendering run, object value, CallArguments call)
    {
        if (!PythonOperators.IsTrue(run, value))
            yield break;
        Func<object, object> map = Mapping(run, call);
        foreach (object item in TemplateSequences.Items(run, value))
            yield return map(item);
    }

    private static Func<object, object> Mapping(Rendering run, CallArguments call)
    {
        if (call.Positional.Count == 0 && call.Find("attribute") is not null)
        {
            BoundArguments bound = call.Bind(run, "attribute", "default?");
            object? absent = bound[1] is NoneValue ? null : bound[1];
            return item => AttributePath.Get(run, item, bound[0]!, absent);
        }
        if (call.Positional.Count == 0)
            throw run.Error("map requires a filter argument");
        string name = Name(run, call.Positional[0]);
        CallArguments rest = call.Skip(1).For(name);
        return item => JinjaFilters.Apply(run, name, item, rest);
    }

    public static object Select(Rendering run, object value, CallArguments call, bool isKept)
        => new GeneratorValue(Selected(run, value, call, isKept, item => item), isKept ? "sync_do_select" : "sync_do_reject");

    public static object SelectAttribute(Rendering run, object value, CallArguments call, bool isKept)
    {
        if (call.Positional.Count == 0)
            throw run.Error("Missing parameter for attribute name");
        object path = call.Positional[0];
        return new GeneratorValue(
            Selected(run, value, call.Skip(1), isKept, item => AttributePath.Get(run, item, path)),
            isKept ? "sync_do_selectattr" : "sync_do_rejectattr");
    }

    private static IEnumerable<object> Selected(
        Rendering run, object value, CallArguments call, bool isKept, Func<object, object> tested)
    {
        if (!PythonOperators.IsTrue(run, value))
            yield break;
        string? name = call.Positional.Count > 0 ? Name(run, call.Positional[0]) : null;
        CallArguments rest = call.Skip(1).For(name ?? "");
        foreach (object item in TemplateSequences.Items(run, value))
        {
            object candidate = tested(item);
            bool holds = name is null ? PythonOperators.IsTrue(run, candidate) : JinjaTests.Holds(run, name, candidate, rest);
            if (holds == isKept)
                yield return item;
        }
    }

    private static string Name(Rendering run, object value)
        => PythonText.AsText(value) ?? throw run.Error($"the name of a filter or test must be a string, not {ValueTypes.NameOf(value)}");
}
