namespace Microsoft.ML.Trl.Templates;

/// <summary>A literal.</summary>
internal sealed class ConstantExpression(int line, object value) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => value;
}

/// <summary>A variable.</summary>
internal sealed class NameExpression(int line, string name) : IJinjaExpression
{
    public int Line => line;

    public string Name => name;

    public object Evaluate(TemplateScope scope) => scope.Get(name);
}

/// <summary>(a, b)</summary>
internal sealed class TupleExpression(int line, IReadOnlyList<IJinjaExpression> items) : IJinjaExpression
{
    public int Line => line;

    public IReadOnlyList<IJinjaExpression> Items => items;

    public object Evaluate(TemplateScope scope) => new TupleValue([.. items.Select(scope.Value)]);
}

/// <summary>[a, b]</summary>
internal sealed class ListExpression(int line, IReadOnlyList<IJinjaExpression> items) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => new ListValue([.. items.Select(scope.Value)]);
}

/// <summary>{a: b}</summary>
internal sealed class DictExpression(int line, IReadOnlyList<(IJinjaExpression Key, IJinjaExpression Value)> entries) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        var dict = new DictValue();
        foreach ((IJinjaExpression key, IJinjaExpression value) in entries)
            dict.Set(PythonOperators.CheckKey(scope.Run, scope.Value(key)), scope.Value(value));
        return dict;
    }
}

/// <summary>owner.name</summary>
internal sealed class AttributeExpression(int line, IJinjaExpression owner, string name) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => ValueAttributes.Attribute(scope.Run, scope.Value(owner), name);
}

/// <summary>owner[key]</summary>
internal sealed class ElementExpression(int line, IJinjaExpression owner, IJinjaExpression key) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => ValueAttributes.Element(scope.Run, scope.Value(owner), scope.Value(key));
}

/// <summary>owner[start:stop:step]; parts that are not there are null.</summary>
internal sealed class SliceExpression(
    int line, IJinjaExpression owner, IJinjaExpression? start, IJinjaExpression? stop, IJinjaExpression? step) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        object value = scope.Value(owner);
        if (value is UndefinedValue undefined)
            throw scope.Run.Error(undefined.Message);
        return TemplateSequences.Slice(scope.Run, value, Part(scope, start), Part(scope, stop), Part(scope, step))
            ?? throw scope.Run.Error($"'{ValueTypes.NameOf(value)}' object has no slices");
    }

    private static object Part(TemplateScope scope, IJinjaExpression? part) => part is null ? NoneValue.Instance : scope.Value(part);
}

/// <summary>-value or +value</summary>
internal sealed class UnaryExpression(int line, string sign, IJinjaExpression operand) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => PythonArithmetic.Unary(scope.Run, sign, scope.Value(operand));
}

/// <summary>left + right, and the other operators of arithmetic</summary>
internal sealed class ArithmeticExpression(int line, string sign, IJinjaExpression left, IJinjaExpression right) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
        => PythonArithmetic.Apply(scope.Run, sign, scope.Value(left), scope.Value(right));
}

/// <summary>a ~ b ~ c: the texts of all of them.</summary>
internal sealed class ConcatenationExpression(int line, IReadOnlyList<IJinjaExpression> parts) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        var buffer = new TextBuffer(scope.Run);
        foreach (IJinjaExpression part in parts)
            buffer.Append(PythonText.Of(scope.Run, scope.Value(part)));
        return buffer.ToString();
    }
}

/// <summary>not operand</summary>
internal sealed class NotExpression(int line, IJinjaExpression operand) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope) => !PythonOperators.IsTrue(scope.Run, scope.Value(operand));
}

/// <summary>left and right, left or right: one of the two values; the right one is not computed needlessly.</summary>
internal sealed class LogicExpression(int line, bool isAnd, IJinjaExpression left, IJinjaExpression right) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        object value = scope.Value(left);
        return PythonOperators.IsTrue(scope.Run, value) == isAnd ? scope.Value(right) : value;
    }
}

/// <summary>a &lt; b &lt;= c, in, not in: every value is computed once, and none after the first that fails.</summary>
internal sealed class ComparisonExpression(
    int line, IJinjaExpression first, IReadOnlyList<(string Sign, IJinjaExpression Operand)> others) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        object left = scope.Value(first);
        foreach ((string sign, IJinjaExpression operand) in others)
        {
            object right = scope.Value(operand);
            if (!Holds(scope.Run, sign, left, right))
                return false;
            left = right;
        }
        return true;
    }

    private static bool Holds(Rendering run, string sign, object left, object right) => sign switch
    {
        "==" => PythonOperators.AreEqual(run, left, right),
        "!=" => !PythonOperators.AreEqual(run, left, right),
        "in" => PythonOperators.Contains(run, right, left),
        "not in" => !PythonOperators.Contains(run, right, left),
        "<" => PythonOperators.Compare(run, left, right, sign) is < 0,
        "<=" => PythonOperators.Compare(run, left, right, sign) is <= 0,
        ">" => PythonOperators.Compare(run, left, right, sign) is > 0,
        _ => PythonOperators.Compare(run, left, right, sign) is >= 0,
    };
}

/// <summary>chosen if condition else other</summary>
internal sealed class ConditionalExpression(
    int line, IJinjaExpression condition, IJinjaExpression chosen, IJinjaExpression? other) : IJinjaExpression
{
    public int Line => line;

    public object Evaluate(TemplateScope scope)
    {
        if (PythonOperators.IsTrue(scope.Run, scope.Value(condition)))
            return scope.Value(chosen);
        return other is not null ? scope.Value(other) : new UndefinedValue(
            $"the inline if-expression on line {line} evaluated to false and no else section was defined.");
    }
}
