namespace Microsoft.ML.Trl.Templates;

/// <summary>Parses the tags of a template into statements.</summary>
internal sealed class JinjaParser
{
    private static readonly HashSet<string> Unsupported =
    [
        "autoescape", "block", "debug", "do", "extends", "from", "import", "include", "trans",
    ];

    private readonly JinjaTokenStream _tokens;
    private readonly JinjaExpressionParser _expressions;
    private readonly JinjaPostfixParser _postfix;
    private int _loops;
    private bool _marksGeneration;

    private JinjaParser(JinjaTokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new JinjaExpressionParser(tokens);
        _postfix = new JinjaPostfixParser(tokens);
    }

    /// <exception cref="InvalidDataException">It is no template.</exception>
    /// <exception cref="NotSupportedException">It uses something of Jinja that this interpreter lacks.</exception>
    public static (IReadOnlyList<IJinjaStatement> Statements, bool MarksGeneration) Parse(TemplateSource source)
    {
        var parser = new JinjaParser(new JinjaTokenStream(source, JinjaLexer.Read(source)));
        List<IJinjaStatement> statements = parser.ParseUntil([]);
        return (statements, parser._marksGeneration);
    }

    // Statements up to a tag of one of these names; the name is the current token then, or the end where there are no names.
    private List<IJinjaStatement> ParseUntil(string[] ends)
    {
        _tokens.Enter();
        var statements = new List<IJinjaStatement>();
        while (true)
        {
            JinjaToken token = _tokens.Current;
            if (token.Kind == JinjaTokenKind.End)
            {
                if (ends.Length > 0)
                    throw _tokens.Unexpected($"the tag {string.Join(" or ", ends)}");
                break;
            }
            _tokens.Next();
            if (token.Kind == JinjaTokenKind.Data)
                statements.Add(new TextStatement(_tokens.Source.LineOf(token.Offset), token.Value));
            else if (token.Kind == JinjaTokenKind.VariableBegin)
                statements.Add(ParseOutput());
            else if (_tokens.Is(JinjaTokenKind.Name) && ends.Contains(_tokens.Current.Value))
                break;
            else
                ParseTag(statements, ends);
        }
        _tokens.Leave();
        return statements;
    }

    private OutputStatement ParseOutput()
    {
        var output = new OutputStatement(_expressions.ParseTuple());
        _tokens.Expect(JinjaTokenKind.VariableEnd, "'}}'");
        return output;
    }

    private void ParseTag(List<IJinjaStatement> statements, string[] ends)
    {
        int offset = _tokens.Current.Offset, line = _tokens.Line;
        string name = _tokens.Expect(JinjaTokenKind.Name, "the name of a tag").Value;
        if (name == "print")
            ParsePrint(statements);
        else
            statements.Add(name switch
            {
                "if" => ParseIf(line),
                "for" => ParseFor(line),
                "set" => ParseSet(line),
                "with" => ParseWith(line),
                "macro" => ParseMacro(line),
                "call" => ParseCall(line),
                "filter" => ParseFilterBlock(line),
                "generation" => ParseGeneration(line),
                "break" or "continue" => ParseLoopControl(line, offset, name),
                _ when Unsupported.Contains(name) => throw _tokens.Source.Unsupported(offset, $"the tag '{name}'"),
                _ => throw _tokens.Source.Damaged(offset, ends.Length > 0
                    ? $"unknown tag '{name}'; expected a tag of Jinja, or {string.Join(" or ", ends)}"
                    : $"unknown tag '{name}'; expected a tag of Jinja that opens something"),
            });
        _tokens.Expect(JinjaTokenKind.BlockEnd, "'%}'");
    }

    private void ParsePrint(List<IJinjaStatement> statements)
    {
        do
            statements.Add(new OutputStatement(_expressions.Parse()));
        while (_tokens.SkipOperator(","));
    }

    // the body of a block and the name that ends it, which is left behind
    private (List<IJinjaStatement> Body, string End) ParseBody(params string[] ends)
    {
        _tokens.SkipOperator(":");
        _tokens.Expect(JinjaTokenKind.BlockEnd, "'%}'");
        List<IJinjaStatement> body = ParseUntil(ends);
        return (body, _tokens.Next().Value);
    }

    private IfStatement ParseIf(int line)
    {
        var branches = new List<(IJinjaExpression, IReadOnlyList<IJinjaStatement>)>();
        _tokens.Conditions++;
        string end = "elif";
        while (end == "elif")
        {
            IJinjaExpression condition = _expressions.ParseTuple(withCondition: false);
            (List<IJinjaStatement> body, end) = ParseBody("elif", "else", "endif");
            branches.Add((condition, body));
        }
        List<IJinjaStatement> otherwise = end == "else" ? ParseBody("endif").Body : [];
        _tokens.Conditions--;
        return new IfStatement(line, branches, otherwise);
    }

    private ForStatement ParseFor(int line)
    {
        IAssignmentTarget target = ParseTarget(withNamespace: false, end: "in");
        _tokens.ExpectName("in");
        IJinjaExpression items = _expressions.ParseTuple(withCondition: false, end: "recursive");
        IJinjaExpression? condition = _tokens.SkipName("if") ? _expressions.Parse() : null;
        bool isRecursive = _tokens.SkipName("recursive");
        _loops++;
        (List<IJinjaStatement> body, string end) = ParseBody("endfor", "else");
        _loops--;
        List<IJinjaStatement> otherwise = end == "else" ? ParseBody("endfor").Body : [];
        return new ForStatement(line, target, items)
        {
            Condition = condition, IsRecursive = isRecursive, Body = body, Otherwise = otherwise,
        };
    }

