using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl;

/// <summary>Conversations that are written in one text, with a mark before each turn.</summary>
public static partial class Transcript
{
    /// <summary>
    /// Cuts a completion where the model went on as the human (<c>###Human</c>), and takes white space and # off its ends: what LMFlow's
    /// RAFT does with what was generated.
    /// </summary>
    /// <param name="completion">What a model wrote behind <c>###Assistant:</c>.</param>
    /// <returns>The assistant's own words; empty where there are none.</returns>
    public static string CleanCompletion(string completion)
    {
        ArgumentNullException.ThrowIfNull(completion);
        string own = completion.Split("###Human", StringSplitOptions.RemoveEmptyEntries).FirstOrDefault("");
        return own.Trim().Trim('#');
    }

    /// <summary>Turns behind "\n\nHuman:" and "\n\nAssistant:", the marks of hh-rlhf.</summary>
    internal static Turn[]? OfHhRlhf(string text) => Turns(text, HhRlhfMark());

    /// <summary>Turns behind "###Human:" and "###Assistant:", the marks of LMFlow; a blank behind ### is allowed.</summary>
    internal static Turn[]? OfHumanAssistant(string text) => Turns(text, HumanAssistantMark());

    private static Turn[]? Turns(string text, Regex mark)
    {
        Match[] marks = [.. mark.Matches(text).AsEnumerable()];
        if (marks.Length == 0 || !string.IsNullOrWhiteSpace(text[..marks[0].Index]))
            return null;
        return [.. marks.Select((match, i) => new Turn(
            match.Groups[1].Value == "Human" ? "user" : "assistant",
            text,
            match.Index + match.Length,
            i + 1 < marks.Length ? marks[i + 1].Index : text.Length))];
    }

    [GeneratedRegex(@"(?:\n\n|^\s*)(Human|Assistant):")]
    private static partial Regex HhRlhfMark();

    [GeneratedRegex(@"###\s?(Human|Assistant):")]
    private static partial Regex HumanAssistantMark();
}

/// <summary>What one side says in a transcript.</summary>
/// <param name="Role">user or assistant.</param>
/// <param name="Whole">The transcript.</param>
/// <param name="Start">Where what is said begins in it, behind the mark.</param>
/// <param name="End">Where the next turn's mark begins, or the transcript ends.</param>
internal readonly record struct Turn(string Role, string Whole, int Start, int End)
{
    /// <summary>What is said, as it stands there.</summary>
    public string Text => Whole[Start..End];

    /// <summary>As a message, without white space at its ends.</summary>
    public JsonNode Message => new JsonObject { ["role"] = Role, ["content"] = Text.Trim() };
}
