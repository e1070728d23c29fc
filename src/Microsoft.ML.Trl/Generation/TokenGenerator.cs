using System.Runtime.InteropServices;
using Microsoft.ML.Trl.Generation.Constraints;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Continues texts, given and returned as token ids.</summary>
/// <remarks>
/// A row's tokens do not depend on the rows beside it: prompts of different lengths are padded on the left, and each row draws from its
/// own stream of random numbers. That holds in float32; in bfloat16 rounding differs with the number of rows, so tokens may.
/// </remarks>
/// <param name="model">Only read; the caller keeps it alive. One generation at a time per model.</param>
public sealed class TokenGenerator(CausalLanguageModel model)
{
    private readonly CausalLanguageModel _model = model ?? throw new ArgumentNullException(nameof(model));

    /// <summary>Tells the bytes of tokens, for <see cref="GenerationOptions.Constraint"/>; null where there is none.</summary>
    public TextTokenizer? Tokenizer { get; init; }

    /// <summary>Whether results carry the hidden states that tokens were chosen from.</summary>
    internal bool KeepsStates { get; init; }

    /// <summary>Draws from a mixture of the model and another one; null = from the model alone. Not with beams.</summary>
    internal GeometricMixture? Mixture { get; init; }

    /// <summary>Continues a batch of prompts.</summary>
    /// <param name="prompts">Token ids per row; none empty, none as long as the model's context.</param>
    /// <param name="options">How to continue.</param>
    /// <param name="rowSeeds">
    /// One number per row that together with <see cref="GenerationOptions.Seed"/> decides its draws; null numbers the rows from 0.
    /// </param>
    /// <param name="stop">
    /// Given a row's new tokens after each step, tells whether the row ends; for stop strings give <see cref="StopStrings.IsReached"/>.
    /// Null never ends one. With beams it is asked about every continuation that is looked at.
    /// </param>
    /// <param name="onToken">
    /// Called with row of the result and token as soon as one is chosen; null for nobody. Not with beams, whose tokens are only known at
    /// the end.
    /// </param>
    /// <param name="cancel">Checked once per token.</param>
    /// <returns>The new tokens of each row; <see cref="GenerationOptions.NumReturnSequences"/> rows per prompt.</returns>
    /// <exception cref="ArgumentException">
    /// A prompt is empty, holds an id outside of the vocabulary or leaves no room in the context, or an option is out of range.
    /// There is a constraint, and no tokenizer or one of another vocabulary. With beams: there is a function that asks for tokens.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <exception cref="InvalidOperationException">
    /// The weights are broken: the logits are no numbers. Or the options forbid every token that could come next.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was canceled; nothing is kept.</exception>
    public GenerationResult Generate(
        IReadOnlyList<int[]> prompts, GenerationOptions options, IReadOnlyList<long>? rowSeeds = null,
        Func<IReadOnlyList<int>, bool>? stop = null, Action<int, int>? onToken = null, CancellationToken cancel = default)
    {
        Check(prompts, options, rowSeeds, stop, onToken);
        if (prompts.Count == 0)
            return new GenerationResult([], [], [], []);
        int draws = options.NumBeams > 1 ? 1 : options.NumReturnSequences;
        int[][] asked = [.. prompts.SelectMany(prompt => Enumerable.Repeat(prompt, draws))];
        long seed(int prompt) => rowSeeds?[prompt] ?? prompt;
        GrowingRow[] rows = [.. asked.Select((prompt, row) => Row(prompt, row, options, seed(row / draws), row % draws))];
        bool training = _model.training;
        _model.eval();
        try
        {
            using var noGrad = no_grad();
            using DisposeScope scope = NewDisposeScope();
            int vocabulary = _model.Config.VocabularySize;
            IReadOnlyList<int> ends = options.EosTokenIds ?? [.. _model.Config.EosTokenIds.Where(id => id >= 0 && id < vocabulary)];
            TokenConstraint? constraint = options.Constraint?.Over(Tokenizer!.Trie);
            LogitsProcessors processors = new(options, ends, _model.Device, constraint);
            RowEnds rowEnds = new(ends, stop, constraint);
            if (options.NumBeams > 1)
                return new BeamSearch(_model, options, ends, processors, rowEnds).Run(prompts, rows, cancel);
            GenerationHistory history = new(KeepsStates);
            Run(asked, rows, history, options, processors, rowEnds, onToken, cancel);
            GenerationResult result = history.Result(rows);
            result.States?.MoveToOuterDisposeScope();
            return result;
        }
        finally
        {
            _model.train(training);
        }
    }

    /// <summary>A row that begins with what the decoder reads before the answer.</summary>
    private GrowingRow Row(int[] prompt, int number, GenerationOptions options, long seed, int draw)
    {
        int[] begin = _model.Layout.BeforeAnswer(prompt);
        int context = Math.Min(_model.Config.ContextLength, Mixture?.Other.Config.ContextLength ?? int.MaxValue);
        int limit = Math.Min(options.MaxNewTokens, context - begin.Length);
        return new GrowingRow(number, begin, limit, new RowRandom(options.Seed, PromptSeed.OfSample(seed, draw)));
    }

