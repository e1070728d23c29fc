using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Supervised fine-tuning one call at a time, for those who choose or make the texts as training goes on (filtered samples, a human in
/// the loop): TRL v0.11.4's <c>IterativeSFTTrainer</c>.
/// </summary>
/// <remarks>One thread at a time. Between two calls only weights, the optimizer's state and a few numbers are alive.</remarks>
public sealed class IterativeSftSession : IDisposable
{
    private const string Stage = "Iterative SFT";

    private readonly LanguageModel _model;
    private readonly CausalLanguageModel _network;
    private readonly IterativeSftOptions _options;
    private readonly MemorySaving _memory; // which weights are trained, as long as the session lives
    private readonly GradientStep _gradients;
    private readonly WeightAverage? _average;
    private readonly SftPass _pass;
    private readonly Generator _dropout;
    private readonly Random _order;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly int _limit;
    private int _updates;
    private long _tokens;
    private bool _isDisposed;

    /// <summary>Starts a run; the weights change with every step.</summary>
    /// <param name="model">What is trained: where an adapter that is to be trained is on, that alone. The caller keeps it.</param>
    /// <param name="options">Checked here. <see cref="TrainingOptions.Peft"/> puts an adapter beside a model that has none.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or does not fit the model; the message names it.
    /// </exception>
    /// <exception cref="InvalidOperationException">No weight of the model is trained, or the options' optimizer failed.</exception>
    /// <exception cref="IOException">A folder for optimizer state or activations is not there, or its disk is full.</exception>
    /// <exception cref="TrainingDivergedException">A weight is no finite number before the first step; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IterativeSftSession(LanguageModel model, IterativeSftOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        (_model, _network, _options) = (model, model.Network, options.Validated());
        QuantizedWeights.RequireHeld(_network, options.BaseQuantization, "model");
        PeftExtensions.Require(_network, options.Peft, options.Seed);
        _network.RequireTrainable("model");
        FiniteWeights.Require("model", _network.Everything());
        if (_network.Adapters is not { IsTrained: true })
            _network.Folder = null; // its weights will be others
        _limit = Math.Min(options.MaxLength ?? int.MaxValue, _network.Config.ContextLength);
        _pass = new SftPass(_network, SftLoss.Nll, options.RouterAuxLossCoef);
        _dropout = new Generator((uint)options.Seed);
        _order = new Random(options.Seed);
        _memory = MemorySaving.Begin(_network, options);
        try
        {
            _gradients = new GradientStep(ParameterRates.Of(_network, [], options), options, options.MaxSteps, _memory);
            _average = WeightAverage.Of(options, _network.parameters(), options.MaxSteps);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Updates done.</summary>
    public int StepNumber => _gradients.Number;

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _gradients.LearningRate;

    /// <summary>Learns whole texts, once each.</summary>
    /// <param name="texts">At least one.</param>
    /// <inheritdoc cref="Step(IReadOnlyList{TokenExample})"/>
    public StepReport Step(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return Step([.. texts.Select((text, row) => new TokenExample(_model.Codec.Whole(Given(text, row))))]);
    }

    /// <summary>Learns what follows prompts, once each.</summary>
    /// <param name="prompts">At least one; an encoder reads them, where there is one.</param>
    /// <param name="completions">As many.</param>
    /// <inheritdoc cref="Step(IReadOnlyList{TokenExample})"/>
    public StepReport Step(IReadOnlyList<string> prompts, IReadOnlyList<string> completions)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(completions);
        if (prompts.Count != completions.Count)
            throw new ArgumentException(
                $"There are {prompts.Count} prompts and {completions.Count} completions; give as many of both.", nameof(completions));
        RowCodec rows = _model.Codec.Rows(isConversational: false);
        return Step([.. prompts.Select((prompt, row) =>
        {
            RowTokens tokens = rows.Continued(Given(prompt, row), Given(completions[row], row), TemplateCells.None);
            return new TokenExample(tokens.Ids, tokens.PromptLength);
        })]);
    }

    /// <summary>Learns texts as token ids, once each, in an order of the seed: one update for so many as the options say.</summary>
    /// <param name="texts">At least one; each with a token to learn.</param>
    /// <returns>
    /// Means over this call: <c>loss</c>, <c>entropy</c>, <c>mean_token_accuracy</c>; with <c>grad_norm</c> (before clipping) and
    /// <c>learning_rate</c> of its last update, and the tokens read so far, <c>num_tokens</c>.
    /// </returns>
    /// <exception cref="ArgumentException">A text cannot be learnt from; the message names it. Nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">
    /// More updates would be made than the schedule has, and nothing has changed; or a function of the options (optimizer, schedule)
    /// failed.
    /// </exception>
    /// <exception cref="IOException">The disk of a folder of the options is full.</exception>
    /// <exception cref="TrainingDivergedException">
    /// Loss or gradient is no finite number; the weights are those of the last good update, but with
    /// <see cref="TrainingOptions.OptimizerInBackward"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public StepReport Step(IReadOnlyList<TokenExample> texts)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        TokenExample[] rows = [.. Checked(texts)];
        _order.Shuffle(rows);
        TokenExample[][][] updates = [.. rows.Chunk(_options.PerDeviceTrainBatchSize).Chunk(_options.GradientAccumulationSteps)];
        if (StepNumber + updates.Length > _options.MaxSteps)
            throw new InvalidOperationException(
                $"{StepNumber} updates are done, and {rows.Length} texts would make {updates.Length} more, but MaxSteps is "
                + $"{_options.MaxSteps}; begin the session with more, or give fewer texts.");
        var told = new LatestReport();
        var log = new StepLog(Stage, updates.Length, _options with { LoggingSteps = int.MaxValue, LoggingFirstStep = false }, told);
        _network.SetDropout(_dropout);
        _network.train();
        try
        {
            using IDisposable records = enable_grad(); // whoever calls may have turned gradients off
            for (int i = 0; i < updates.Length; i++)
                Update(updates[i], i + 1, log);
        }
        finally
        {
            _network.eval();
            _network.SetDropout(null);
        }
        StepReport report = told.Report!;
        _tokens += report.Tokens;
        Dictionary<string, double> metrics = new(report.Metrics) { ["num_tokens"] = _tokens };
        metrics.Remove("epoch");
        return new StepReport(Stage, StepNumber, _options.MaxSteps, metrics, _tokens, _clock.Elapsed);
    }

    /// <summary>
    /// Frees what the session made; the model stays. Frozen weights can be trained again, averaged ones have their averages from now on.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _gradients?.Dispose(); // null where the constructor failed
        _average?.Apply();
        _average?.Dispose();
        _dropout.Dispose();
        _memory.Dispose();
    }

    private void Update(TokenExample[][] batches, int number, StepLog log)
    {
        _gradients.Begin();
        double rate = LearningRate, divisor = batches.Sum(batch => batch.Sum(text => text.LearnedTokens()));
        double loss = batches.Sum(batch => Accumulate(batch, divisor, log));
        log.NoteUpdate(loss, _gradients.Update(loss), rate, _gradients.Scaler);
        _average?.Follow(++_updates);
        log.EndStep(number, epoch: 0);
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the update's loss.</returns>
    private double Accumulate(TokenExample[] texts, double divisor, StepLog log)
    {
        using TokenBatch batch = _network.Batch(texts);
        log.CountTokens(batch.Tokens);
        return _pass.Accumulate(batch, divisor, _gradients, log);
    }

    private List<TokenExample> Checked(IReadOnlyList<TokenExample> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0)
            throw new ArgumentException("There are no texts; give at least one.", nameof(texts));
        var cut = new List<TokenExample>();
        for (int row = 0; row < texts.Count; row++)
        {
            TokenExample text = Cut(texts[row] ?? throw new ArgumentException($"Text {row} is null; give a text.", nameof(texts)));
            if (text.Ids.Length == 0 || text.LearnedTokens() == 0)
                throw new ArgumentException(
                    $"Text {row} has no token to learn within {_limit} tokens; leave it out, or raise MaxLength.", nameof(texts));
            if (text.Ids.FirstOrDefault(id => (uint)id >= (uint)_network.Config.VocabularySize, -1) is var bad && text.Ids.Contains(bad))
                throw new ArgumentException(
                    $"Text {row} has the token id {bad}, which is outside the model's vocabulary of {_network.Config.VocabularySize}.",
                    nameof(texts));
            cut.Add(text);
        }
        return cut;
    }

    private TokenExample Cut(TokenExample text) => _options.TruncationMode == TruncationMode.KeepEnd && text.Ids.Length > _limit
        ? text.Slice(text.Ids.Length - _limit, _limit)
        : text.Truncated(_limit);

    private static string Given(string text, int row) =>
        text ?? throw new ArgumentException($"Text {row} is null; give a text.", nameof(text));
}
