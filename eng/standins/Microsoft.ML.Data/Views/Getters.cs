using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Getters whose type is known only at run time.</summary>
internal static class Getters
{
    private static readonly MethodInfo OpenOf = typeof(Getters).GetMethod(nameof(TypedOf), BindingFlags.NonPublic | BindingFlags.Static);

    /// <summary>The getter as the type that the caller asked for, or the exception of a cursor asked for the wrong one.</summary>
    public static ValueGetter<TValue> Typed<TValue>(Delegate getter) =>
        getter as ValueGetter<TValue>
        ?? throw Fail.State($"Invalid TValue: '{typeof(TValue)}', expected type: '{getter.GetType().GetGenericArguments()[0]}'.");

    /// <summary>The getter of a column, as a <see cref="ValueGetter{TValue}"/> of its raw type.</summary>
    public static Delegate Of(DataViewRow row, DataViewSchema.Column column) =>
        (Delegate)Call(OpenOf, null, column.Type.RawType, row, column);

    /// <summary>Calls a generic method with a type argument known at run time; its exceptions come unwrapped.</summary>
    public static object Call(MethodInfo openMethod, object target, Type typeArgument, params object[] arguments) =>
        openMethod.MakeGenericMethod(typeArgument).Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private static ValueGetter<TValue> TypedOf<TValue>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<TValue>(column);
}
