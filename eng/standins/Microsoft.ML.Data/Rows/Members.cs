using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Compiled access to the members of row objects.</summary>
internal static class Members
{
    public static Func<TRow, TValue> Reader<TRow, TValue>(MemberInfo member)
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        return Expression.Lambda<Func<TRow, TValue>>(Expression.MakeMemberAccess(Typed(row, member), member), row).Compile();
    }

    public static Action<TRow, TValue> Writer<TRow, TValue>(MemberInfo member)
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        ParameterExpression value = Expression.Parameter(typeof(TValue));
        return Expression.Lambda<Action<TRow, TValue>>(Expression.Assign(Expression.MakeMemberAccess(Typed(row, member), member), value), row, value).Compile();
    }

    public static bool CanRead(MemberInfo member) => member is FieldInfo || ((PropertyInfo)member).GetGetMethod() is not null;

    public static bool CanWrite(MemberInfo member) => member is FieldInfo { IsInitOnly: false } || (member is PropertyInfo property && property.GetSetMethod() is not null);

    private static Expression Typed(ParameterExpression row, MemberInfo member) =>
        member.DeclaringType.IsAssignableFrom(row.Type) ? row : Expression.Convert(row, member.DeclaringType);
}