    /// <summary>
    /// Reads the prompts, then chooses tokens until every row is done. An ended row runs along until half of the batch has ended.
    /// </summary>
    private void Run(
        int[][] prompts, GrowingRow[] batch, GenerationHistory history, GenerationOptions options, LogitsProcessors processors,
        RowEnds ends, Action<int, int>? onToken, CancellationToken cancel)
    {
        TokenSampler sampler = new(options, processors);
        int most = batch.Max(row => row.Limit);
        using IDecoding session = Mixture?.Begin(_model, prompts, most) ?? new DecodingSession(_model, prompts, most);
        Tensor? context = processors.NeedsContext ? RowContext.Create([.. batch.Select(row => row.Prompt)], most, _model.Device) : null;
        cancel.ThrowIfCancellationRequested();
        Tensor hidden = session.Start();
        for (int step = 0; ; step++)
        {
            Tensor tokens = Choose(sampler, session, hidden, context, batch, history);
            foreach (GrowingRow row in batch.Where(row => row.NewTokens.Count > step))
            {
                row.HasEnded = ends.IsReached(row);
                onToken?.Invoke(row.Number, row.NewTokens[^1]);
            }
            GrowingRow[] active = Array.FindAll(batch, row => !row.IsDone);
            if (active.Length == 0)
                return;
            cancel.ThrowIfCancellationRequested();
            context?.narrow(1, step, 1).copy_(tokens.unsqueeze(-1));
            if (active.Length * 2 <= batch.Length)
            {
                long[] places = [.. active.Select(row => (long)Array.IndexOf(batch, row))];
                session.Keep(places);
                Tensor kept = tensor(places, device: _model.Device);
                (tokens, context, batch) = (tokens.index_select(0, kept), context?.index_select(0, kept), active);
            }
            hidden = session.Next(tokens);
        }
    }

    /// <summary>
    /// Chooses the next token of every row and adds it to the rows that are not done. Reads the tokens from the device, and nothing else.
    /// </summary>
    /// <returns>[R] int64.</returns>
    private Tensor Choose(
        TokenSampler sampler, IDecoding session, Tensor hidden, Tensor? context, GrowingRow[] batch, GenerationHistory history)
    {
        using DisposeScope scope = NewDisposeScope();
        int step = history.Steps;
        Tensor uniforms = tensor([.. batch.Select(row => row.Random.Uniform(step))], device: _model.Device);
        Tensor logits = session.Logits(hidden).to_type(ScalarType.Float32);
        TokenChoice choice = sampler.Choose(logits, context, step, uniforms, batch);
        long[] tokens = [.. MemoryMarshal.Cast<byte, long>(choice.Tokens.cpu().bytes)];
        if (Array.Exists(tokens, token => token < 0))
        {
            if (tokens.Where((token, i) => token < 0 && !batch[i].IsDone).Any())
                throw NoToken(logits.logsumexp(-1).isfinite().all().item<bool>());
            choice.Tokens.clamp_min_(0); // a row that only runs along
        }
        history.Add(batch, tokens, choice, hidden);
        return choice.Tokens.MoveToOuterDisposeScope();
    }

    /// <summary>Why no token can be chosen.</summary>
    /// <param name="logitsAreNumbers">Whether it is not for the model.</param>
    internal static InvalidOperationException NoToken(bool logitsAreNumbers) => new(logitsAreNumbers
        ? "The options forbid every token that could come next (BadWordsIds, SuppressTokens, NoRepeatNgramSize, MinNewTokens, "
            + "Constraint with a vocabulary that cannot write it); forbid less."
        : "The logits of the next token are not finite numbers; the weights are damaged or have diverged.");

    private void CheckConstraint(TextConstraint? constraint, int vocabulary)
    {
        if (constraint is not null && Tokenizer is null)
            throw new ArgumentException(
                "Constraint is set, but nothing tells the bytes of tokens here; set Tokenizer of the TokenGenerator.", nameof(constraint));
        if (constraint is not null && Tokenizer!.VocabularySize > vocabulary)
            throw new ArgumentException(
                $"The tokenizer has {Tokenizer.VocabularySize} tokens, but the model's vocabulary has {vocabulary}; "
                + "tokenizer and model must belong together.", nameof(constraint));
    }

    private void Check(
        IReadOnlyList<int[]> prompts, GenerationOptions options, IReadOnlyList<long>? rowSeeds, Func<IReadOnlyList<int>, bool>? stop,
        Action<int, int>? onToken)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(options);
        options.Validated();
        _model.Body.ThrowIfDisposed();
        (int context, int vocabulary) = (_model.Config.ContextLength, _model.Config.VocabularySize);
        if (rowSeeds is not null && rowSeeds.Count != prompts.Count)
            throw new ArgumentException(
                $"There are {rowSeeds.Count} row seeds for {prompts.Count} prompts; give one per prompt, or none.", nameof(rowSeeds));
        if (options.StopStrings.Count > 0 && stop is null)
            throw new ArgumentException(
                "StopStrings were set, but nothing turns tokens into text here; give a stop predicate made of StopStrings and a decoder.",
                nameof(stop));
        options.CheckTokens(vocabulary);
        CheckConstraint(options.Constraint, vocabulary);
        if (KeepsStates)
            options.ValidatedForRollouts();
        if (onToken is not null && options.NumBeams > 1)
            options.ValidatedForDraws("onToken");
        for (int row = 0; row < prompts.Count; row++)
        {
            int[] prompt = prompts[row];
            if (prompt is null || prompt.Length == 0)
                throw new ArgumentException(
                    $"Prompt {row} is {(prompt is null ? "null" : "empty")}; begin it with at least one token, such as the model's begin "
                    + "token.", nameof(prompts));
            if (prompt.Length >= context)
                throw new ArgumentException(
                    $"Prompt {row} has {prompt.Length} tokens, but the model's context holds {context}, answer included; " +
                    $"shorten the prompt to at most {context - 1} tokens.", nameof(prompts));
            if (Array.FindIndex(prompt, id => id < 0 || id >= vocabulary) is >= 0 and int wrong)
                throw new ArgumentException(
                    $"Prompt {row} holds the token {prompt[wrong]}, but the vocabulary has the tokens 0 to {vocabulary - 1}; " +
                    "do tokenizer and model belong together?", nameof(prompts));
        }
    }
}
