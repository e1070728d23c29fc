using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Text;

/// <summary>A prompt to be answered.</summary>
/// <param name="Given">As the data have it: a text, or a conversation in JSON.</param>
/// <param name="With">What its row gives the chat template.</param>
/// <param name="Text">As the model reads it.</param>
/// <param name="Ids">Its tokens.</param>
/// <param name="IsConversation">Whether it was rendered.</param>
internal sealed record RowPrompt(string Given, TemplateCells With, string Text, int[] Ids, bool IsConversation);

/// <summary>A text, or a prompt with its completion.</summary>
/// <param name="Prompt">Tokens of the prompt alone; none for a text.</param>
/// <param name="Ids">Tokens of both.</param>
/// <param name="Assistant">Which of them the assistant says; null where that was not asked for.</param>
internal sealed record RowTokens(int[] Prompt, int[] Ids, bool[]? Assistant = null)
{
    /// <summary>How many of the tokens are prompt.</summary>
    public int PromptLength => Math.Min(Prompt.Length, Ids.Length);

    /// <summary>Whether the tokens begin with those that the prompt alone has.</summary>
    public bool StartsWithPrompt => Ids.AsSpan().StartsWith(Prompt);

    /// <summary>What follows the prompt.</summary>
    public int[] Completion => Ids[PromptLength..];
}

/// <summary>What the text columns of a row hold → tokens of one model. The one place for all methods.</summary>
internal abstract class RowCodec
{
    /// <summary>A prompt to be answered.</summary>
    public abstract RowPrompt Prompt(string prompt, TemplateCells with);

    /// <summary>A text to be learned.</summary>
    /// <param name="prompt">What comes before the completion; null = the completion is a whole text.</param>
    /// <param name="completion">What follows the prompt.</param>
    /// <param name="with">What the row gives the chat template.</param>
    /// <param name="marksAssistant">Whether to tell which tokens the assistant says.</param>
    public abstract RowTokens Continued(string? prompt, string completion, TemplateCells with, bool marksAssistant = false);

    /// <summary>Two completions of one prompt; null = both begin with it.</summary>
    public abstract (RowTokens Chosen, RowTokens Rejected) Pair(string? prompt, string chosen, string rejected, TemplateCells with);

    /// <summary>An answer that a model wrote, to be scored. None for an empty one without a prompt.</summary>
    /// <param name="prompt">What was answered; null = the answer is a whole text, or a whole conversation.</param>
    /// <param name="answer">The text that the model wrote.</param>
    /// <param name="with">What the row gives the chat template.</param>
    /// <param name="hasEnded">Whether a text gets the end token where it is not there.</param>
    public abstract int[] Answered(string? prompt, string answer, TemplateCells with, bool hasEnded = true);

    /// <summary>Does something with a row, and says which row and column it was that failed.</summary>
    /// <exception cref="InvalidDataException">The row's conversation is none, or the chat template refuses it.</exception>
    public static T OfRow<T>(long row, IEnumerable<DataViewSchema.Column> columns, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception cause) when (cause is InvalidDataException or ChatTemplateException or ArgumentException)
        {
            string[] names = [.. columns.Select(column => column.Name)];
            string where = names.Length == 1 ? $"the column '{names[0]}'" : $"the columns '{string.Join("', '", names)}'";
            throw new InvalidDataException($"Row {row} of {where} cannot be rendered: {cause.Message}", cause);
        }
    }
}

/// <summary>Texts as they are.</summary>
internal sealed class TextRows(TextCodec codec) : RowCodec
{
    public override RowPrompt Prompt(string prompt, TemplateCells with) => new(prompt, with, prompt, codec.Prompt(prompt), false);

    public override RowTokens Continued(string? prompt, string completion, TemplateCells with, bool marksAssistant = false) =>
        prompt is null ? new RowTokens([], codec.Whole(completion)) : Continued(prompt, codec.Prompt(prompt), completion);

    public override (RowTokens Chosen, RowTokens Rejected) Pair(string? prompt, string chosen, string rejected, TemplateCells with)
    {
        if (prompt is null)
            (prompt, chosen, rejected) = ImplicitPrompt.Extract(chosen, rejected);
        int[] head = codec.Prompt(prompt);
        return (Continued(prompt, head, chosen), Continued(prompt, head, rejected));
    }

    public override int[] Answered(string? prompt, string answer, TemplateCells with, bool hasEnded = true) =>
        codec.Whole(prompt + answer, hasEnded);

    /// <summary>
    /// The two are one text, so that a token may span the place where they meet. Where an encoder reads the prompt, they are two texts,
    /// each with its end token.
    /// </summary>
    private RowTokens Continued(string prompt, int[] head, string completion) =>
        new(head, codec.HasEncoder ? [.. head, .. codec.Whole(completion)] : codec.Whole(prompt + completion));
}
