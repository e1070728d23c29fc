using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Who listens to a run may know how the policy writes, for those callbacks that ask.</summary>
internal interface IRunAudience : IProgress<StepReport>
{
    /// <summary>Null where what is trained writes nothing.</summary>
    PolicyView? Policy { get; }
}

/// <summary>What is trained, for those who look at it between steps.</summary>
/// <param name="Weights">All that may change.</param>
/// <param name="Read">Calls something with the model in evaluation mode.</param>
internal sealed record TrainedModel(IEnumerable<Tensor> Weights, Action<Action> Read);

/// <summary>
/// What happens before, between and after the steps of a run: callbacks → report → evaluation → callbacks. Decides whether it goes on.
/// </summary>
/// <param name="stage">Who trains.</param>
/// <param name="totalSteps">Steps of the run.</param>
/// <param name="options">Validated.</param>
/// <param name="log">Of the run.</param>
/// <param name="policy">Writes with what is trained; null = it writes nothing.</param>
/// <param name="cancel">Looked at for every batch of an evaluation.</param>
internal sealed class BetweenSteps(
    string stage, int totalSteps, TrainingOptions options, StepLog log, PolicyView? policy, CancellationToken cancel) : IDisposable
{
    private readonly int _evalInterval = StepLog.Interval(options.EvalSteps ?? options.LoggingSteps, totalSteps);
    private readonly BestModel _best = new(options);
    private TrainingControl _control = new(canEvaluate: false);
    private HeldOutSet? _heldOut;
    private TrainedModel? _model;
    private BestWeights? _bestWeights;
    private Dictionary<string, double> _evaluation = [];
    private StepPlan _done = new(0, 0, []);

    /// <summary>Whether steps remain to be made.</summary>
    public bool GoesOn => _control.StopReason is null;

    /// <summary>Called before the first step.</summary>
    /// <param name="heldOut">What evaluations measure; null = there is nothing.</param>
    /// <param name="model">What is trained; null = nobody looks at it.</param>
    public void Begin(HeldOutSet? heldOut, TrainedModel? model)
    {
        RequireAble(heldOut, model);
        (_heldOut, _model, _control) = (heldOut, model, new TrainingControl(heldOut is not null));
        if (options.LoadBestModelAtEnd)
            _bestWeights = new BestWeights(model!.Weights);
        Call((callback, state) => callback.OnTrainBegin(state, _control));
        if (options.EvalOnStart || _control.Evaluates)
            Evaluate();
        ReportAsked();
    }

    /// <summary>Called after each step.</summary>
    public void End(StepPlan done)
    {
        bool endsPass = Math.Floor(done.Epoch) > Math.Floor(_done.Epoch);
        _done = done;
        _control.Begin();
        Call((callback, state) => callback.OnStepEnd(state, _control));
        Guard("the progress callback", () => log.EndStep(done.Number, done.Epoch, done.Work, _control));
        bool isDue = options.EvalStrategy switch
        {
            EvalStrategy.Steps => done.Number % _evalInterval == 0,
            EvalStrategy.Epoch => endsPass || done.Number == totalSteps || !GoesOn,
            _ => false,
        };
        if (isDue || _control.Evaluates)
            Evaluate();
        ReportAsked();
    }

    /// <summary>Called when no step remains to be made.</summary>
    public void Finish()
    {
        if (!GoesOn)
            Guard("the progress callback", () => log.Report(_done.Number, _done.Epoch, _control, _control.StopReason));
        else
            Guard("the progress callback", log.EndRun);
        _bestWeights?.Restore();
        Call((callback, state) => callback.OnTrainEnd(state, _control), asks: false);
    }

    /// <inheritdoc/>
    public void Dispose() => _bestWeights?.Dispose();

    private void RequireAble(HeldOutSet? heldOut, TrainedModel? model)
    {
        if (heldOut is null && (options.EvalStrategy != EvalStrategy.No || options.EvalOnStart))
            throw new NotSupportedException($"{stage} does not evaluate during training; set EvalStrategy to No and EvalOnStart to false.");
        if (model is null && options.LoadBestModelAtEnd)
            throw new NotSupportedException($"{stage} cannot go back to its best weights; set LoadBestModelAtEnd to false.");
    }

    private void ReportAsked()
    {
        if (_control.TakeLog())
            Guard("the progress callback", () => log.Report(_done.Number, _done.Epoch, _control));
    }

    private void Evaluate()
    {
        Dictionary<string, double> figures = [];
        IReadOnlyList<SampleCompletion> samples = [];
        Guard("the evaluation", () => (figures, samples) = Measured());
        _evaluation = figures.ToDictionary(figure => EvaluatedOptions.EvalPrefix + figure.Key, figure => figure.Value);
        _evaluation["epoch"] = _done.Epoch;
        Guard("the progress callback", () => log.ReportEvaluation(_done.Number, _evaluation, samples));
        if (_done.Number > 0)
            Guard("the evaluation", () => Judge(figures));
        Call((callback, state) => callback.OnEvaluate(state, _control));
    }

    private void Judge(Dictionary<string, double> figures)
    {
        if (_best.IsBest(_done.Number, figures))
            _bestWeights?.Keep();
        if (_best.StopReason is { } reason)
            _control.Stop(reason);
    }

    private (Dictionary<string, double> Figures, IReadOnlyList<SampleCompletion> Samples) Measured()
    {
        var meter = new FigureMeter();
        IReadOnlyList<SampleCompletion> samples = [];
        Action read = () =>
        {
            using IDisposable frozen = no_grad();
            foreach (int[] batch in Enumerable.Range(0, _heldOut!.Count).Chunk(options.PerDeviceEvalBatchSize))
            {
                cancel.ThrowIfCancellationRequested();
                using DisposeScope scope = NewDisposeScope();
                _heldOut.Pass(batch, meter);
            }
            samples = _heldOut.Samples?.Invoke() ?? [];
        };
        if (_model is null)
            read();
        else
            _model.Read(read);
        Dictionary<string, double> figures = meter.Result();
        _heldOut!.Complete?.Invoke(figures);
        return (figures, samples);
    }

    private void Call(Action<ITrainingCallback, TrainingState> call, bool asks = true)
    {
        foreach (ITrainingCallback callback in options.Callbacks)
        {
            TrainingState state = State();
            _control.IsOpen = asks;
            if (policy is not null)
                policy.IsOpen = true;
            try
            {
                Guard($"the callback {callback.GetType().Name}", () => call(callback, state));
            }
            finally
            {
                _control.IsOpen = false;
                if (policy is not null)
                    policy.IsOpen = false;
            }
        }
    }

    private TrainingState State() => new(stage, totalSteps)
    {
        Step = _done.Number,
        Epoch = _done.Epoch,
        Metrics = log.Metrics(_done.Epoch),
        Evaluation = _evaluation,
        BestMetric = _best.Record.Metric,
        BestStep = _best.Record.Metric is null ? null : _best.Record.Step,
        Policy = policy,
    };

    /// <summary>Whatever fails between steps, the weights are those of the last one.</summary>
    private void Guard(string what, Action action)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            action();
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw new TrainingCanceledException(stage, _done.Number, totalSteps, cancel);
        }
        catch (Exception cause) when (cause is not IPartialModel)
        {
            throw new TrainingFailedException(stage, _done.Number, what, cause);
        }
    }
}
