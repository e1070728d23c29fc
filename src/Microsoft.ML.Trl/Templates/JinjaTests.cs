using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's tests: what may stand behind <c>is</c>, and in select and reject.</summary>
internal static class JinjaTests
{
    private static readonly Dictionary<string, Test> Tests = new()
    {
        ["defined"] = (_, value, _) => value is not UndefinedValue,
        ["undefined"] = (_, value, _) => value is UndefinedValue,
        ["none"] = (_, value, _) => value is NoneValue,
        ["boolean"] = (_, value, _) => value is bool,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["integer"] = (_, value, _) => value is BigInteger,
        ["float"] = (_, value, _) => value is double,
        ["number"] = (_, value, _) => PythonNumbers.IsNumber(value),
        ["string"] = (_, value, _) => PythonText.AsText(value) is not null,
        ["mapping"] = (_, value, _) => value is DictValue,
        ["iterable"] = (_, value, _) => TemplateSequences.IsIterable(value),
        ["sequence"] = (_, value, _) => PythonText.AsText(value) is not null
            || value is IReadOnlyList<object> or DictValue or GroupValue,
        ["callable"] = (_, value, _) => value is ICallableValue or UndefinedValue,
        ["escaped"] = (_, value, _) => value is MarkupValue,
        ["lower"] = (run, value, _) => IsAll(run, value, upper: false),
        ["upper"] = (run, value, _) => IsAll(run, value, upper: true),
        ["filter"] = (_, value, _) => PythonText.AsText(value) is { } name && JinjaFilters.Find(name) is not null,
        ["test"] = (_, value, _) => PythonText.AsText(value) is { } name && Tests!.ContainsKey(name),
        ["odd"] = (run, value, _) => Remainder(run, value, BigInteger.One + 1) is { } rest && PythonNumbers.AreEqual(rest, BigInteger.One),
        ["even"] = (run, value, _) => !PythonOperators.IsTrue(run, Remainder(run, value, BigInteger.One + 1)),
        ["divisibleby"] = (run, value, other) => !PythonOperators.IsTrue(run, Remainder(run, value, other!)),
        ["sameas"] = (_, value, other) => IsSame(value, other!),
        ["in"] = (run, value, other) => PythonOperators.Contains(run, other!, value),
        ["eq"] = (run, value, other) => PythonOperators.AreEqual(run, value, other!),
        ["ne"] = (run, value, other) => !PythonOperators.AreEqual(run, value, other!),
        ["gt"] = (run, value, other) => PythonOperators.Compare(run, value, other!, ">") is > 0,
        ["ge"] = (run, value, other) => PythonOperators.Compare(run, value, other!, ">=") is >= 0,
        ["lt"] = (run, value, other) => PythonOperators.Compare(run, value, other!, "<") is < 0,
        ["le"] = (run, value, other) => PythonOperators.Compare(run, value, other!, "<=") is <= 0,
    };

    private static readonly Dictionary<string, string> OtherNames = new()
    {
        ["=="] = "eq", ["equalto"] = "eq", ["!="] = "ne", [">"] = "gt", ["greaterthan"] = "gt", [">="] = "ge", ["<"] = "lt",
        ["lessthan"] = "lt", ["<="] = "le",
    };

    private static readonly HashSet<string> WithOperand = ["divisibleby", "sameas", "in", "eq", "ne", "gt", "ge", "lt", "le"];

    private delegate bool Test(Rendering run, object value, object? other);

    public static bool IsKnown(string name) => Tests.ContainsKey(OtherNames.GetValueOrDefault(name, name));

    /// <summary>Whether a value passes a test.</summary>
    /// <exception cref="ChatTemplateException">There is no such test, or it does not go with these arguments.</exception>
    public static bool Holds(Rendering run, string name, object value, CallArguments arguments)
    {
        string known = OtherNames.GetValueOrDefault(name, name);
        if (!Tests.TryGetValue(known, out Test? test))
            throw run.Error($"No test named '{name}'.");
        run.Step();
        return WithOperand.Contains(known)
            ? test(run, value, arguments.Bind(run, known == "divisibleby" ? "num" : "other")[0])
            : arguments.Bind(run) is not null && test(run, value, null);
    }

    private static bool IsAll(Rendering run, object value, bool upper)
    {
        string text = PythonText.Of(run, value);
        run.EachCharacter(text);
        return PythonCase.IsAll(text, upper);
    }

    private static object Remainder(Rendering run, object value, object divisor) => PythonText.AsText(value) is not null
        ? throw run.Error("not all arguments converted during string formatting")
        : PythonArithmetic.Apply(run, "%", value, divisor);

    private static bool IsSame(object value, object other)
        => ReferenceEquals(value, other) || (value is bool left && other is bool right && left == right)
        || (value is BigInteger small && other is BigInteger number && small == number && small >= -5 && small <= 256);
}
