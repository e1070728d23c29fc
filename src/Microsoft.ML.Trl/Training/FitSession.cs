using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>One call of <c>Fit</c>, the same for every method: device, reports, and what becomes of the model on an early end.</summary>
internal sealed class FitSession : IDisposable
{
    private readonly StageTracker _tracker;
    private readonly CancelWatch _watch;
    private readonly StageContext _stage;
    private readonly Placement _base;

    private FitSession(StageContext stage, TrainingOptions options)
    {
        _stage = stage;
        options.RequireEvaluationData();
        var host = new ComponentHost(stage.Ml, "TRL " + stage.Name);
        var device = new DeviceChoice(options.UseCpu, options.GpuDeviceId, options.FallbackToCpu, options.Bf16, options.Fp16);
        Placement = device.Resolve(ContextSettings.Of(stage.Ml), text => host.Warn("Fit", text));
        QuantizedWeights.Check(Placement.Device, options.BaseQuantization);
        _base = Placement with { Quantization = options.BaseQuantization };
        _tracker = new StageTracker(host, stage.Progress);
        _watch = host.Watch(stage.Cancel);
        string[] unused = [.. options.WithoutEffect()];
        if (unused.Length > 0)
            Warn($"Options without effect in this run: {string.Join("; ", unused)}.");
    }

    /// <summary>Device and type of the weights.</summary>
    public Placement Placement { get; }

    /// <summary>Hands every report on: to ML.NET's log, to the caller, and into the history.</summary>
    public IProgress<StepReport> Progress => _tracker;

    /// <summary>Ends training within one step: the caller's token, or <c>CancelExecution</c> of the context.</summary>
    public CancellationToken Cancel => _watch.Token;

    /// <summary>Trains a policy and hands it out as a transformer; also on the exception, where training ends early.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Device and type.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="output">Columns and generation options of the transformer.</param>
    /// <param name="held">What becomes of the reference in memory.</param>
    /// <param name="train">
    /// Trains the model in place. Its last argument is the reference: the stage's own, or the network that was copied, where it is in
    /// memory in the right place and costs nothing; null otherwise.
    /// </param>
    public static TextGenerationTransformer TrainPolicy(
        StageContext stage,
        TrainingOptions options,
        IDataView input,
        PolicyOutput output,
        HeldReference held,
        Action<FitSession, LanguageModel, CausalLanguageModel?> train)
    {
        ModelSource source = stage.StartModel(input);
        using var session = new FitSession(stage, options);
        using var model = new OwnershipGuard<LanguageModel>(
            SharesBase(options) ? source.OpenBase(session._base) : source.OpenPolicy(session._base));
        AddAdapter(model.Value.Network, options);
        output.Generation?.CheckTokens(model.Value.Network.Config.VocabularySize);
        session._tracker.Policy = new PolicyView(
            model.Value, output.Generation, output.Conversations, session.Cancel);
        using Borrowed<LanguageModel>? reference = session.Reference(source, held, options.Peft, model.Value.Network.Config);
        return session.Run(
            () => train(session, model.Value, reference?.Model.Network),
            () => output.Transformer(stage.Ml, model.Release(), session._tracker.Reports));
    }

    /// <summary>Trains a reward model and hands it out as a transformer; also on the exception, where training ends early.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Device, type, and the seed of a fresh head.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="train">Trains the model in place.</param>
    /// <param name="finish">The transformer of the trained model, which it owns, and the reports.</param>
    public static RewardTransformer TrainReward(
        StageContext stage,
        TrainingOptions options,
        IDataView input,
        Action<FitSession, TextRewardModel> train,
        Func<TextRewardModel, IReadOnlyList<StepReport>, RewardTransformer> finish)
    {
        ModelSource source = stage.StartModel(input);
        using var session = new FitSession(stage, options);
        using var model = new OwnershipGuard<TextRewardModel>(SharesBase(options)
            ? source.OpenRewardBase(session._base, options.Seed)
            : source.OpenReward(session._base, options.Seed));
        AddAdapter(model.Value.Network, options);
        return session.Run(() => train(session, model.Value), () => finish(model.Release(), [.. session._tracker.Reports]));
    }

