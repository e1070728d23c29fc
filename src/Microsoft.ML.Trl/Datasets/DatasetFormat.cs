namespace Microsoft.ML.Trl;

/// <summary>In whose layout the rows of files are written; all become TRL's columns.</summary>
public enum DatasetFormat
{
    /// <summary>Told by the first row: the first of the others that it fits, else <see cref="Columns"/>.</summary>
    Auto,

    /// <summary>The columns as they are: TRL's data sets, and any table.</summary>
    Columns,

    /// <summary>
    /// LMFlow's JSON: <c>{"type": ..., "instances": [...]}</c> of type text_only, text2text, conversation, paired_conversation or
    /// paired_text_to_text. A system text becomes the first message; a conversation's last message of the user, unanswered, is left out.
    /// </summary>
    LmFlow,

    /// <summary>
    /// Alpaca: <c>instruction</c>, <c>input</c> (may be empty) and <c>output</c>; the prompt is Stanford Alpaca's usual text, which ends
    /// with <c>### Response:</c> and a line break.
    /// </summary>
    Alpaca,

    /// <summary>
    /// ShareGPT: <c>conversations</c> of <c>from</c> (human, gpt, system, tool and their usual other names) and <c>value</c>; with
    /// <c>chosen</c> and <c>rejected</c> messages, the conversation is the prompt of a pair.
    /// </summary>
    ShareGpt,

    /// <summary>
    /// Anthropic's hh-rlhf: <c>chosen</c> and <c>rejected</c> transcripts of "\n\nHuman: ..." and "\n\nAssistant: ...". The prompt is the
    /// turns that both begin with, up to where the assistant answers differently.
    /// </summary>
    HhRlhf,

    /// <summary>
    /// LMFlow's chat texts: <c>text</c> of <c>###Human: ...</c> and <c>###Assistant: ...</c>. The completion is the assistant's last turn;
    /// what the human says behind it is left out, and a text without an answer is a prompt.
    /// </summary>
    HumanAssistant,
}
