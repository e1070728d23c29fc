namespace Microsoft.ML.Trl.Templates;

/// <summary>What a value can be assigned to.</summary>
internal interface IAssignmentTarget
{
    void Assign(TemplateScope scope, object value);
}

/// <summary>A variable of the scope.</summary>
internal sealed class NameTarget(string name) : IAssignmentTarget
{
    public void Assign(TemplateScope scope, object value) => scope.Set(name, value);
}

/// <summary>space.name</summary>
internal sealed class NamespaceTarget(string space, string name) : IAssignmentTarget
{
    public void Assign(TemplateScope scope, object value)
    {
        if (scope.Get(space) is not NamespaceValue known)
            throw scope.Run.Error($"cannot assign attribute on non-namespace object '{space}'");
        known.Attributes.Set(name, value);
    }
}

/// <summary>a, b: as many targets as the value has items.</summary>
internal sealed class TupleTarget(IReadOnlyList<IAssignmentTarget> targets) : IAssignmentTarget
{
    public void Assign(TemplateScope scope, object value)
    {
        if (value is UndefinedValue && targets.Count > 0)
            throw scope.Run.Error($"not enough values to unpack (expected {targets.Count}, got 0)");
        object[] items = [.. TemplateSequences.Items(scope.Run, value).Take(targets.Count + 1)];
        if (items.Length > targets.Count)
            throw scope.Run.Error($"too many values to unpack (expected {targets.Count})");
        if (items.Length < targets.Count)
            throw scope.Run.Error($"not enough values to unpack (expected {targets.Count}, got {items.Length})");
        for (int i = 0; i < items.Length; i++)
            targets[i].Assign(scope, items[i]);
    }
}
