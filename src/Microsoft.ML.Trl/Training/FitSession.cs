namespace Microsoft.ML.Trl.Training;

/// <summary>One call of <c>Fit</c>, the same for every method: device, reports, and what becomes of the model on an early end.</summary>
internal sealed class FitSession : IDisposable
{
    private readonly StageTracker _tracker;

    private FitSession(StageContext stage, TrainingOptions options)
    {
        _tracker = new StageTracker(stage.Ml, stage.Name, stage.Progress);
        Cancel = stage.Cancel;
        var device = new DeviceChoice(options.UseCpu, options.GpuDeviceId, options.FallbackToCpu, options.Bf16);
        Placement = device.Resolve(ContextSettings.Of(stage.Ml), Warn);
    }

    /// <summary>Device and type of the weights.</summary>
    public Placement Placement { get; }

    /// <summary>Hands every report on: to ML.NET's log, to the caller, and into the history.</summary>
    public IProgress<StepReport> Progress => _tracker;

    /// <summary>Ends training within one step.</summary>
    public CancellationToken Cancel { get; }

    /// <summary>Trains a policy and hands it out as a transformer; also on the exception, where training ends early.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Device and type.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="output">Columns and generation options of the transformer.</param>
    /// <param name="train">
    /// Trains the model in place. Its last argument is the network that was copied, where it is in memory in the right place: a
    /// reference that costs nothing; null otherwise.
    /// </param>
    public static TextGenerationTransformer TrainPolicy(
        StageContext stage,
        TrainingOptions options,
        IDataView input,
        PolicyOutput output,
        Action<FitSession, LanguageModel, CausalLanguageModel?> train)
    {
        ModelSource source = stage.StartModel(input);
        using var session = new FitSession(stage, options);
        using var model = new OwnershipGuard<LanguageModel>(source.OpenPolicy(session.Placement));
        output.Generation?.CheckEndTokens(model.Value.Network.Config.VocabularySize);
        return Run(
            () => train(session, model.Value, source.Frozen(session.Placement)),
            () => output.Transformer(model.Release(), session._tracker.Reports));
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
        using var model = new OwnershipGuard<TextRewardModel>(source.OpenReward(session.Placement, options.Seed));
        return Run(() => train(session, model.Value), () => finish(model.Release(), [.. session._tracker.Reports]));
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

    /// <inheritdoc/>
    public void Dispose() => _tracker.Dispose();

    private static T Run<T>(Action train, Func<T> finish)
        where T : ITransformer
    {
        try
        {
            train();
        }
        catch (Exception stop) when (stop is IPartialModel)
        {
            ((IPartialModel)stop).Model = finish();
            throw;
        }
        return finish();
    }
}
