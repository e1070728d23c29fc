using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>What Python calls the types of values, for messages.</summary>
internal static class ValueTypes
{
    /// <summary>The name of a value's type.</summary>
    public static string NameOf(object value) => value switch
    {
        NoneValue => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        string => "str",
        MarkupValue => "Markup",
        ListValue => "list",
        TupleValue => "tuple",
        GroupValue => "_GroupTuple",
        DictValue => "dict",
        RangeValue => "range",
        DictView view => "dict_" + view.Kind,
        GeneratorValue => "generator",
        UndefinedValue => "Undefined",
        NamespaceValue => "Namespace",
        MacroValue => "Macro",
        LoopValue => "LoopContext",
        FunctionValue => "builtin_function_or_method",
        CyclerValue => "Cycler",
        JoinerValue => "Joiner",
        _ => "object",
    };

    /// <summary>What Jinja calls the owner of an attribute that is not there.</summary>
    public static string Owner(object value) => value switch
    {
        NoneValue => "None",
        MarkupValue => "markupsafe.Markup object",
        NamespaceValue or CyclerValue or JoinerValue => $"jinja2.utils.{NameOf(value)} object",
        MacroValue or LoopValue => $"jinja2.runtime.{NameOf(value)} object",
        GroupValue => "jinja2.filters._GroupTuple object",
        _ => $"{NameOf(value)} object",
    };
}
