using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Templates;

/// <summary>The tokens of a template, read one after the other by the two parsers, and what both must know.</summary>
internal sealed class JinjaTokenStream(TemplateSource source, IReadOnlyList<JinjaToken> tokens)
{
    private const int MostLevels = 200;

    private readonly Stack<HashSet<string>> _names = new([[]]);
    private int _at;
    private int _levels;

    public TemplateSource Source => source;

    public JinjaToken Current => tokens[_at];

    public JinjaToken Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public int Line => source.LineOf(Current.Offset);

    /// <summary>How many if-blocks and conditional expressions are open: what they guard may name filters that do not exist.</summary>
    public int Conditions { get; set; }

    public JinjaToken Next()
    {
        JinjaToken token = Current;
        if (token.Kind != JinjaTokenKind.End)
            _at++;
        return token;
    }

    public bool Is(JinjaTokenKind kind) => Current.Kind == kind;

    public bool IsOperator(string sign) => Current.Kind == JinjaTokenKind.Operator && Current.Value == sign;

    public bool IsName(string name) => Current.Kind == JinjaTokenKind.Name && Current.Value == name;

    public bool SkipOperator(string sign) => Skip(IsOperator(sign));

    public bool SkipName(string name) => Skip(IsName(name));

    public JinjaToken Expect(JinjaTokenKind kind, string what)
        => Is(kind) ? Next() : throw Unexpected(what);

    public void ExpectOperator(string sign)
    {
        if (!SkipOperator(sign))
            throw Unexpected($"'{sign}'");
    }

    public void ExpectName(string name)
    {
        if (!SkipName(name))
            throw Unexpected($"'{name}'");
    }

    /// <summary>The error for a token that cannot stand here.</summary>
    public InvalidDataException Unexpected(string expected)
        => source.Damaged(Current.Offset, $"expected {expected}, found {Current.Description}");

    /// <summary>Goes one level down in the syntax; <see cref="Leave"/> goes up.</summary>
    public void Enter()
    {
        if (++_levels > MostLevels || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw source.Damaged(Current.Offset, $"brackets and blocks are nested too deeply; expected at most {MostLevels} levels");
    }

    public void Leave() => _levels--;

    /// <summary>Notes a name that is read.</summary>
    public void AddName(string name) => _names.Peek().Add(name);

    /// <summary>Parses a macro's body and tells which names it reads.</summary>
    public IReadOnlySet<string> NamesIn(Action parse)
    {
        _names.Push([]);
        parse();
        HashSet<string> names = _names.Pop();
        _names.Peek().UnionWith(names);
        return names;
    }

    private bool Skip(bool isThere)
    {
        _at += isThere ? 1 : 0;
        return isThere;
    }
}
