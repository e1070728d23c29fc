using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Rows whose texts are transcripts.</summary>
internal static class TranscriptFormats
{
    public static bool FitsHhRlhf(JsonObject row) => !row.ContainsKey("prompt")
        && DatasetRows.TextOf(row["chosen"]) is { } chosen && Transcript.OfHhRlhf(chosen) is { Length: > 1 }
        && DatasetRows.TextOf(row["rejected"]) is { } rejected && Transcript.OfHhRlhf(rejected) is { Length: > 1 };

    public static bool FitsHumanAssistant(JsonObject row) =>
        DatasetRows.TextOf(row["text"]) is { } text && Transcript.OfHumanAssistant(text) is { Length: > 1 };

    /// <summary>A pair with its prompt: the turns that both begin with, up to where the assistant answers differently.</summary>
    /// <exception cref="FormatException">They are no transcripts, or do not begin with the same turn of the human.</exception>
    public static JsonObject HhRlhf(JsonObject row, bool asConversation)
    {
        Turn[] chosen = Turns(RowFormats.TakeText(row, "chosen"), "chosen");
        Turn[] rejected = Turns(RowFormats.TakeText(row, "rejected"), "rejected");
        int shared = 0, most = Math.Min(chosen.Length, rejected.Length) - 1;
        while (shared < most && chosen[shared].Role == rejected[shared].Role && chosen[shared].Text == rejected[shared].Text)
            shared++;
        while (shared > 0 && (chosen[shared].Role != "assistant" || rejected[shared].Role != "assistant"))
            shared--;
        if (shared == 0)
            throw new FormatException("chosen and rejected do not begin with the same turn of the human, which would be the prompt.");
        row["prompt"] = asConversation ? Messages(chosen.AsSpan(..shared)) : chosen[0].Whole[..chosen[shared].Start];
        row["chosen"] = asConversation ? Messages(chosen.AsSpan(shared..)) : chosen[0].Whole[chosen[shared].Start..];
        row["rejected"] = asConversation ? Messages(rejected.AsSpan(shared..)) : rejected[0].Whole[rejected[shared].Start..];
        return row;
    }

    /// <summary>A prompt and, where the assistant answers at the end, a completion.</summary>
    /// <exception cref="FormatException">It is no transcript, or the assistant says nothing.</exception>
    public static JsonObject HumanAssistant(JsonObject row, bool asConversation)
    {
        string text = RowFormats.TakeText(row, "text");
        Turn[] turns = Transcript.OfHumanAssistant(text)
            ?? throw new FormatException("'text' does not begin with ###Human: or ###Assistant:.");
        int last = Array.FindLastIndex(turns, turn => turn.Role == "assistant");
        if (last < 1)
            throw new FormatException("'text' has no ###Assistant: behind a ###Human:, so that there is nothing to answer.");
        row["prompt"] = asConversation ? Messages(turns.AsSpan(..last)) : text[..turns[last].Start];
        bool isFollowed = last + 1 < turns.Length;
        if (!string.IsNullOrWhiteSpace(turns[last].Text))
            row["completion"] = asConversation ? Messages(turns.AsSpan(last, 1))
                : isFollowed ? turns[last].Text.TrimEnd()
                : turns[last].Text;
        return row;
    }

    private static Turn[] Turns(string text, string name) => Transcript.OfHhRlhf(text) is { Length: > 1 } turns ? turns
        : throw new FormatException($"'{name}' is no transcript: turns behind \"\\n\\nHuman:\" and \"\\n\\nAssistant:\" are expected.");

    private static JsonArray Messages(ReadOnlySpan<Turn> turns)
    {
        var messages = new JsonArray();
        foreach (Turn turn in turns)
            messages.Add(turn.Message);
        return messages;
    }
}
