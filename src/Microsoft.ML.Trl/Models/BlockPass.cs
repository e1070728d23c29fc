using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// One block in one pass that is made again in the backward pass. Of the forward pass only the block's input is kept, and what all blocks
/// of the pass share.
/// </summary>
/// <param name="run">Of which it is a part.</param>
/// <param name="block">The block.</param>
/// <param name="pattern">Of the pass; its tensors may be gone when the backward pass begins.</param>
/// <param name="random">What dropout draws from; null = nothing is dropped.</param>
internal sealed class BlockPass(BlockTraining run, Block block, AttentionPattern pattern, Generator? random) : IRecomputed
{
    private const int FirstShared = 2; // behind x and the rows

    private Func<Tensor>? _input; // brings it back from where it was stored
    private byte[]? _state; // of the generator, before the pass
    private Tensor? _chosen; // [E] of the forward pass, where the block has experts

    public bool HasFailed => run.HasFailed;

    /// <summary>The block's outputs.</summary>
    /// <param name="run">Of which it is a part.</param>
    /// <param name="block">The block.</param>
    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Of the pass.</param>
    /// <param name="rows">[N] the rows that anybody asks for; null = all.</param>
    /// <param name="random">What dropout draws from; null = nothing is dropped.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given. The caller owns it.</returns>
    public static Tensor Run(BlockTraining run, Block block, Tensor x, AttentionPattern pattern, Tensor? rows, Generator? random)
    {
        using var scope = NewDisposeScope();
        var pass = new BlockPass(run, block, pattern, random);
        Tensor[] outputs = Recomputation.Run(pass, [x, rows, .. pattern.Tensors()]);
        pattern.RouterLoad?.AddPart(pass._chosen, outputs.ElementAtOrDefault(1));
        return outputs[0].MoveToOuterDisposeScope();
    }

    public IReadOnlyList<Tensor> Compute(IReadOnlyList<Tensor?> inputs)
    {
        _state = random?.State();
        AttentionPattern inner = pattern.Over(inputs.Skip(FirstShared), pattern);
        IReadOnlyList<Tensor> outputs = Forward(inputs, inner);
        _chosen = inner.RouterLoad?.Chosen?.DetachFromDisposeScope();
        return outputs;
    }

    public IReadOnlyList<Tensor?> Keep(IReadOnlyList<Tensor?> inputs)
    {
        _input = run.Store?.Put(inputs[0]!);
        return [_input is null ? inputs[0] : null, inputs[1], .. pattern.Tensors()];
    }

    public (IReadOnlyList<Tensor?> Inputs, IReadOnlyList<Tensor> Outputs) Repeat(IReadOnlyList<Tensor?> kept, IReadOnlyList<bool> wanted)
    {
        byte[]? now = random?.State();
        if (_state is not null)
            random!.SetState(_state);
        try
        {
            bool Wanted(int index) => index < wanted.Count && wanted[index];
            Tensor?[] leaves = [.. kept.Select((tensor, index) =>
                Recomputation.Leaf(index == 0 && _input is not null ? _input() : tensor, Wanted(index)))];
            return (leaves, Forward(leaves, pattern.Over(leaves.Skip(FirstShared), null)));
        }
        finally
        {
            if (now is not null)
                random!.SetState(now);
        }
    }

    public void Finish() => run.Finish(block);

    public void Fail(Exception cause) => run.Fail(cause);

    /// <summary>The residual stream, and where the block has experts, how its router spread the tokens.</summary>
    private Tensor[] Forward(IReadOnlyList<Tensor?> inputs, AttentionPattern inner)
    {
        Tensor y = block.Forward(inputs[0]!, inner, null, inputs[1]);
        return inner.RouterLoad?.Probabilities is { } probabilities ? [y, probabilities] : [y];
    }
}
