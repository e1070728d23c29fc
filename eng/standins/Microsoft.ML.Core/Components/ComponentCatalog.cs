using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The loadable classes and extensions that an environment knows.</summary>
public sealed class ComponentCatalog
{
    private readonly object _lock = new();
    private readonly HashSet<string> _assemblies = [];
    private readonly Dictionary<(string Name, Type Signature), LoadableClass> _classes = [];
    private readonly Dictionary<(Type Attribute, string Contract), Type> _extensions = [];

    internal ComponentCatalog()
    {
    }

    /// <summary>Adds what the attributes of an assembly announce; a second call with the same assembly does nothing.</summary>
    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        lock (_lock)
        {
            if (!_assemblies.Add(assembly.FullName))
                return;
            foreach (LoadableClassAttributeBase attribute in assembly.GetCustomAttributes(typeof(LoadableClassAttributeBase)))
                AddClass(attribute, throwOnError);
            AddExtensions(assembly, throwOnError);
        }
    }

    internal static bool TryCreateInstance<TResult, TSignature>(IHostEnvironment env, out TResult result, string name, string options, params object[] extra)
        where TResult : class
    {
        Guard.NotNull(env, nameof(env));
        ComponentCatalog catalog = env.ComponentCatalog;
        LoadableClass found;
        lock (catalog._lock)
            catalog._classes.TryGetValue((Key(name), typeof(TSignature)), out found);
        if (found is null)
        {
            result = null;
            return false;
        }
        LoadableClassAttributeBase attribute = found.Attribute;
        if (!typeof(TResult).IsAssignableFrom(attribute.InstanceType))
            throw Fail.State($"Loadable class '{name}' does not derive from '{typeof(TResult).FullName}'", context: env);
        if (attribute.ArgType is not null)
            throw Fail.NotSupported($"Loadable class '{name}' takes arguments of type {attribute.ArgType}.", env);
        if (attribute.CtorTypes.Length != extra.Length)
        {
            throw Fail.State(
                $"Wrong number of extra parameters for loadable class '{name}', need '{attribute.CtorTypes.Length}', given '{extra.Length}'", context: env);
        }
        Guard.That(string.IsNullOrEmpty(options), $"Loadable class '{name}' doesn't support settings", env);
        result = (TResult)found.CreateInstance(env, extra);
        return true;
    }

    internal object GetExtensionValue(IHostEnvironment env, Type attributeType, string contractName)
    {
        Type extension;
        lock (_lock)
            _extensions.TryGetValue((attributeType, contractName), out extension);
        object value = extension is null ? null : Activator.CreateInstance(extension);
        return value ?? throw Fail.State(
            $"Unable to locate an extension for the contract '{contractName}'. Ensure you have called ComponentCatalog.RegisterAssembly " +
            $"with the Assembly that contains a class decorated with a '{attributeType.FullName}'.", context: env);
    }

    private static string Key(string name) => (name ?? "").ToLowerInvariant().Trim();

    private void AddClass(LoadableClassAttributeBase attribute, bool throwOnError)
    {
        LoadableClass loadable = LoadableClass.FindOrNull(attribute);
        if (loadable is null && attribute.InstanceType != typeof(void))
        {
            if (throwOnError)
                throw Fail.State($"Can't instantiate loadable class '{attribute.InstanceType.Name}' with name '{attribute.LoadNames[0]}'");
            return;
        }
        foreach (Type signature in attribute.SigTypes)
        {
            foreach (string name in attribute.LoadNames)
            {
                if (_classes.TryAdd((name.ToLowerInvariant(), signature), loadable) || !throwOnError)
                    continue;
                string present = _classes[(name.ToLowerInvariant(), signature)].Attribute.InstanceType.Name;
                throw Fail.State($"ComponentCatalog cannot map name '{name}' and SignatureType '{signature}' to {attribute.InstanceType.Name}, already mapped to {present}.");
            }
        }
    }

    private void AddExtensions(Assembly assembly, bool throwOnError)
    {
        if (IsOwnAssembly(assembly))
            return;
        foreach (Type type in assembly.GetTypes().Where(type => type.IsClass))
        {
            foreach (ExtensionBaseAttribute attribute in type.GetCustomAttributes<ExtensionBaseAttribute>())
            {
                if (!_extensions.TryAdd((attribute.GetType(), attribute.ContractName), type) && throwOnError)
                {
                    throw Fail.State($"An extension for '{attribute.GetType().Name}' with contract '{attribute.ContractName}' " +
                        "has already been registered in the ComponentCatalog.");
                }
            }
        }
    }

    /// <summary>ML.NET's own assemblies hold no extensions. Their names tell, since a stand-in is not signed.</summary>
    private static bool IsOwnAssembly(Assembly assembly) =>
        assembly.GetName().Name is "Microsoft.ML.Core" or "Microsoft.ML.Data" or "Microsoft.ML.Transforms";
}