    private LoopControlStatement ParseLoopControl(int line, int offset, string name)
    {
        if (_loops == 0)
            throw _tokens.Source.Damaged(offset, $"'{name}' outside of a loop; expected it between for and endfor");
        return new LoopControlStatement(line, name == "break" ? LoopSignal.Break : LoopSignal.Continue);
    }

    private IJinjaStatement ParseSet(int line)
    {
        IAssignmentTarget target = ParseTarget(withNamespace: true, end: null);
        if (_tokens.SkipOperator("="))
            return new SetStatement(line, target, _expressions.ParseTuple());
        var filters = new List<FilterCall>();
        while (_tokens.SkipOperator("|"))
            filters.Add(_postfix.ParseFilter(_expressions));
        return new SetBlockStatement(line, target, filters, ParseBody("endset").Body);
    }

    private FilterStatement ParseFilterBlock(int line)
    {
        var filters = new List<FilterCall>();
        do
            filters.Add(_postfix.ParseFilter(_expressions));
        while (_tokens.SkipOperator("|"));
        return new FilterStatement(line, filters, ParseBody("endfilter").Body);
    }

    private WithStatement ParseWith(int line)
    {
        var variables = new List<(IAssignmentTarget, IJinjaExpression)>();
        while (!_tokens.Is(JinjaTokenKind.BlockEnd))
        {
            if (variables.Count > 0)
                _tokens.ExpectOperator(",");
            IAssignmentTarget target = ParseOneTarget(withNamespace: false);
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Parse()));
        }
        return new WithStatement(line, variables, ParseBody("endwith").Body);
    }

    private MacroStatement ParseMacro(int line)
    {
        string name = _tokens.Expect(JinjaTokenKind.Name, "the macro's name").Value;
        return new MacroStatement(line, ParseDefinition(name, hasParameters: true, "endmacro"));
    }

    private CallStatement ParseCall(int line)
    {
        CallExpression? call = null;
        MacroDefinition body = ParseDefinition("caller", _tokens.IsOperator("("), "endcall", () =>
            call = _expressions.Parse() as CallExpression ?? throw _tokens.Unexpected("a call of a macro before this"));
        return new CallStatement(line, call!, body);
    }

    private MacroDefinition ParseDefinition(string name, bool hasParameters, string end, Action? beforeBody = null)
    {
        var parameters = new List<string>();
        var defaults = new List<IJinjaExpression>();
        List<IJinjaStatement> body = [];
        if (hasParameters)
            ParseParameters(parameters, defaults);
        beforeBody?.Invoke();
        IReadOnlySet<string> names = _tokens.NamesIn(() => body = WithoutLoops(() => ParseBody(end).Body));
        return new MacroDefinition(name, parameters, defaults, body, names);
    }

    private GenerationStatement ParseGeneration(int line)
    {
        _marksGeneration = true;
        return new GenerationStatement(line, WithoutLoops(() => ParseBody("endgeneration").Body));
    }

    // a body that a loop around it cannot be left from
    private List<IJinjaStatement> WithoutLoops(Func<List<IJinjaStatement>> parse)
    {
        int loops = _loops;
        _loops = 0;
        List<IJinjaStatement> body = parse();
        _loops = loops;
        return body;
    }

    private void ParseParameters(List<string> parameters, List<IJinjaExpression> defaults)
    {
        _tokens.ExpectOperator("(");
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0)
                _tokens.ExpectOperator(",");
            parameters.Add(_tokens.Expect(JinjaTokenKind.Name, "a parameter's name").Value);
            if (_tokens.SkipOperator("="))
                defaults.Add(_expressions.Parse());
            else if (defaults.Count > 0)
                throw _tokens.Unexpected("'=': behind a parameter with a default value all have one");
        }
    }

    private IAssignmentTarget ParseTarget(bool withNamespace, string? end)
    {
        var targets = new List<IAssignmentTarget>();
        bool isTuple = false;
        while (!(isTuple && (_tokens.IsOperator("=") || _tokens.IsOperator(")") || (end is not null && _tokens.IsName(end)))))
        {
            targets.Add(ParseOneTarget(withNamespace));
            if (!_tokens.SkipOperator(","))
                break;
            isTuple = true;
        }
        return isTuple ? new TupleTarget(targets) : targets[0];
    }

    private IAssignmentTarget ParseOneTarget(bool withNamespace)
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            IAssignmentTarget inner = ParseTarget(withNamespace, null);
            _tokens.ExpectOperator(")");
            _tokens.Leave();
            return inner;
        }
        if (_tokens.Current.Value is "true" or "True" or "false" or "False" or "none" or "None")
            throw _tokens.Unexpected("the name of a variable to assign to");
        string name = _tokens.Expect(JinjaTokenKind.Name, "the name of a variable to assign to").Value;
        if (!withNamespace || !_tokens.SkipOperator("."))
            return new NameTarget(name);
        _tokens.AddName(name);
        return new NamespaceTarget(name, _tokens.Expect(JinjaTokenKind.Name, "an attribute of the namespace").Value);
    }
}
