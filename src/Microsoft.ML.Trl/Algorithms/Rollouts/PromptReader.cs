using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A prompt that can be answered, and the row of the data that it stands in, counted from 0.</summary>
internal sealed record PromptRow(long Number, RowPrompt Prompt);

/// <summary>Reads prompts.</summary>
internal sealed class PromptReader
{
    private readonly IDataView _data;
    private readonly DataViewSchema.Column _prompt;
    private readonly TemplateColumns _template;
    private readonly bool _isConversational;

    /// <summary>Functions that all prompts tell of, in JSON, in the place of what their rows have; null = what they have.</summary>
    public string? Tools { get; init; }

    /// <summary>Finds the columns.</summary>
    /// <param name="data">Enumerated once by each reading.</param>
    /// <param name="columnName">Text column with the prompts.</param>
    /// <param name="conversations">How they are read as conversations; null = as texts.</param>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public PromptReader(IDataView data, string columnName, ConversationOptions? conversations)
    {
        (_data, _isConversational) = (data, conversations is not null);
        _prompt = InputColumns.Text(data.Schema, columnName, "prompt");
        _template = TemplateColumns.Of(data.Schema, conversations);
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, string columnName, ConversationOptions? conversations)
    {
        InputColumns.RequireText(shape, columnName, "prompt");
        TemplateColumns.Require(shape, conversations);
    }

    /// <summary>All prompts; those without a token, and those that fill the context, are left out.</summary>
    /// <param name="codec">The policy's.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template for them.</exception>
    /// <exception cref="InvalidDataException">A conversation cannot be rendered; the message names the row.</exception>
    public List<PromptRow> Read(TextCodec codec, RowCounts counts, CancellationToken cancel)
    {
        RowCodec rows = codec.Rows(_isConversational);
        var prompts = new List<PromptRow>();
        foreach (TextRow row in RowReader.Read(_data, [_prompt, .. _template.Columns]))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            TemplateCells cells = _template.Cells(row.Texts);
            TemplateCells with = Tools is null ? cells : cells with { Tools = Tools };
            RowPrompt prompt = RowCodec.OfRow(row.Number, [_prompt], () => rows.Prompt(row.Texts[0], with));
            if (codec.Unanswerable(prompt.Ids) is null)
                prompts.Add(new PromptRow(row.Number, prompt));
            else
                counts.Note(RowFate.NoAnswerPossible, row.Number);
        }
        return prompts.Count > 0 ? prompts : throw counts.NothingLeft();
    }
}
