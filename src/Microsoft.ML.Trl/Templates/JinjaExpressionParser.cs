using System.Globalization;

namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// Parses expressions with Jinja's precedence, from loose to tight: if, or, and, not, comparison, + and -, ~, * / // %, **, sign.
/// </summary>
internal sealed class JinjaExpressionParser(JinjaTokenStream tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private readonly JinjaPostfixParser _postfix = new(tokens);

    /// <summary>One expression.</summary>
    /// <param name="withCondition">Whether <c>a if b else c</c> may be one.</param>
    public IJinjaExpression Parse(bool withCondition = true)
    {
        tokens.Enter();
        IJinjaExpression expression = ParseOr();
        while (withCondition && tokens.IsName("if"))
            expression = ParseCondition(expression);
        tokens.Leave();
        return expression;
    }

    /// <summary>One expression, or several with commas, which are a tuple.</summary>
    /// <param name="withCondition">Whether <c>a if b else c</c> may be one.</param>
    /// <param name="end">A name that ends the tuple.</param>
    /// <param name="mayBeEmpty">Whether nothing at all is the empty tuple, as in "()".</param>
    public IJinjaExpression ParseTuple(bool withCondition = true, string? end = null, bool mayBeEmpty = false)
    {
        int line = tokens.Line;
        var items = new List<IJinjaExpression>();
        bool isTuple = false;
        while (!IsTupleEnd(end))
        {
            items.Add(Parse(withCondition));
            if (!tokens.SkipOperator(","))
                break;
            isTuple = true;
        }
        if (!isTuple && items.Count == 1)
            return items[0];
        if (!isTuple && !mayBeEmpty)
            throw tokens.Unexpected("an expression");
        return new TupleExpression(line, items);
    }

    private bool IsTupleEnd(string? end) => tokens.Is(JinjaTokenKind.VariableEnd) || tokens.Is(JinjaTokenKind.BlockEnd)
        || tokens.IsOperator(")") || (end is not null && tokens.IsName(end));

    private ConditionalExpression ParseCondition(IJinjaExpression chosen)
    {
        int line = tokens.Line;
        tokens.ExpectName("if");
        tokens.Conditions++;
        IJinjaExpression condition = ParseOr();
        IJinjaExpression? other = tokens.SkipName("else") ? Parse() : null;
        tokens.Conditions--;
        return new ConditionalExpression(line, condition, chosen, other);
    }

    private IJinjaExpression ParseOr()
    {
        IJinjaExpression left = ParseAnd();
        for (int line = tokens.Line; tokens.SkipName("or"); line = tokens.Line)
            left = new LogicExpression(line, isAnd: false, left, ParseAnd());
        return left;
    }

    private IJinjaExpression ParseAnd()
    {
        IJinjaExpression left = ParseNot();
        for (int line = tokens.Line; tokens.SkipName("and"); line = tokens.Line)
            left = new LogicExpression(line, isAnd: true, left, ParseNot());
        return left;
    }

    private IJinjaExpression ParseNot()
    {
        int line = tokens.Line;
        if (!tokens.SkipName("not"))
            return ParseComparison();
        tokens.Enter();
        var not = new NotExpression(line, ParseNot());
        tokens.Leave();
        return not;
    }

    private IJinjaExpression ParseComparison()
    {
        int line = tokens.Line;
        IJinjaExpression first = ParseSum();
        var others = new List<(string, IJinjaExpression)>();
        while (ComparisonSign() is { } sign)
            others.Add((sign, ParseSum()));
        return others.Count == 0 ? first : new ComparisonExpression(line, first, others);
    }

    private string? ComparisonSign()
    {
        if (tokens.Is(JinjaTokenKind.Operator) && Comparisons.Contains(tokens.Current.Value))
            return tokens.Next().Value;
        if (tokens.SkipName("in"))
            return "in";
        if (!tokens.IsName("not") || tokens.Following is not { Kind: JinjaTokenKind.Name, Value: "in" })
            return null;
        tokens.Next();
        tokens.Next();
        return "not in";
    }

    private IJinjaExpression ParseSum() => ParseChain(ParseConcatenation, "+", "-");

    private IJinjaExpression ParseConcatenation()
    {
        int line = tokens.Line;
        var parts = new List<IJinjaExpression> { ParseProduct() };
        while (tokens.SkipOperator("~"))
            parts.Add(ParseProduct());
        return parts.Count == 1 ? parts[0] : new ConcatenationExpression(line, parts);
    }

    private IJinjaExpression ParseProduct() => ParseChain(ParsePower, "*", "/", "//", "%");

    private IJinjaExpression ParsePower() => ParseChain(() => ParseSigned(withFilters: true), "**");

    private IJinjaExpression ParseChain(Func<IJinjaExpression> operand, params string[] signs)
    {
        IJinjaExpression left = operand();
        while (tokens.Is(JinjaTokenKind.Operator) && signs.Contains(tokens.Current.Value))
        {
            int line = tokens.Line;
            string sign = tokens.Next().Value;
            left = new ArithmeticExpression(line, sign, left, operand());
        }
        return left;
    }

    private IJinjaExpression ParseSigned(bool withFilters)
    {
        int line = tokens.Line;
        IJinjaExpression value;
        if (tokens.IsOperator("-") || tokens.IsOperator("+"))
        {
            string sign = tokens.Next().Value;
            tokens.Enter();
            value = new UnaryExpression(line, sign, ParseSigned(withFilters: false));
            tokens.Leave();
        }
        else
        {
            value = ParsePrimary();
        }
        value = _postfix.ParsePostfix(this, value);
        return withFilters ? _postfix.ParseFilters(this, value) : value;
    }

    /// <summary>A name, a literal, or something in brackets.</summary>
    public IJinjaExpression ParsePrimary()
    {
        int line = tokens.Line;
        if (tokens.SkipOperator("("))
        {
            tokens.Enter();
            IJinjaExpression inner = ParseTuple(mayBeEmpty: true);
            tokens.ExpectOperator(")");
            tokens.Leave();
            return inner;
        }
        if (tokens.SkipOperator("["))
            return ParseList(line);
        if (tokens.SkipOperator("{"))
            return ParseDict(line);
        JinjaToken token = tokens.Current;
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                return ParseName(line);
            case JinjaTokenKind.Text:
                return ParseText(line);
            case JinjaTokenKind.Integer:
                tokens.Next();
                return new ConstantExpression(line, PythonNumbers.ParseInteger(token.Value, 0)
                    ?? PythonNumbers.ParseInteger(token.Value)
                    ?? throw tokens.Source.Damaged(token.Offset, "expected a whole number of at most 4,300 digits"));
            case JinjaTokenKind.Float:
                tokens.Next();
                return new ConstantExpression(line, double.Parse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture));
            default:
                throw tokens.Unexpected("a value");
        }
    }

    private IJinjaExpression ParseName(int line)
    {
        string name = tokens.Next().Value;
        if (name is "true" or "True" or "false" or "False")
            return new ConstantExpression(line, name is "true" or "True");
        if (name is "none" or "None")
            return new ConstantExpression(line, NoneValue.Instance);
        tokens.AddName(name);
        return new NameExpression(line, name);
    }

    // literals that stand side by side are one
    private ConstantExpression ParseText(int line)
    {
        var parts = new List<string>();
        while (tokens.Is(JinjaTokenKind.Text))
            parts.Add(tokens.Next().Value);
        return new ConstantExpression(line, string.Concat(parts));
    }

    private ListExpression ParseList(int line)
    {
        var items = new List<IJinjaExpression>();
        while (!tokens.SkipOperator("]"))
        {
            items.Add(Parse());
            if (!tokens.IsOperator("]"))
                tokens.ExpectOperator(",");
        }
        return new ListExpression(line, items);
    }

    private DictExpression ParseDict(int line)
    {
        var entries = new List<(IJinjaExpression, IJinjaExpression)>();
        while (!tokens.SkipOperator("}"))
        {
            IJinjaExpression key = Parse();
            tokens.ExpectOperator(":");
            entries.Add((key, Parse()));
            if (!tokens.IsOperator("}"))
                tokens.ExpectOperator(",");
        }
        return new DictExpression(line, entries);
    }
}
