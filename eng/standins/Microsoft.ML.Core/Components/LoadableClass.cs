using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>How instances of a loadable class are made: a constructor or a static Create method, with or without environment.</summary>
internal sealed class LoadableClass
{
    private const BindingFlags AnyInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.FlattenHierarchy;

    private readonly MethodBase _maker;
    private readonly bool _wantsEnvironment;

    private LoadableClass(LoadableClassAttributeBase attribute, MethodBase maker, bool wantsEnvironment)
    {
        Attribute = attribute;
        _maker = maker;
        _wantsEnvironment = wantsEnvironment;
    }

    public LoadableClassAttributeBase Attribute { get; }

    /// <summary>The class, or null when it has neither constructor nor Create method with the parameters of its signature.</summary>
    public static LoadableClass FindOrNull(LoadableClassAttributeBase attribute)
    {
        Type[] plain = attribute.CtorTypes;
        Type[] withEnvironment = [typeof(IHostEnvironment), .. plain];
        MethodBase constructor = Constructor(attribute, plain);
        bool constructorWantsEnvironment = constructor is null && (constructor = Constructor(attribute, withEnvironment)) is not null;
        MethodBase create = CreateMethod(attribute, plain);
        bool createWantsEnvironment = create is null && (create = CreateMethod(attribute, withEnvironment)) is not null;
        if (constructor is not null && create is not null)
        {
            if (Openness(constructor) == Openness(create))
            {
                throw Fail.State($"Can't load type {attribute.InstanceType}, because it has both create and constructor methods with the same visibility. " +
                    "Please indicate which one should be used by changing either the signature or the visibility of one of them.");
            }
            if (Openness(constructor) > Openness(create))
                create = null;
        }
        return create is not null ? new LoadableClass(attribute, create, createWantsEnvironment)
            : constructor is not null ? new LoadableClass(attribute, constructor, constructorWantsEnvironment)
            : null;
    }

    public object CreateInstance(IHostEnvironment env, object[] arguments)
    {
        object[] all = _wantsEnvironment ? [env, .. arguments] : arguments;
        try
        {
            return _maker is ConstructorInfo constructor ? constructor.Invoke(all) : _maker.Invoke(null, all);
        }
        catch (TargetInvocationException exception) when (exception.InnerException is Exception inner && Fail.IsMarked(inner))
        {
            throw Fail.State("Error during class instantiation", exception);
        }
    }

    private static ConstructorInfo Constructor(LoadableClassAttributeBase attribute, Type[] parameters) =>
        attribute.InstanceType.IsAssignableFrom(attribute.LoaderType) ? attribute.LoaderType.GetConstructor(AnyInstance, null, parameters, null) : null;

    private static MethodInfo CreateMethod(LoadableClassAttributeBase attribute, Type[] parameters)
    {
        MethodInfo method = attribute.LoaderType.GetMethod("Create", AnyStatic, null, parameters, null);
        bool fits = method is not null && method.DeclaringType == attribute.LoaderType && method.ReturnType == attribute.InstanceType;
        return fits ? method : null;
    }

    private static int Openness(MethodBase method) =>
        method.IsPublic ? 5 : method.IsAssembly ? 4 : method.IsFamilyOrAssembly ? 3 : method.IsFamily ? 2 : method.IsPrivate ? 1 : 0;
}
