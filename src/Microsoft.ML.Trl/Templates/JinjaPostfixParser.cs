namespace Microsoft.ML.Trl.Templates;

/// <summary>Parses what stands behind a value: attributes, elements, calls, filters and tests.</summary>
internal sealed class JinjaPostfixParser(JinjaTokenStream tokens)
{
    /// <summary>.name, [key], (arguments)</summary>
    public IJinjaExpression ParsePostfix(JinjaExpressionParser parser, IJinjaExpression value)
    {
        while (true)
        {
            int line = tokens.Line;
            if (tokens.SkipOperator("."))
                value = ParseAttribute(line, value);
            else if (tokens.SkipOperator("["))
                value = ParseElement(parser, line, value);
            else if (tokens.IsOperator("("))
                value = new CallExpression(line, value, ParseArguments(parser));
            else
                return value;
        }
    }

    /// <summary>|filter, is test, (arguments)</summary>
    public IJinjaExpression ParseFilters(JinjaExpressionParser parser, IJinjaExpression value)
    {
        while (true)
        {
            int line = tokens.Line;
            if (tokens.SkipOperator("|"))
                value = new FilterExpression(value, ParseFilter(parser));
            else if (tokens.SkipName("is"))
                value = ParseTest(parser, line, value);
            else if (tokens.IsOperator("("))
                value = new CallExpression(line, value, ParseArguments(parser));
            else
                return value;
        }
    }

    private IJinjaExpression ParseAttribute(int line, IJinjaExpression owner)
    {
        if (tokens.Is(JinjaTokenKind.Integer))
            return new ElementExpression(line, owner, new ConstantExpression(
                line, PythonNumbers.ParseInteger(tokens.Next().Value) ?? throw tokens.Unexpected("a smaller number")));
        return new AttributeExpression(line, owner, tokens.Expect(JinjaTokenKind.Name, "a name or a number behind the point").Value);
    }

    private IJinjaExpression ParseElement(JinjaExpressionParser parser, int line, IJinjaExpression owner)
    {
        IJinjaExpression? start = tokens.IsOperator(":") ? null : parser.Parse();
        if (start is not null && tokens.IsOperator(","))
        {
            var keys = new List<IJinjaExpression> { start };
            while (tokens.SkipOperator(","))
                keys.Add(parser.Parse());
            start = new TupleExpression(line, keys);
        }
        if (!tokens.SkipOperator(":"))
        {
            tokens.ExpectOperator("]");
            return new ElementExpression(line, owner, start!);
        }
        IJinjaExpression? stop = tokens.IsOperator(":") || tokens.IsOperator("]") ? null : parser.Parse();
        IJinjaExpression? step = tokens.SkipOperator(":") && !tokens.IsOperator("]") ? parser.Parse() : null;
        tokens.ExpectOperator("]");
        return new SliceExpression(line, owner, start, stop, step);
    }

    /// <summary>The brackets of a call.</summary>
    public ArgumentList ParseArguments(JinjaExpressionParser parser)
    {
        tokens.ExpectOperator("(");
        tokens.Enter();
        var positional = new List<IJinjaExpression>();
        var named = new List<(string, IJinjaExpression)>();
        IJinjaExpression? morePositional = null, moreNamed = null;
        while (!tokens.SkipOperator(")"))
        {
            if (moreNamed is null && tokens.SkipOperator("**"))
                moreNamed = parser.Parse();
            else if (morePositional is null && moreNamed is null && tokens.SkipOperator("*"))
                morePositional = parser.Parse();
            else if (moreNamed is null && IsKeyword())
                named.Add((ParseKeyword(), parser.Parse()));
            else if (morePositional is null && moreNamed is null && named.Count == 0)
                positional.Add(parser.Parse());
            else
                throw tokens.Unexpected("')', or a name with '=': behind named arguments there can be no others");
            if (!tokens.IsOperator(")"))
                tokens.ExpectOperator(",");
        }
        tokens.Leave();
        return new ArgumentList(positional, named, morePositional, moreNamed);
    }

    private bool IsKeyword()
        => tokens.Is(JinjaTokenKind.Name) && tokens.Following is { Kind: JinjaTokenKind.Operator, Value: "=" };

    private string ParseKeyword()
    {
        string name = tokens.Next().Value;
        tokens.ExpectOperator("=");
        return name;
    }

    /// <summary>A filter's name and its arguments.</summary>
    public FilterCall ParseFilter(JinjaExpressionParser parser)
    {
        int line = tokens.Line, offset = tokens.Current.Offset;
        string name = ParseDottedName("the name of a filter");
        if (JinjaFilters.IsMissing(name))
            throw tokens.Source.Unsupported(offset, $"the filter '{name}'");
        if (JinjaFilters.Find(name) is null && tokens.Conditions == 0)
            throw tokens.Source.Damaged(offset, $"expected the name of one of Jinja's filters, found '{name}'");
        return new FilterCall(line, name, tokens.IsOperator("(") ? ParseArguments(parser) : ArgumentList.Empty);
    }

    private IJinjaExpression ParseTest(JinjaExpressionParser parser, int line, IJinjaExpression value)
    {
        bool isNegated = tokens.SkipName("not");
        int offset = tokens.Current.Offset;
        string name = ParseDottedName("the name of a test");
        if (!JinjaTests.IsKnown(name) && tokens.Conditions == 0)
            throw tokens.Source.Damaged(offset, $"expected the name of one of Jinja's tests, found '{name}'");
        ArgumentList arguments = ArgumentList.Empty;
        if (tokens.IsOperator("("))
            arguments = ParseArguments(parser);
        else if (IsTestArgument())
            arguments = new ArgumentList([ParsePostfix(parser, parser.ParsePrimary())], [], null, null);
        var test = new TestExpression(line, value, name, arguments);
        return isNegated ? new NotExpression(line, test) : test;
    }

    private bool IsTestArgument()
    {
        if (tokens.IsName("is"))
            throw tokens.Unexpected("one test only: tests cannot be chained with 'is'");
        if (tokens.Is(JinjaTokenKind.Name))
            return !(tokens.IsName("else") || tokens.IsName("or") || tokens.IsName("and"));
        return tokens.Is(JinjaTokenKind.Text) || tokens.Is(JinjaTokenKind.Integer) || tokens.Is(JinjaTokenKind.Float)
            || tokens.IsOperator("[") || tokens.IsOperator("{");
    }

    private string ParseDottedName(string what)
    {
        string name = tokens.Expect(JinjaTokenKind.Name, what).Value;
        while (tokens.SkipOperator("."))
            name += "." + tokens.Expect(JinjaTokenKind.Name, what).Value;
        return name;
    }
}
