namespace Microsoft.ML.Trl.Templates;

internal enum JinjaTokenKind
{
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a string literal the text that it stands for.</param>
/// <param name="Offset">Where it begins in the source.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Value, int Offset)
{
    /// <summary>What to call it in a message.</summary>
    public string Description => Kind switch
    {
        JinjaTokenKind.Data => "text outside of tags",
        JinjaTokenKind.VariableBegin => "'{{'",
        JinjaTokenKind.VariableEnd => "'}}'",
        JinjaTokenKind.BlockBegin => "'{%'",
        JinjaTokenKind.BlockEnd => "'%}'",
        JinjaTokenKind.Text => "a string",
        JinjaTokenKind.End => "the end of the template",
        _ => $"'{Value}'",
    };
}
