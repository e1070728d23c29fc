namespace Microsoft.ML.Trl;

/// <summary>What <see cref="GroupOptions.RolloutFunc"/> is asked to answer. For the time of the call.</summary>
public sealed class RolloutRequest
{
    private readonly LanguageModel _policy;
    private readonly TurnSampling _sample;
    private readonly CancellationToken _cancel;

    internal RolloutRequest(
        LanguageModel policy, RolloutTask task, IReadOnlyList<PromptRow> prompts, GenerationOptions generation, TurnSampling sample,
        CancellationToken cancel)
    {
        (_policy, _sample, _cancel, Step, Generation) = (policy, sample, cancel, task.Step, generation);
        PromptRow[] rows = [.. task.Prompts.Select(prompt => prompts[prompt])];
        (Prompts, PromptIds) = ([.. rows.Select(row => row.Prompt.Given)], [.. rows.Select(row => row.Prompt.Ids)]);
        Rows = [.. rows.Select(row => row.Number)];
    }

    /// <summary>The step that needs the answers, counted from 1.</summary>
    public int Step { get; }

    /// <summary>
    /// [B] the prompts as the data have them: texts, or JSON where the data hold conversations. Each stands there as often as it is
    /// answered, one behind the other.
    /// </summary>
    public IReadOnlyList<string> Prompts { get; }

    /// <summary>[B] token ids of the prompts, as the policy reads them.</summary>
    public IReadOnlyList<IReadOnlyList<int>> PromptIds { get; }

    /// <summary>[B] the rows of the data that they stand in, counted from 0.</summary>
    public IReadOnlyList<long> Rows { get; }

    /// <summary>How the options draw completions.</summary>
    public GenerationOptions Generation { get; }

    /// <summary>The policy's tokenizer. The caller does not own it.</summary>
    public TextTokenizer Tokenizer => _policy.Tokenizer;

    /// <summary>Whether it may still be asked to write.</summary>
    internal bool IsOpen { get; set; } = true;

    /// <summary>
    /// Lets the policy go on with texts, as its weights are now, drawn as <see cref="Generation"/> says. One call at a time.
    /// </summary>
    /// <param name="texts">[n] token ids, at least one text and one token each, with room for one more in the policy's context.</param>
    /// <param name="places">[n] which of the B answers each belongs to, counted from 0; evaluations draw by it.</param>
    /// <param name="maxNewTokens">New tokens of each at most, at least 1; null = as many as the options say.</param>
    /// <returns>[n] the new token ids, at least one each.</returns>
    /// <exception cref="ArgumentException">A text or a place cannot be used; the message names it.</exception>
    /// <exception cref="InvalidOperationException">The call that the request was made for is over.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public IReadOnlyList<IReadOnlyList<int>> Generate(
        IReadOnlyList<IReadOnlyList<int>> texts, IReadOnlyList<int> places, int? maxNewTokens = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(places);
        Require.AtLeast(maxNewTokens, 1);
        if (!IsOpen)
            throw new InvalidOperationException(
                "The policy was asked after RolloutFunc had returned; await all that it began before it returns.");
        if (texts.Count == 0)
            throw new ArgumentException("There are no texts; give at least one.", nameof(texts));
        if (places.Count != texts.Count)
            throw new ArgumentException($"There are {places.Count} places for {texts.Count} texts; give one each.", nameof(places));
        foreach (int place in places)
            if (place < 0 || place >= Prompts.Count)
                throw new ArgumentException(
                    $"There is no answer {place}; places lie between 0 and {Prompts.Count - 1}.", nameof(places));
        ModelConfig config = _policy.Network.Config;
        var limits = new RolloutLimits(texts.Count, config.VocabularySize, config.ContextLength, _policy.Network.Layout);
        int[][] ids = [.. texts.Select(text => text?.ToArray()!)];
        RolloutChecks.CheckPrompts(ids, limits);
        return _sample(ids, places, maxNewTokens ?? Generation.MaxNewTokens, _cancel);
    }
}
