using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl;

/// <summary>Rows of conversations as rows of texts, by the chat template of a model's tokenizer.</summary>
public static class DatasetTemplates
{
    private static readonly string[][] Allowed =
    [
        ["messages"], ["prompt"], ["prompt", "completion"], ["prompt", "chosen", "rejected"], ["chosen", "rejected"],
        ["prompt", "completion", "label"],
    ];

    /// <summary>
    /// TRL's <c>apply_chat_template</c>: messages become the texts that the template makes of them, <c>messages</c> becomes <c>text</c>,
    /// and completions are what follows the prompt. A prompt that ends with the assistant is left open for more; others end where the
    /// assistant begins. Where the template begins the assistant otherwise than it goes on, the prompt ends where both are the same.
    /// </summary>
    /// <param name="tokenizer">With a chat template.</param>
    /// <param name="row">
    /// Messages, by TRL's names of columns. <c>tools</c> and <c>chat_template_kwargs</c> are given to the template; other columns are left
    /// out, but <c>label</c> is kept.
    /// </param>
    /// <param name="options">What else the template is given; tools of the row come first.</param>
    /// <exception cref="ArgumentException">The columns are those of no type of data set, or a prompt has no last message.</exception>
    /// <exception cref="InvalidDataException">A column holds no messages.</exception>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public static JsonObject ApplyChatTemplate(this TextTokenizer tokenizer, JsonObject row, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(row);
        string[] columns = [.. Allowed.SelectMany(names => names).Distinct().Where(row.ContainsKey)];
        if (!Allowed.Any(names => names.Length == columns.Length && names.All(columns.Contains)))
            throw new ArgumentException(
                $"The columns {string.Join(", ", columns)} are those of no type of data set; allowed are "
                + $"{string.Join("; ", Allowed.Select(names => string.Join(", ", names)))}.", nameof(row));
        ChatTemplateOptions given = With(row, options ?? new ChatTemplateOptions());
        string Whole(JsonArray messages) => tokenizer.ApplyChatTemplate(messages.ToJsonString(), given).Text;
        var texts = new JsonObject();
        string[] sides = [.. columns.Where(name => name is "completion" or "chosen" or "rejected")];
        if (row.ContainsKey("messages"))
            texts["text"] = Whole(Messages(row, "messages"));
        else if (!row.ContainsKey("prompt"))
            foreach (string side in sides)
                texts[side] = Whole(Messages(row, side));
        else
        {
            JsonArray prompt = Messages(row, "prompt");
            string head = Prompt(tokenizer, prompt, given);
            string[] whole = [.. sides.Select(side => Whole(Behind(prompt, Messages(row, side))))];
            int shared = whole.Aggregate(head.Length, (length, text) => head.AsSpan(0, length).CommonPrefixLength(text));
            texts["prompt"] = head[..shared];
            foreach ((string side, string text) in sides.Zip(whole))
                texts[side] = text[shared..];
        }
        if (row.ContainsKey("label"))
            texts["label"] = row["label"]?.DeepClone();
        return texts;
    }

    /// <summary><see cref="ApplyChatTemplate"/> of a row of messages; a row of texts as it is.</summary>
    /// <param name="tokenizer">With a chat template.</param>
    /// <param name="row">By TRL's names of columns.</param>
    /// <param name="options">What else the template is given.</param>
    /// <exception cref="ArgumentException">The columns are those of no type of data set, or a prompt has no last message.</exception>
    /// <exception cref="InvalidDataException">A column holds no messages.</exception>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public static JsonObject MaybeApplyChatTemplate(this TextTokenizer tokenizer, JsonObject row, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return DatasetRows.IsConversational(row) ? tokenizer.ApplyChatTemplate(row, options) : row.DeepClone().AsObject();
    }

    private static string Prompt(TextTokenizer tokenizer, JsonArray prompt, ChatTemplateOptions options)
    {
        string? role = prompt.Count > 0 ? prompt[^1]?["role"]?.ToString() : null;
        if (role is not ("user" or "tool" or "assistant"))
            throw new ArgumentException(
                $"The last message of the prompt is from '{role ?? "nobody"}'; it must be from user or tool, whom the assistant answers, "
                + "or from assistant, who goes on.");
        bool goesOn = role == "assistant";
        return tokenizer.ApplyChatTemplate(
            prompt.ToJsonString(), options with { AddGenerationPrompt = !goesOn, ContinueFinalMessage = goesOn }).Text;
    }

    private static JsonArray Messages(JsonObject row, string name) => row[name] as JsonArray
        ?? throw new InvalidDataException($"'{name}' holds no messages; it must be a list of objects with \"role\" and \"content\".");

    private static JsonArray Behind(JsonArray prompt, JsonArray others) =>
        new([.. prompt.Concat(others).Select(message => message?.DeepClone())]);

    private static ChatTemplateOptions With(JsonObject row, ChatTemplateOptions options)
    {
        if (row["tools"] is JsonArray { Count: > 0 } tools)
            options = options with { Tools = tools };
        if (row["chat_template_kwargs"] is not JsonObject kwargs)
            return options;
        var variables = new Dictionary<string, JsonNode?>(options.Variables);
        foreach ((string name, JsonNode? value) in kwargs)
            variables[name] = value;
        return options with { Variables = variables };
    }
}
