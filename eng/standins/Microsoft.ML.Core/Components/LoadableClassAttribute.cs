namespace Microsoft.ML;

/// <summary>Signature of the loaders of saved models.</summary>
internal delegate void SignatureLoadModel(ModelLoadContext ctx);

/// <summary>Tells the catalog which class makes the instances of a name.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(null, instType, loaderType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(string summary, Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(summary, instType, loaderType, argType, [sigType], userName, loadNames)
    {
    }
}

/// <summary>What a loadable class is, checked.</summary>
internal abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(string summary, Type instType, Type loaderType, Type argType, Type[] sigTypes, string userName, params string[] loadNames)
    {
        Guard.NotNull(instType, nameof(instType));
        Guard.NotNull(loaderType, nameof(loaderType));
        Guard.NotEmpty(sigTypes, nameof(sigTypes));
        LoadNames = loadNames is null || loadNames.Length == 0 ? [userName] : loadNames;
        Guard.Argument(!LoadNames.Any(string.IsNullOrWhiteSpace), nameof(loadNames), "LoadableClass loadName parameter can't be empty");
        Type[] parameters = ParametersOf(sigTypes[0]);
        CtorTypes = argType is null ? parameters : [argType, .. parameters];
        InstanceType = instType;
        LoaderType = loaderType;
        ArgType = argType;
        SigTypes = sigTypes;
        Summary = summary;
        UserName = userName;
    }

    public Type InstanceType { get; }

    public Type LoaderType { get; }

    public Type ArgType { get; }

    public Type[] SigTypes { get; }

    public Type[] CtorTypes { get; }

    public string Summary { get; }

    public string UserName { get; }

    public string[] LoadNames { get; }

    private static Type[] ParametersOf(Type signature)
    {
        Guard.NotNull(signature, "sigTypes");
        Guard.Argument(signature.BaseType == typeof(MulticastDelegate), "sigTypes", "LoadableClass signature type must be a delegate type");
        System.Reflection.MethodInfo invoke = signature.GetMethod("Invoke");
        Guard.Argument(invoke.ReturnType == typeof(void), "sigTypes", "LoadableClass signature type must be a delegate type with void return");
        return [.. invoke.GetParameters().Select(parameter => parameter.ParameterType)];
    }
}
