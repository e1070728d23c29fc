using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Truth, equality, order and membership of values, as in Python.</summary>
internal static class PythonOperators
{
    public static bool IsTrue(Rendering run, object value) => value switch
    {
        bool flag => flag,
        NoneValue or UndefinedValue => false,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        string text => text.Length > 0,
        MarkupValue markup => markup.Text.Length > 0,
        _ => TemplateSequences.CountOf(run, value) is not 0,
    };

    public static bool AreEqual(Rendering run, object left, object right)
    {
        if (PythonNumbers.IsNumber(left) && PythonNumbers.IsNumber(right))
            return PythonNumbers.AreEqual(left, right);
        if (PythonText.AsText(left) is { } text)
        {
            if (PythonText.AsText(right) is not { } other)
                return false;
            run.Characters(Math.Min(text.Length, other.Length));
            return text == other;
        }
        run.Enter();
        bool areEqual = (left, right) switch
        {
            (UndefinedValue, UndefinedValue) => true,
            (DictValue a, DictValue b) => AreEqual(run, a, b),
            (ListValue a, ListValue b) => AreEqual(run, a, b),
            (GroupValue a, _) => AreEqual(run, a.Tuple, right),
            (_, GroupValue b) => AreEqual(run, left, b.Tuple),
            (TupleValue a, TupleValue b) => AreEqual(run, a, b),
            (RangeValue a, RangeValue b) => AreEqual(run, (IReadOnlyList<object>)a, b),
            _ => ReferenceEquals(left, right),
        };
        run.Leave();
        return areEqual;
    }

    private static bool AreEqual(Rendering run, IReadOnlyList<object> left, IReadOnlyList<object> right)
    {
        if (left.Count != right.Count)
            return false;
        for (int i = 0; i < left.Count; i++)
            if (!AreEqual(run, left[i], right[i]))
                return false;
        return true;
    }

    private static bool AreEqual(Rendering run, DictValue left, DictValue right)
    {
        if (left.Count != right.Count)
            return false;
        foreach ((object key, object value) in left.Pairs)
            if (right.Find(CheckKey(run, key)) is not { } other || !AreEqual(run, value, other))
                return false;
        return true;
    }

    /// <summary>Whether left comes before right.</summary>
    /// <exception cref="ChatTemplateException">There is no order between them.</exception>
    public static bool IsLess(Rendering run, object left, object right) => Compare(run, left, right, "<") is < 0;

    /// <summary>The order of two values; null where there is a number that is none.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="left">Left operand.</param>
    /// <param name="right">Right operand.</param>
    /// <param name="sign">The operator, for the message.</param>
    /// <exception cref="ChatTemplateException">There is no order between them.</exception>
    public static int? Compare(Rendering run, object left, object right, string sign)
    {
        if ((left as UndefinedValue ?? right as UndefinedValue) is { } undefined)
            throw run.Error(undefined.Message);
        if (PythonNumbers.IsNumber(left) && PythonNumbers.IsNumber(right))
            return PythonNumbers.Compare(left, right);
        if (PythonText.AsText(left) is { } text && PythonText.AsText(right) is { } other)
        {
            run.Characters(Math.Min(text.Length, other.Length));
            return CodePoints.Compare(text, other);
        }
        (left, right) = ((left as GroupValue)?.Tuple ?? left, (right as GroupValue)?.Tuple ?? right);
        if ((left, right) is not ((ListValue, ListValue) or (TupleValue, TupleValue)))
            throw run.Error(
                $"'{sign}' not supported between instances of '{ValueTypes.NameOf(left)}' and '{ValueTypes.NameOf(right)}'");
        run.Enter();
        int? order = Compare(run, (IReadOnlyList<object>)left, (IReadOnlyList<object>)right, sign);
        run.Leave();
        return order;
    }

    private static int? Compare(Rendering run, IReadOnlyList<object> left, IReadOnlyList<object> right, string sign)
    {
        for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
            if (!AreEqual(run, left[i], right[i]))
                return Compare(run, left[i], right[i], sign);
        return left.Count.CompareTo(right.Count);
    }

    /// <summary>Whether an item is in a text, list, dict, or what else can be iterated.</summary>
    public static bool Contains(Rendering run, object container, object item)
    {
        if (PythonText.AsText(container) is { } text)
        {
            string part = PythonText.AsText(item) ?? throw run.Error(item is UndefinedValue undefined
                ? undefined.Message
                : $"'in <string>' requires string as left operand, not {ValueTypes.NameOf(item)}");
            run.Characters(text.Length);
            return text.Contains(part, StringComparison.Ordinal);
        }
        if (container is DictView { Kind: "keys" } view)
            container = view.Dict;
        if (container is DictValue dict)
            return dict.Find(CheckKey(run, item)) is not null;
        foreach (object candidate in TemplateSequences.Items(run, container))
            if (AreEqual(run, candidate, item))
                return true;
        return false;
    }

    /// <summary>The value, if it may be a key of a dict.</summary>
    /// <exception cref="ChatTemplateException">It may not.</exception>
    public static object CheckKey(Rendering run, object key)
    {
        if (key is ListValue or DictValue)
            throw run.Error($"unhashable type: '{ValueTypes.NameOf(key)}'");
        if (PythonText.AsText(key) is { } text)
            run.Characters(text.Length);
        if (((key as GroupValue)?.Tuple ?? key) is TupleValue tuple)
        {
            run.Enter();
            foreach (object item in tuple)
                CheckKey(run, item);
            run.Leave();
        }
        return key;
    }
}
