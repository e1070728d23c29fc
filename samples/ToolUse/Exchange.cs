using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace ToolUseSample;

/// <summary>How a question was answered.</summary>
/// <param name="Turns">What the assistant said and called, and what it was told.</param>
internal sealed partial record Exchange(IReadOnlyList<ChatMessage> Turns)
{
    private static readonly Dictionary<string, object?> NoArguments = [];

    /// <summary>Tokens that the assistant wrote.</summary>
    public long Tokens { get; init; }

    /// <summary>What the assistant said in the end.</summary>
    public string Answer => Turns[^1].Role == ChatRole.Assistant ? Turns[^1].Text : "";

    /// <summary>For each call, whether the calculator understood it: it says a number then, and else what is wrong.</summary>
    public bool[] Calls =>
    [
        .. Turns.SelectMany(turn => turn.Contents.OfType<FunctionResultContent>())
            .Select(result => int.TryParse($"{result.Result}", out _)),
    ];

    /// <summary>Whether the calculator was asked once, in the way that it understands.</summary>
    public bool IsWellCalled => Calls is [true];

    /// <summary>Whether the last number that the assistant says is the right one.</summary>
    public bool Says(int number) => Numbers().Match(Answer).Value == number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A line for all that was said and done.</summary>
    public override string ToString() => string.Join('\n', Turns.SelectMany(turn => turn.Contents).Select(Line));

    private static string Line(AIContent content) => content switch
    {
        FunctionCallContent call =>
            $"  calls    {call.Name}({string.Join(", ", (call.Arguments ?? NoArguments).Select(one => $"{one.Key}: {one.Value}"))})",
        FunctionResultContent result => $"  is told  {result.Result}",
        _ => $"  says     {content}",
    };

    [GeneratedRegex(@"\d+", RegexOptions.RightToLeft)]
    private static partial Regex Numbers();
}
