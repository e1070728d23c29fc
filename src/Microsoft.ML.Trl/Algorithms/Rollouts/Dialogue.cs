using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A completion that grows turn by turn.</summary>
/// <param name="row">Of the data, for messages.</param>
/// <param name="prompt">As the policy reads it.</param>
/// <param name="most">Tokens that may follow it, those of others too.</param>
/// <param name="tools">Functions that the assistant may call, by their names.</param>
/// <param name="environment">That it acts in; null = none.</param>
internal sealed class Dialogue(
    long row, RowPrompt prompt, int most, IReadOnlyDictionary<string, AIFunction> tools, IEnvironment? environment)
{
    private readonly List<int> _ids = [];
    private readonly List<bool> _own = [];
    private readonly List<ChatMessage> _messages = [];
    private int _calls; // so far

    /// <summary>Which answer of the task it is, counted from 0.</summary>
    public int Place { get; init; }

    /// <summary>Of the data.</summary>
    public long Row => row;

    /// <summary>As the policy reads it.</summary>
    public RowPrompt Prompt => prompt;

    /// <summary>Functions that the assistant may call.</summary>
    public IReadOnlyDictionary<string, AIFunction> Tools => tools;

    /// <summary>That it acts in; null = none.</summary>
    public IEnvironment? Environment => environment;

    /// <summary>Prompt and completion so far.</summary>
    public int[] Text => [.. prompt.Ids, .. _ids];

    /// <summary>Tokens that may still follow.</summary>
    public int Room => most - _ids.Count;

    /// <summary>Whether the last turn has an end token.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The calls of the last turn, each with an id of its own.</summary>
    public IReadOnlyList<(string Id, ParsedCall Call)> Calls { get; private set; } = [];

    /// <summary>What the policy said last, besides calls.</summary>
    public string LastWords => _messages.Count > 0 ? _messages[^1].Text : "";

    /// <summary>The completion as it is now.</summary>
    public DrawnCompletion Finished => new(prompt.Ids, [.. _ids], _own.Contains(false) ? [.. _own] : null)
    {
        Turns = new RolloutTurns(prompt, [.. _messages], environment),
    };

    /// <summary>Takes what the policy wrote.</summary>
    /// <param name="ids">No more than there is room for.</param>
    /// <param name="hasEnded">Whether the last of them is an end token.</param>
    /// <param name="turn">What they say.</param>
    public void Say(ReadOnlySpan<int> ids, bool hasEnded, ParsedTurn turn)
    {
        Add(ids, isOwn: true);
        HasEnded = hasEnded;
        Calls = [.. turn.Calls.Select(call => (ParsedCall.Id(_calls++), call))];
        List<AIContent> contents = [.. Calls.Select(call => call.Call.Content(call.Id))];
        if (turn.Text.Length > 0 || contents.Count == 0)
            contents.Insert(0, new TextContent(turn.Text));
        _messages.Add(new ChatMessage(ChatRole.Assistant, contents));
    }

    /// <summary>Takes what others say, and what the template writes around it.</summary>
    /// <param name="messages">What they say.</param>
    /// <param name="ids">Its tokens, up to where the assistant begins again.</param>
    /// <returns>Whether there was room for it; otherwise the completion stays as it was.</returns>
    public bool Hear(IReadOnlyList<ChatMessage> messages, int[] ids)
    {
        if (ids.Length > Room)
            return false;
        Add(ids, isOwn: false);
        _messages.AddRange(messages);
        return true;
    }

    private void Add(ReadOnlySpan<int> ids, bool isOwn)
    {
        _ids.AddRange(ids);
        _own.AddRange(Enumerable.Repeat(isOwn, ids.Length));
    }
}
