namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// Ends a rendered conversation where the last message's content ends, as transformers does it: by a tag behind the content.
/// </summary>
internal sealed class FinalMessage
{
    private const string Tag = "CONTINUE_FINAL_MESSAGE_TAG ";

    private readonly string _content;

    private FinalMessage(string content, ListValue messages)
    {
        _content = content;
        Messages = messages;
    }

    /// <summary>The messages, the last one with the tag.</summary>
    public ListValue Messages { get; }

    /// <exception cref="ArgumentException">There is no text that could be continued.</exception>
    public static FinalMessage Mark(ListValue messages)
    {
        if (messages.Count == 0 || messages[^1] is not DictValue last || last.Find("content") is not { } content)
            throw Missing("the last message has no \"content\"");
        string text;
        object marked;
        switch (content)
        {
            case string whole:
                (text, marked) = (whole, whole + Tag);
                break;
            case ListValue parts when parts.LastOrDefault(HasText) is DictValue part:
                text = (string)part.Find("text")!;
                marked = new ListValue([.. parts.Select(item => ReferenceEquals(item, part) ? With(part, "text", text + Tag) : item)]);
                break;
            default:
                throw Missing("the last message's content is no text and has no part with a \"text\"");
        }
        return new FinalMessage(text, new ListValue([.. messages.Take(messages.Count - 1), With(last, "content", marked)]));
    }

    /// <summary>The rendered conversation up to the tag.</summary>
    /// <exception cref="ArgumentException">The template does not write the last message as it is.</exception>
    public RenderedChat Cut(RenderedChat chat)
    {
        string text = chat.Text;
        int end = text.LastIndexOf(Tag.TrimEnd(), StringComparison.Ordinal);
        if (end < 0 || !text.Contains(PythonSpace.Strip(_content), StringComparison.Ordinal))
            throw new ArgumentException(
                "continue_final_message is set but the final message does not appear in the chat after applying the chat template! The "
                + "template leaves parts of it out or changes them. Give a message that it writes as it is, or set "
                + "ContinueFinalMessage to false.");
        bool isKept = string.CompareOrdinal(text, end, Tag, 0, Tag.Length) == 0;
        string cut = isKept ? text[..end] : PythonSpace.Strip(text[..end], start: false); // the template strips contents
        return new RenderedChat(cut, [.. chat.GenerationSpans.Where(span => span.Start < cut.Length)
            .Select(span => span with { End = Math.Min(span.End, cut.Length) })]);
    }

    private static bool HasText(object part) => part is DictValue dict && dict.Find("text") is string;

    private static DictValue With(DictValue dict, string key, object value)
    {
        var changed = new DictValue();
        foreach ((object other, object entry) in dict.Pairs)
            changed.Set(other, key.Equals(other) ? value : entry);
        return changed;
    }

    private static ArgumentException Missing(string what)
        => new($"ContinueFinalMessage is set, but {what}: there is nothing to continue. Give the last message a text, or set it to false.");
}
