using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>What a backward pass takes on its way from the head to the first block.</summary>
/// <param name="shape">What is trained.</param>
/// <param name="options">Checked.</param>
/// <param name="pass">Numbers of the pass.</param>
/// <param name="gradients">That it makes.</param>
/// <param name="isCpu">Whether it runs on the CPU.</param>
internal sealed class BackwardMemory(
    ModelShape shape, TrainingOptions options, PassShape pass, GradientMemory gradients, bool isCpu)
{
    private readonly int _size = MemoryHabits.Size(options);
    private readonly bool _isNarrow = MemoryHabits.IsNarrow(options), _recomputes = options.GradientCheckpointing;
    private readonly ActivationSize _sizes = new(shape, pass);

    /// <summary>Begin and end, and where blocks are computed again, each block: rows are those of the pass alone.</summary>
    public IEnumerable<MemoryMoment> Moments()
    {
        // backwards: the decoder's last block first, an encoder's first block last
        Block[] path = [.. Path()];
        double[] bytes = [.. path.Select(Bytes)];
        if (PlannedTeacher.KindOf(options) is not null)
            yield return new MemoryMoment("end of the forward pass", [.. End(path, bytes)]);
        yield return new MemoryMoment("begin of the backward pass", [.. Begin(path, bytes)]);
        HashSet<Block> above = new(ReferenceEqualityComparer.Instance);
        for (int index = 0; index < path.Length; index++)
        {
            bool isLast = index == path.Length - 1;
            if (_recomputes || isLast)
            {
                double kept = MemoryHabits.Kept([.. bytes[index..].Reverse()], Input, _recomputes);
                yield return new MemoryMoment(
                    isLast ? "end of the backward pass" : $"backward pass of block {path.Length - index} of {path.Length}",
                    [
                        Activations(kept + (_sizes.InBackward(path[index]) * RowsOf(path[index])), isLast ? 1 : path.Length - index),
                        gradients.While(above, path[index], isLast),
                    ]);
            }
            above.Add(path[index]);
        }
    }

    /// <summary>Bytes of a block's input that wait for its backward pass.</summary>
    private double Input => (double)pass.Tokens * shape.Config.HiddenSize * MemoryHabits.InputSize(options);

    /// <summary>Where the teacher's distribution is beside the student's.</summary>
    private IEnumerable<TrainingPlanRow> End(Block[] path, double[] bytes)
    {
        TrainingPlanRow logits = Vocabulary(MemoryHabits.Distributions(options) + 1);
        long most = KeptLogits ?? Math.Min(AllLogits, Numerics.VocabularyHead.ChunkBytes / 2);
        long block = isCpu ? Math.Min(Numerics.VocabularySoftmax.BlockElements * sizeof(float), most) : most;
        return
        [
            Activations(AtTheHead(path, bytes), path.Length), logits,
            new("compared distributions", MemoryHabits.Compared(options) * block, "some rows at a time"), gradients.Before(),
        ];
    }

    /// <summary>What all blocks keep, with final norm and what the head reads.</summary>
    private double AtTheHead(Block[] path, double[] bytes) =>
        (pass.Labels * 3.0 * shape.Config.OutputSize * _size) + (_recomputes ? Input * path.Length : bytes.Sum());

    private IEnumerable<TrainingPlanRow> Begin(Block[] path, double[] bytes)
    {
        double last = _recomputes || path.Length == 0 ? 0 : _sizes.InBackward(path[0]) * RowsOf(path[0]);
        yield return Activations(AtTheHead(path, bytes) + last, path.Length);
        if (shape.Model is CausalLanguageModel)
            yield return Vocabulary(MemoryHabits.Distributions(options));
        yield return gradients.While(new HashSet<Block>(), null, isLast: false);
    }

    private IEnumerable<Block> Path() => shape.Model.Body.Blocks.Reverse().Concat((shape.Model.Encoder?.Blocks ?? []).Reverse())
        .Where(shape.IsPassed);

    /// <summary>Rows that go through what stands behind a block's attention: behind that of the last one, labels alone.</summary>
    private long RowsOf(Block block) => block == shape.Model.Body.Blocks[^1] ? Math.Min(pass.Labels, pass.Tokens) : pass.Tokens;

    private double Bytes(Block block)
    {
        (double attention, double rest) = _sizes.OfBlock(block);
        return (attention * pass.Tokens) + (rest * RowsOf(block));
    }

    private TrainingPlanRow Activations(double bytes, int blocks) => new(
        "activations", (long)bytes, FormattableString.Invariant($"{pass.Tokens:N0} tokens, ")
            + (_recomputes ? FormattableString.Invariant($"inputs of {blocks} blocks") + (options.ActivationOffloading ? " in files" : "")
                : FormattableString.Invariant($"all of {blocks} blocks")));

    private long AllLogits => pass.Labels * shape.Config.VocabularySize * 4;

    /// <summary>Bytes of a distribution for each label where they are kept for the backward pass, null where they are made again.</summary>
    private long? KeptLogits => AllLogits <= Numerics.LogProbs.KeepBytes && shape.Config.LogitSoftCap is null ? AllLogits : null;

    /// <summary>Logits, or the softmax that is kept: a part of the rows at a time.</summary>
    /// <param name="times">Of how many distributions.</param>
    private TrainingPlanRow Vocabulary(int times)
    {
        long bytes = KeptLogits * times ?? Math.Min(AllLogits, Numerics.VocabularyHead.ChunkBytes);
        return new(
            "logits", (long)(bytes * (!_isNarrow ? 1 : shape.TrainsHead ? 2 : 1.25)), // 16-bit products beside them
            FormattableString.Invariant($"{pass.Labels:N0} labels over {shape.Config.VocabularySize:N0} tokens, ")
                + (KeptLogits is not null ? "all at a time" : "a part at a time"));
    }
}
