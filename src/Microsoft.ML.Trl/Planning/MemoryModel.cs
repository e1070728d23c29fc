using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>A moment of a run, with what each component takes then.</summary>
internal sealed record MemoryMoment(string Name, IReadOnlyList<TrainingPlanRow> Rows)
{
    public long Bytes => Rows.Sum(row => row.Bytes);
}

/// <summary>The moments at which a run may take most.</summary>
/// <param name="shape">What is trained.</param>
/// <param name="options">Checked.</param>
/// <param name="lengths">Of the texts.</param>
/// <param name="start">How the run begins.</param>
internal sealed class MemoryModel(ModelShape shape, TrainingOptions options, TextLengths lengths, StartFacts start)
{
    private readonly HeldMemory _held = new(shape, options, start);
    private readonly PassShape _pass = Passes.Training(options, lengths, shape.Config, start.IsCpu);
    private readonly int _size = MemoryHabits.Size(options);
    private readonly bool _isNarrow = MemoryHabits.IsNarrow(options);

    /// <summary>The pass whose backward pass takes most.</summary>
    public PassShape Pass => _pass;

    /// <summary>The moment at which the run takes most.</summary>
    public MemoryMoment Peak() => Moments().MaxBy(moment => moment.Bytes)!;

    /// <summary>All moments that may be that one.</summary>
    public IEnumerable<MemoryMoment> Moments()
    {
        yield return new MemoryMoment("opening of the model", [_held.Weights(), MadeOf()]);
        yield return new MemoryMoment("check of the weights", [.. _held.Rows().Take(1), Check()]);
        IReadOnlyList<TrainingPlanRow> held = [.. _held.Rows(), .. Snapshot()];
        yield return new MemoryMoment("begin of the backward pass", [.. held, .. BackwardBegins()]);
        yield return new MemoryMoment("end of the backward pass", [.. held, .. BackwardEnds()]);
        yield return new MemoryMoment("update of the weights", [.. held, AllGradients(), Widened()]);
        if (options is PpoOptions ppo)
            yield return new MemoryMoment("sampling of responses", [.. _held.Rows(), .. RolloutMemory.Rows(shape, ppo, lengths, _size)]);
    }

    private TrainingPlanRow MadeOf() => new("weights it is made of", shape.Weights * start.SourceBytes, "gone once it is made");

    /// <summary>The largest tensor is compared with what is not finite: its amount, and two truths per number.</summary>
    private TrainingPlanRow Check() => new("comparison", shape.Embedding * (_size + 2), "of the largest tensor");

    private IEnumerable<TrainingPlanRow> BackwardBegins()
    {
        var sizes = new ActivationSize(shape, _pass);
        List<double> blocks = [];
        double last = 0;
        foreach ((Block block, int stack) in shape.Blocks)
        {
            (double attention, double rest) = sizes.OfBlock(block);
            bool isLast = stack == 0 && block == shape.Model.Body.Blocks[^1];
            blocks.Add((attention * _pass.Tokens) + (rest * (isLast ? Math.Min(_pass.Labels, _pass.Tokens) : _pass.Tokens)));
            last = isLast ? sizes.InBackward(block) * Math.Min(_pass.Labels, _pass.Tokens) : last;
        }
        double kept = MemoryHabits.Kept(blocks, (double)_pass.Tokens * shape.Config.HiddenSize * _size, recomputes: false);
        double ends = _pass.Labels * 3.0 * shape.Config.OutputSize * _size; // final norm, and what the head reads
        yield return new(
            "activations", (long)(kept + ends + last), Counted($"{_pass.Tokens:N0} tokens through {shape.Blocks.Count()} blocks"));
        if (shape.Model is CausalLanguageModel)
            yield return Vocabulary();
        long gradients = AccumulatesBefore ? AllGradients().Bytes : shape.TrainsHead ? HeadGradient : 0;
        yield return AllGradients() with { Bytes = gradients };
    }

    private IEnumerable<TrainingPlanRow> BackwardEnds()
    {
        var sizes = new ActivationSize(shape, _pass);
        Block first = shape.Model.Body.Blocks[0];
        (double attention, double rest) = sizes.OfBlock(first);
        yield return new(
            "activations", (long)((attention + rest + sizes.InBackward(first)) * _pass.Tokens), "of the first block");
        yield return AllGradients();
    }

    /// <summary>Whether gradients of an earlier pass are there while one begins.</summary>
    private bool AccumulatesBefore => options switch
    {
        EpochOptions epochs => epochs.GradientAccumulationSteps > 1,
        PpoOptions ppo => ppo.GradientAccumulationSteps > 1,
        _ => false,
    };

    /// <summary>That of the projection to the vocabulary, which is made first; of 16-bit weights with its float32 sum.</summary>
    private long HeadGradient => shape.Embedding * (_size + (_isNarrow ? 4 : 0));

    private TrainingPlanRow AllGradients()
    {
        long sums = _isNarrow && AccumulatesBefore ? shape.TrainedWeights * 4 : 0;
        long bytes = (shape.TrainedWeights * _size) + sums + (shape.AdapterWeights * 4);
        long numbers = shape.TrainedWeights + shape.AdapterWeights;
        return new("gradients", bytes, Counted($"of {numbers:N0} numbers, {TrainingPlan.Size(bytes)} once all are there"));
    }

    /// <summary>Logits, or the softmax that is kept: a part of the rows at a time.</summary>
    private TrainingPlanRow Vocabulary()
    {
        long all = _pass.Labels * shape.Config.VocabularySize * 4;
        bool isKept = all <= Numerics.LogProbs.KeepBytes && shape.Config.LogitSoftCap is null;
        long bytes = isKept ? all : Math.Min(all, Numerics.VocabularyHead.ChunkBytes);
        return new(
            "logits", (long)(bytes * (!_isNarrow ? 1 : shape.TrainsHead ? 2 : 1.25)), // 16-bit products beside them
            Counted($"{_pass.Labels:N0} labels over {shape.Config.VocabularySize:N0} tokens, {(isKept ? "all" : "a part")} at a time"));
    }

    private TrainingPlanRow Widened() =>
        new("gradients in float32", _isNarrow ? Math.Min(64L << 20, shape.TrainedWeights * 8) : 0, "some at a time");

    /// <summary>What PPO goes back to when an update fails.</summary>
    private IEnumerable<TrainingPlanRow> Snapshot() => options is PpoOptions
        ? [new("copy of what is trained", (shape.TrainedWeights * _size) + (shape.AdapterWeights * 4), "to go back to if an update fails")]
        : [];

    private static string Counted(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>How a run begins.</summary>
/// <param name="IsCpu">Whether it runs on the CPU.</param>
/// <param name="SharesBase">Whether the weights that adapters stand beside are in memory already.</param>
/// <param name="SharesReference">Whether those of the reference are.</param>
/// <param name="SourceBytes">Bytes per number of a model that it is made of, which is in memory at the same time; 0 without one.</param>
internal sealed record StartFacts(bool IsCpu, bool SharesBase = false, bool SharesReference = false, int SourceBytes = 0);
