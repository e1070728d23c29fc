namespace Microsoft.ML.Trl.Text;

/// <summary>Texts of prompts and completions to the token ids of one model, as TRL does it, in training and afterwards alike.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="config">Tells the context, whether an encoder reads prompts, and, where the tokenizer has none, the end token.</param>
internal sealed class TextCodec(TextTokenizer tokenizer, ModelConfig config)
{
    private readonly int? _end = tokenizer.EosTokenId ?? (config.EosTokenIds.Count > 0 ? config.EosTokenIds[0] : null);

    /// <summary>Tokens the model reads at most.</summary>
    public int ContextLength => config.ContextLength;

    /// <summary>Whether an encoder reads prompts.</summary>
    public bool HasEncoder => config.IsEncoderDecoder;

    /// <summary>A prompt to be answered: encoded by itself, since generation has nothing else. A blank is a token as any other.</summary>
    public int[] Prompt(string text) => tokenizer.Encode(text, addSpecialTokens: true);

    /// <summary>Why a prompt cannot be answered; null when it can.</summary>
    /// <param name="prompt">Token ids.</param>
    public string? Unanswerable(int[] prompt)
    {
        if (prompt.Length == 0)
            return "the prompt is empty; it needs at least one token. Leave the row out or give it a prompt.";
        return prompt.Length < ContextLength ? null
            : $"the prompt is {prompt.Length} tokens long and leaves no room for an answer within the model's context of {ContextLength}; "
                + $"shorten it to {ContextLength - 1} tokens or less.";
    }

    /// <summary>A whole text, with the tokens that begin and end one.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="hasEnded">Whether the end token is added where it is not there.</param>
    public int[] Whole(string text, bool hasEnded = true)
    {
        int[] ids = Prompt(text);
        return hasEnded && _end is { } end && (ids.Length == 0 || ids[^1] != end) ? [.. ids, end] : ids;
    }

    /// <summary>What rows hold as tokens of this model.</summary>
    /// <param name="isConversational">Whether they hold conversations in JSON, rather than texts.</param>
    /// <param name="onlyAssistant">Whether the template must tell what the assistant says.</param>
    /// <exception cref="InvalidOperationException">They do, and the model has no chat template, or none that tells it.</exception>
    /// <exception cref="InvalidDataException">The chat template is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here, or an encoder reads prompts.</exception>
    public RowCodec Rows(bool isConversational, bool onlyAssistant = false)
    {
        if (!isConversational)
            return new TextRows(this);
        RequireNoEncoder("a chat template makes one text of a conversation", "give prompts and answers as texts");
        RequireChatTemplate(onlyAssistant);
        return new ConversationRows(tokenizer);
    }

    /// <summary>Fails when an encoder reads prompts: there are none in what is read.</summary>
    /// <param name="what">What is read.</param>
    /// <param name="advice">What to give in its stead.</param>
    /// <exception cref="NotSupportedException">It does.</exception>
    public void RequireNoEncoder(string what, string advice)
    {
        if (HasEncoder)
            throw new NotSupportedException(
                $"A {config.ModelType} model reads prompts with its encoder and writes answers with its decoder, but {what}; {advice}.");
    }

    private void RequireChatTemplate(bool onlyAssistant)
    {
        tokenizer.RequireChatTemplate();
        if (onlyAssistant && !tokenizer.ChatTemplate!.MarksGeneration)
            throw new InvalidOperationException(
                "AssistantOnlyLoss is true, but the model's chat template has no {% generation %} blocks, which tell what the assistant "
                + "says. Put a template that has them into the tokenizer's chat_template.jinja, or set AssistantOnlyLoss to false.");
    }

    /// <summary>Fails when the tokenizer has ids without an embedding in the network. A larger one is allowed: many are padded.</summary>
    public static void CheckVocabulary(TextTokenizer tokenizer, ModelConfig config)
    {
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new ArgumentException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens, but the model's vocabulary has {config.VocabularySize}; "
                + "tokenizer and model must belong together. "
                + $"Load both from one folder, or make the model with a vocabulary of {tokenizer.VocabularySize}.",
                nameof(tokenizer));
    }
}