    /// <summary>Trains a classifier and hands it out as a transformer; also on the exception, where training ends early.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Device, type, and the seed of a fresh head.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="labels">What the classifier is to tell apart.</param>
    /// <param name="train">Trains the model in place.</param>
    /// <param name="finish">The transformer of the trained model, which it owns, and the reports.</param>
    public static T TrainClassifier<T>(
        StageContext stage,
        TrainingOptions options,
        IDataView input,
        WantedLabels labels,
        Action<FitSession, TextClassifier> train,
        Func<TextClassifier, IReadOnlyList<StepReport>, T> finish)
        where T : ITransformer
    {
        ModelSource source = stage.StartModel(input);
        using var session = new FitSession(stage, options);
        using var model = new OwnershipGuard<TextClassifier>(source.OpenClassifier(session._base, labels));
        AddAdapter(model.Value.Network, options);
        return session.Run(() => train(session, model.Value), () => finish(model.Release(), [.. session._tracker.Reports]));
    }

    /// <summary>Trains a network that is no language model, in float32, and hands it out as a transformer; also on the exception.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="options">What has no effect beside other options.</param>
    /// <param name="open">Makes the model to train, on a device.</param>
    /// <param name="train">Trains it in place.</param>
    /// <param name="finish">The transformer of the trained model, which it owns, and the reports.</param>
    public static T TrainNetwork<TModel, T>(
        StageContext stage,
        NetworkTraining options,
        Func<Device, TModel> open,
        Action<FitSession, TModel> train,
        Func<TModel, IReadOnlyList<StepReport>, T> finish)
        where TModel : class, IDisposable
        where T : ITransformer
    {
        using var session = new FitSession(stage, options);
        using var model = new OwnershipGuard<TModel>(open(session.Placement.Device));
        return session.Run(() => train(session, model.Value), () => finish(model.Release(), [.. session._tracker.Reports]));
    }

    /// <summary>Tokens a row may have: the option, or the model's context where that is less; a warning says so.</summary>
    public int LimitLength(int? maxLength, ModelConfig config)
    {
        if (maxLength > config.ContextLength)
            Warn($"MaxLength ({maxLength}) is more than the model's context; rows have {config.ContextLength} tokens at most.");
        return Math.Min(maxLength ?? int.MaxValue, config.ContextLength);
    }

    /// <summary>A warning to ML.NET's log.</summary>
    public void Warn(string text) => _tracker.Warn(text);

    /// <summary>Says in the log and in the history what became of the rows, where not all are learnt from as they came.</summary>
    public void Tell(RowCounts counts)
    {
        if (counts.Warning is { } warning)
            Warn(warning);
        _tracker.AddToNext(counts.Metrics);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _tracker.Dispose();
    }

    /// <summary>
    /// Whether the base may be that of the starting model. DoRA stands alone beside a layer, so adapters there are merged.
    /// </summary>
    private static bool SharesBase(TrainingOptions options) => options.Peft is { UseDora: false };

    private static void AddAdapter(DecoderModel model, TrainingOptions options)
    {
        if (options.Peft is not { } peft)
        {
            model.Folder = null; // its weights will be others
            return;
        }
        if (!peft.SaveBase && model.Folder is null)
            throw new ArgumentException(
                "SaveBase is false, but the stage does not start from the unchanged weights of a folder, where the base could be found "
                + "again; set it to true, or start from ModelSource.Folder.", nameof(options));
        PeftExtensions.AddNamed(model, peft, options.Seed);
    }

    private Borrowed<LanguageModel>? Reference(ModelSource start, HeldReference held, LoraOptions? peft, ModelConfig policy)
    {
        bool isInt8 = held.Kind == ReferenceKind.Int8;
        if (isInt8)
            QuantizedWeights.Check(Placement.Device, WeightQuantization.Int8);
        if (_stage.Reference is { } given)
            return given.OpenReference(
                isInt8 ? Placement with { Quantization = WeightQuantization.Int8 } : Placement, policy, held.Moves);
        if (isInt8 && (peft is not null || held.IsReadOnce))
            Warn($"ReferenceModel {held.Kind} has no effect in this run: the reference takes no memory of its own, since it is the policy "
                + (peft is not null ? "without its adapter." : "before training."));
        return held.Moves || isInt8 || peft is not null ? null : start.SharedPolicy(Placement); // null: the policy makes one
    }

    private T Run<T>(Action train, Func<T> finish)
        where T : ITransformer
    {
        try
        {
            train();
        }
        catch (OperationCanceledException stop) when (stop is not IPartialModel && Cancel.IsCancellationRequested)
        {
            throw new TrainingCanceledException(_stage.Name, _stage.Cancel) { Model = finish() };
        }
        catch (Exception stop) when (stop is IPartialModel)
        {
            ((IPartialModel)stop).Model = finish();
            throw;
        }
        return finish();
    }
}
