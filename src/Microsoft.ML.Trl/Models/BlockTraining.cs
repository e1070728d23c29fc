using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Where inputs of blocks are while they wait for the backward pass.</summary>
internal interface IActivationStore : IDisposable
{
    /// <summary>Takes a copy.</summary>
    /// <param name="activation">Only read.</param>
    /// <returns>Brings it back, once, to the device that it came from, into the current scope.</returns>
    Func<Tensor> Put(Tensor activation);

    /// <summary>Forgets what was not brought back.</summary>
    void Clear();
}

/// <summary>
/// How the blocks of a model run while it is trained: what they keep for the backward pass, and who hears of its progress.
/// </summary>
internal sealed class BlockTraining
{
    /// <summary>Whether blocks keep nothing but their input, and compute the rest again.</summary>
    public bool Recomputes { get; init; }

    /// <summary>Where those inputs wait; null = where they are.</summary>
    public IActivationStore? Store { get; init; }

    /// <summary>Called in the backward pass when all gradients of a block's own parameters are there; null = nobody is.</summary>
    public Action<Block>? Finished { get; set; }

    /// <summary>Whether something went wrong in this backward pass.</summary>
    public bool HasFailed => Failure is not null;

    /// <summary>What went wrong.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Runs a block while gradients are recorded.</summary>
    /// <param name="block">The block.</param>
    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Of the pass.</param>
    /// <param name="rows">[N] the rows that anybody asks for; null = all.</param>
    /// <param name="random">What dropout draws from; null = nothing is dropped.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given. The caller owns it.</returns>
    public Tensor Forward(Block block, Tensor x, AttentionPattern pattern, Tensor? rows, Generator? random)
    {
        bool isTrained = block.OwnParameters().Any(parameter => parameter.requires_grad);
        if (!isTrained && !x.requires_grad && !pattern.Tensors().Any(tensor => tensor is { requires_grad: true }))
            return block.Forward(x, pattern, null, rows); // there is no backward pass
        if (Recomputes)
            return BlockPass.Run(this, block, x, pattern, rows, random);
        if (Finished is null || !isTrained || !x.requires_grad)
            return block.Forward(x, pattern, null, rows);
        using var scope = NewDisposeScope();
        return block.Forward(BlockStart.apply(x, () => Finish(block)), pattern, null, rows).MoveToOuterDisposeScope();
    }

    /// <summary>Told in the backward pass that a block is done; throws nothing.</summary>
    public void Finish(Block block)
    {
        if (Finished is null || HasFailed)
            return;
        try
        {
            using IDisposable frozen = no_grad();
            Finished(block);
        }
        catch (Exception cause)
        {
            Fail(cause);
        }
    }

    /// <summary>Told of the first failure, after which the rest of the backward pass does nothing.</summary>
    public void Fail(Exception cause) => Failure ??= cause;

    /// <summary>To be called when a backward pass is over.</summary>
    /// <returns>What went wrong in it; null = nothing.</returns>
    public Exception? EndPass()
    {
        Store?.Clear();
        Exception? failure = Failure;
        Failure = null;
        return failure;
    }

    /// <summary>The input of a block as it is; tells in the backward pass that the block is done.</summary>
    private sealed class BlockStart : autograd.SingleTensorFunction<BlockStart>
    {
        public override string Name => nameof(BlockStart);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data(nameof(Finish), vars[1]);
            return ((Tensor)vars[0]).alias();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var scope = NewDisposeScope();
            ((Action)ctx.get_data(nameof(Finish)))();
            return HandedGradients.Hand(grad_output, grad_output.alias(), null);
        }
    }
}
