using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// What options that save memory do to a model as long as it is trained: which parameters are trained, what blocks keep for the backward
/// pass, and when they are updated; freed memory stays for the next step. Afterwards the model is as it was.
/// </summary>
internal sealed class MemorySaving : IDisposable
{
    private readonly DecoderModel _model;
    private readonly TrainingOptions _options;
    private readonly Tensor[] _trained; // before anything was frozen
    private readonly Random _random;
    private readonly IDisposable _heap = NativeHeap.Hold(); // for loops of a caller, too
    private BlockTraining? _blocks;
    private IActivationStore? _store;
    private IDisposable? _largeBlocks;
    private Block[] _changing = []; // of which LISA chooses
    private int _steps;

    private MemorySaving(DecoderModel model, TrainingOptions options)
    {
        (_model, _options, _random) = (model, options, new Random(options.Seed));
        _trained = [.. model.parameters().Where(parameter => parameter.requires_grad)];
    }

    /// <summary>Whether blocks are updated in the backward pass.</summary>
    public bool UpdatesInBackward => _options.OptimizerInBackward;

    /// <summary>Blocks whose optimizer state is apart from the others'.</summary>
    public IReadOnlyList<Block> Parts { get; private set; } = [];

    /// <summary>Prepares a model.</summary>
    /// <param name="model">Has what is trained; the caller keeps it.</param>
    /// <param name="options">Checked.</param>
    /// <param name="freeze">Freezes more than the options say; null = nothing.</param>
    /// <returns>The caller disposes it before the model.</returns>
    /// <exception cref="ArgumentException">The options do not fit the model or where it is.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no folder for activations.</exception>
    /// <exception cref="InvalidOperationException">Nothing is left to be trained.</exception>
    public static MemorySaving Begin(DecoderModel model, TrainingOptions options, Action? freeze = null)
    {
        var plan = new MemorySaving(model, options);
        try
        {
            freeze?.Invoke();
            Freeze(model, options);
            plan.BeginLisa();
            plan.BeginBlocks();
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>Freezes what the options freeze.</summary>
    /// <param name="model">The caller keeps it.</param>
    /// <param name="options">Checked.</param>
    /// <exception cref="ArgumentException">The model has fewer layers.</exception>
    /// <exception cref="InvalidOperationException">Nothing is left to be trained.</exception>
    public static void Freeze(DecoderModel model, TrainingOptions options)
    {
        int most = model.Stacks.Max(stack => stack.Count), count = options.FreezeFirstLayers;
        if (count > most)
            throw new ArgumentException(
                $"FreezeFirstLayers ({count}) is more than the {most} layers of the model; it must be {most} or less.");
        Train([.. model.Stacks.SelectMany(stack => stack.Take(count)).SelectMany(block => block.StoredParameters())], false);
        if (options.FreezeEmbeddings)
        {
            Train(model.Body.EmbeddingParameters(), false);
            Train(model.Encoder?.EmbeddingParameters() ?? [], false);
        }
        model.RequireTrainable("model, after FreezeFirstLayers and FreezeEmbeddings,");
    }

    /// <summary>Blocks of which something is trained; of these LISA chooses.</summary>
    /// <param name="model">Frozen as it will be.</param>
    /// <param name="options">Checked.</param>
    /// <exception cref="ArgumentException">There are fewer than LISA is to choose.</exception>
    public static Block[] TrainedBlocks(DecoderModel model, TrainingOptions options)
    {
        IEnumerable<Block> blocks = model.Stacks.SelectMany(stack => stack);
        Block[] trained = [.. blocks.Where(block => block.OwnParameters().Any(parameter => parameter.requires_grad))];
        return options.LisaActivatedLayers is not { } count || count <= trained.Length ? trained : throw new ArgumentException(
            $"LisaActivatedLayers ({count}) is more than the {trained.Length} layers of the model that can be trained; it must be "
            + $"{trained.Length} or less.");
    }

    /// <summary>Says who updates a block in the backward pass; where that is not asked for, nobody does.</summary>
    public void UpdateInBackward(Action<Block> update)
    {
        if (UpdatesInBackward)
            _blocks!.Finished = update;
    }

    /// <summary>To be called before each step.</summary>
    public void NextStep()
    {
        if (_changing.Length > 0 && _steps % _options.LisaIntervalSteps == 0)
            Choose();
        _steps++;
    }

    /// <inheritdoc cref="BlockTraining.EndPass"/>
    public Exception? EndPass() => _blocks?.EndPass();

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.SetBlockTraining(null);
        foreach (Tensor parameter in _trained.Where(parameter => !parameter.IsInvalid))
            parameter.requires_grad = true;
        _store?.Dispose();
        _largeBlocks?.Dispose();
        _heap.Dispose();
    }

    private void BeginLisa()
    {
        Block[] trained = TrainedBlocks(_model, _options);
        if (_options.LisaActivatedLayers is not null)
            _changing = trained; // the first step chooses
        if (_changing.Length > 0 || UpdatesInBackward)
            Parts = trained;
    }

    private void BeginBlocks()
    {
        if (!_options.GradientCheckpointing && !UpdatesInBackward)
            return;
        if (_options.ActivationOffloading)
            _store = _options.OffloadFolder is { } folder ? new FileStore(folder)
                : _model.Device.type != TorchSharp.DeviceType.CPU ? new MemoryStore()
                : throw new ArgumentException(
                    "ActivationOffloading moves activations out of memory, and on the CPU they can only go to a file; set OffloadFolder.");
        if (_model.Device.type == TorchSharp.DeviceType.CPU)
            _largeBlocks = NativeHeap.KeepApart();
        _blocks = new BlockTraining { Recomputes = _options.GradientCheckpointing, Store = _store };
        _model.SetBlockTraining(_blocks);
    }

    /// <summary>Lets some blocks train, and no other of those that may.</summary>
    private void Choose()
    {
        HashSet<nint> trainable = [.. _trained.Select(parameter => parameter.Handle)];
        Block[] order = [.. _changing];
        _random.Shuffle(order);
        for (int index = 0; index < order.Length; index++)
        {
            IEnumerable<Tensor> parameters = order[index].OwnParameters().Where(parameter => trainable.Contains(parameter.Handle));
            Train([.. parameters], index < _options.LisaActivatedLayers);
        }
    }

    private static void Train(IEnumerable<Tensor> parameters, bool isTrained)
    {
        foreach (Tensor parameter in parameters)
        {
            parameter.requires_grad = isTrained;
            if (!isTrained)
                parameter.grad = null!;
        }
    }
}
