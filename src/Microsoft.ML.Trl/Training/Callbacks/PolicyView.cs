using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Writes with a policy that is being trained, as it is at the moment. Only for reading: nothing that it does changes what training comes
/// to. Valid during the call of a callback.
/// </summary>
public sealed class PolicyView
{
    private readonly LanguageModel _model;
    private readonly GenerationOptions _generation;
    private readonly RowCodec _rows;
    private readonly CancellationToken _cancel;
    private readonly TemplateCells _with;

    /// <param name="model">In training; the caller keeps it.</param>
    /// <param name="generation">How it writes where a call does not say; null = as the model does.</param>
    /// <param name="conversations">How prompts are read as conversations; null = as texts.</param>
    /// <param name="cancel">Of the run: looked at for every token.</param>
    internal PolicyView(
        LanguageModel model, GenerationOptions? generation, ConversationOptions? conversations, CancellationToken cancel)
    {
        (_model, _cancel, _with) = (model, cancel, TemplateCells.OfAll(conversations));
        _generation = (generation ?? model.Generation) with { NumReturnSequences = 1 };
        _rows = model.Codec.Rows(conversations is not null);
    }

    /// <summary>Of the run.</summary>
    internal CancellationToken Cancel => _cancel;

    /// <summary>Whether it can be asked.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>Continues one prompt.</summary>
    /// <param name="prompt">As the data of the stage have it: a text, or a conversation in JSON.</param>
    /// <param name="options">Null = as the fitted stage will answer.</param>
    /// <returns>The new text alone.</returns>
    /// <inheritdoc cref="Complete(IReadOnlyList{string}, GenerationOptions?)" path="/exception"/>
    public string Complete(string prompt, GenerationOptions? options = null) => Complete([prompt], options)[0];

    /// <summary>Continues prompts, in batches. The same weights, options and prompt give the same text.</summary>
    /// <param name="prompts">As the data of the stage have them: texts, or conversations in JSON.</param>
    /// <param name="options">Null = as the fitted stage will answer. One sequence for each prompt.</param>
    /// <returns>The new texts, in the order of the prompts.</returns>
    /// <exception cref="ArgumentException">
    /// A prompt is null, empty or too long, the message names it; or an option is out of range.
    /// </exception>
    /// <exception cref="InvalidOperationException">The call of the callback is over.</exception>
    /// <exception cref="InvalidDataException">A conversation is none.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public IReadOnlyList<string> Complete(IReadOnlyList<string> prompts, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options = (options ?? _generation).ValidatedForOne("a policy in training");
        if (!IsOpen)
            throw new InvalidOperationException(
                "The policy of a callback was asked after the call that it was given to; keep what it wrote, and ask it during the call.");
        RowPrompt[] read = [.. prompts.Select(Read)];
        return [.. _model.Answer(
            [.. read.Select(prompt => prompt.Ids)], [.. read.Select(prompt => PromptSeed.Of(prompt.Text))], options, _cancel)
            .Select(answer => answer.Text)];
    }

    /// <summary>What policy and reference write in answer to prompts that are tokens; those that cannot be answered are left out.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="reference">Null = nobody is compared.</param>
    internal IReadOnlyList<SampleCompletion> Samples(IReadOnlyList<int[]> prompts, CausalLanguageModel? reference)
    {
        int[][] asked = [.. prompts.Where(prompt => _model.Codec.Unanswerable(prompt) is null)];
        string[] ours = Written(asked, _model.Network);
        string[]? theirs = reference is null ? null : Written(asked, reference);
        return
        [
            .. asked.Select((prompt, row) =>
                new SampleCompletion(_model.Tokenizer.Decode(prompt), ours[row], double.NaN) { Reference = theirs?[row] }),
        ];
    }

    private string[] Written(int[][] prompts, CausalLanguageModel by)
    {
        using var scope = NewDisposeScope();
        var generator = new TokenGenerator(by) { Tokenizer = _model.Tokenizer };
        GenerationResult result = generator.Generate(prompts, _generation, stop: _model.StopRule(_generation), cancel: _cancel);
        return [.. result.Tokens.Select(tokens => _model.Tokenizer.DecodeCompletion(tokens))];
    }

    private RowPrompt Read(string prompt, int row)
    {
        if (prompt is null)
            throw new ArgumentException($"Prompt {row} is null; give a text.", nameof(prompt));
        RowPrompt read = _rows.Prompt(prompt, _with);
        return _model.Codec.Unanswerable(read.Ids) is { } reason
            ? throw new ArgumentException($"Prompt {row}: {reason}", nameof(prompt))
            : read;
    }
}
