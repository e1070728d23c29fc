using System.Text.Json;

namespace Microsoft.ML.Trl.Templates;

/// <summary>The messages of a conversation as templates read them. Immutable.</summary>
internal sealed class MessageList
{
    private const string Needed = "They must be an array of objects with \"role\" and \"content\".";

    private MessageList(ListValue values) => Values = values;

    /// <summary>One object per message.</summary>
    public ListValue Values { get; }

    /// <summary>Whether the assistant has the last word.</summary>
    public bool EndsWithAssistant => Values.Count > 0 && Values[^1] is DictValue last && last.Find("role") is "assistant";

    /// <summary>Any JSON array.</summary>
    /// <exception cref="InvalidDataException">It is no such text.</exception>
    public static ListValue ReadArray(string json)
    {
        try
        {
            using JsonDocument document = StrictJson.Document(json);
            return JsonValues.Of(document.RootElement) as ListValue
                ?? throw new InvalidDataException($"The messages are a JSON {document.RootElement.ValueKind}. {Needed}");
        }
        catch (Exception cause) when (cause is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The messages are not JSON that can be read: {cause.Message} {Needed}", cause);
        }
    }

    /// <summary>A JSON array of messages.</summary>
    /// <exception cref="InvalidDataException">It is no such text, or one of them has no role.</exception>
    public static MessageList Parse(string json)
    {
        ListValue values = ReadArray(json);
        for (int i = 0; i < values.Count; i++)
            if ((values[i] as DictValue)?.Find("role") is not string)
                throw new InvalidDataException($"Message {i} has no \"role\". {Needed}");
        return new MessageList(values);
    }

    /// <summary>What the assistant says.</summary>
    public static MessageList OfAssistant(string text)
    {
        var message = new DictValue();
        message.Set("role", "assistant");
        message.Set("content", text);
        return new MessageList(new ListValue([message]));
    }

    /// <summary>These messages, and others behind them.</summary>
    public MessageList Then(MessageList others) => new(new ListValue([.. Values, .. others.Values]));

    /// <summary>
    /// Takes the prompt out of two whole conversations: the messages that both begin with, as TRL's <c>extract_prompt</c> does. Where one
    /// is the beginning of the other, the last message that they share is not part of the prompt.
    /// </summary>
    /// <exception cref="InvalidDataException">One is empty, or their first messages differ.</exception>
    public static (MessageList Prompt, MessageList Chosen, MessageList Rejected) ExtractPrompt(MessageList chosen, MessageList rejected)
    {
        var run = new Rendering("the comparison of messages", new ChatTemplateOptions { StepLimit = long.MaxValue });
        int shorter = Math.Min(chosen.Values.Count, rejected.Values.Count), shared = 0;
        while (shared < shorter - 1 && PythonOperators.AreEqual(run, chosen.Values[shared], rejected.Values[shared]))
            shared++;
        return shared > 0
            ? (chosen.Part(0, shared), chosen.Part(shared, chosen.Values.Count), rejected.Part(shared, rejected.Values.Count))
            : throw new InvalidDataException(
                "Chosen and rejected do not begin with the same messages, from which the prompt could be taken. "
                + "Begin both with the prompt, or give it in a column of its own.");
    }

    /// <summary>These messages as JSON.</summary>
    public string ToJson() => Conversation.ToJson(Values);

    /// <summary>These messages, the last with more words at its end.</summary>
    /// <exception cref="InvalidDataException">There is no message, or the last one's content is no text.</exception>
    public MessageList WithLastWords(string text)
    {
        if (Values.Count == 0 || Values[^1] is not DictValue last || last.Find("content") is not string content)
            throw new InvalidDataException("The last message has no text as its \"content\", behind which more could be put.");
        var longer = new DictValue();
        foreach ((object key, object value) in last.Pairs)
            longer.Set(key, value);
        longer.Set("content", content + text);
        return new MessageList(new ListValue([.. Values.Take(Values.Count - 1), longer]));
    }

    private MessageList Part(int start, int end) => new(new ListValue([.. Values.Skip(start).Take(end - start)]));
}
