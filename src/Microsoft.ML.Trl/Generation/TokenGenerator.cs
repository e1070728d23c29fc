
namespace Microsoft.ML.Trl.Generation;

/// <summary>Continues texts, given and returned as token ids.</summary>
/// <remarks>A row's tokens do not depend on the rows beside it: prompts of different lengths are padded on the left, and each row draws from its own stream of chance.</remarks>
/// <param name="model">Only read; the caller keeps it alive. One generation at a time per model.</param>
public sealed class TokenGenerator(CausalLanguageModel model)
{
    /// <summary>Whether results carry the hidden states that tokens were chosen from.</summary>
    internal bool KeepsStates { get; init; }

    /// <summary>Continues a batch of prompts.</summary>
    /// <param name="prompts">Token ids per row; none empty, none as long as the model's context.</param>
    /// <param name="options">How to continue.</param>
    /// <param name="rowSeeds">One number per row that together with <see cref="GenerationOptions.Seed"/> decides its draws; null numbers the rows from 0.</param>
    /// <param name="stop">Given a row's new tokens after each step, tells whether the row ends; for stop strings give <see cref="StopStrings.IsReached"/>. Null never ends one.</param>
    /// <param name="onToken">Called with row and token as soon as one is chosen; null for nobody.</param>
    /// <param name="cancel">Checked once per token.</param>
    /// <returns>The new tokens of each row.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, holds an id outside of the vocabulary or leaves no room in the context, or an option is out of range.</exception>
    /// <exception cref="OperationCanceledException">It was canceled; nothing is kept.</exception>
    public GenerationResult Generate(
        IReadOnlyList<int[]> prompts,
        GenerationOptions options,
        IReadOnlyList<long>? rowSeeds = null,
        Func<IReadOnlyList<int>, bool>? stop = null,
        Action<int, int>? onToken = null,
        CancellationToken cancel = default)
    {
        Check(prompts, options, rowSeeds, stop);
        if (prompts.Count == 0)
            return new GenerationResult([], [], [], []);
        GrowingRow[] rows = [.. prompts.Select((prompt, row) => new GrowingRow(
            row, prompt, Math.Min(options.MaxNewTokens, model.Config.ContextLength - prompt.Length), new RowRandom(options.Seed, rowSeeds?[row] ?? row)))];
        bool training = model.training;
        model.eval();
        try
        {
            using IDecodingSession session = HostDecodingSession.Create(model, prompts, rows.Max(row => row.Limit));
            Run(session, rows, options, stop, onToken, cancel);
        }
        finally
        {
            model.train(training);
        }
        return new GenerationResult(
            [.. rows.Select(row => row.NewTokens.ToArray())], [.. rows.Select(row => row.LogProbs.ToArray())],
            [.. rows.Select(row => row.SampledLogProbs.ToArray())], [.. rows.Select(row => row.HasEnded)])
        {
            States = KeepsStates ? [.. rows.Select(row => row.States.ToArray())] : null,
        };
    }

    private void Run(
        IDecodingSession session, GrowingRow[] rows, GenerationOptions options, Func<IReadOnlyList<int>, bool>? stop, Action<int, int>? onToken, CancellationToken cancel)
    {
        int vocabulary = model.Config.VocabularySize;
        IReadOnlyList<int> endTokens = options.EosTokenIds ?? [.. model.Config.EosTokenIds.Where(id => id >= 0 && id < vocabulary)];
        TokenSampler sampler = new(options, endTokens);
        float[] logits = new float[rows.Length * vocabulary];
        session.States = KeepsStates ? new float[rows.Length * model.Config.HiddenSize] : null;
        cancel.ThrowIfCancellationRequested();
        session.Start(logits);
        for (GrowingRow[] active = rows; ;)
        {
            for (int i = 0; session.States is { } states && i < active.Length; i++)
                active[i].States.Add(states.AsSpan(i * model.Config.HiddenSize, model.Config.HiddenSize).ToArray());
            Parallel.For(0, active.Length, i => active[i].Choose(sampler, logits.AsSpan(i * vocabulary, vocabulary)));
            foreach (GrowingRow row in active)
            {
                row.HasEnded = endTokens.Contains(row.Newest) || stop?.Invoke(row.NewTokens) == true;
                onToken?.Invoke(row.Number, row.Newest);
            }
            active = Array.FindAll(active, row => !row.HasEnded && row.NewTokens.Count < row.Limit);
            if (active.Length == 0)
                return;
            cancel.ThrowIfCancellationRequested();
            session.Next(Array.ConvertAll(active, row => row.Number), Array.ConvertAll(active, row => row.Newest), logits);
        }
    }

    private void Check(IReadOnlyList<int[]> prompts, GenerationOptions options, IReadOnlyList<long>? rowSeeds, Func<IReadOnlyList<int>, bool>? stop)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(options);
        options.Validated();
        (int context, int vocabulary) = (model.Config.ContextLength, model.Config.VocabularySize);
        if (rowSeeds is not null && rowSeeds.Count != prompts.Count)
            throw new ArgumentException($"There are {rowSeeds.Count} row seeds for {prompts.Count} prompts; give one per prompt, or none.", nameof(rowSeeds));
        if (options.StopStrings.Count > 0 && stop is null)
            throw new ArgumentException("StopStrings were set, but nothing turns tokens into text here; give a stop predicate made of StopStrings and a decoder.", nameof(stop));
        foreach (int end in (options.EosTokenIds ?? []).Where(id => id < 0 || id >= vocabulary))
            throw new ArgumentException($"The end token {end} of EosTokenIds is not in the vocabulary, which has the tokens 0 to {vocabulary - 1}.", nameof(options));
        for (int row = 0; row < prompts.Count; row++)
        {
            int[] prompt = prompts[row];
            if (prompt.Length == 0)
                throw new ArgumentException($"Prompt {row} is empty; begin it with at least one token, such as the model's begin token.", nameof(prompts));
            if (prompt.Length >= context)
                throw new ArgumentException($"Prompt {row} has {prompt.Length} tokens, but the model's context holds {context}, answer included; shorten the prompt to at most {context - 1} tokens.", nameof(prompts));
            if (Array.FindIndex(prompt, id => id < 0 || id >= vocabulary) is >= 0 and int wrong)
                throw new ArgumentException($"Prompt {row} holds the token {prompt[wrong]}, but the vocabulary has the tokens 0 to {vocabulary - 1}; do tokenizer and model belong together?", nameof(prompts));
        }
    }
}
