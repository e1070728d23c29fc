using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>A part of a network whose intermediate results are not kept for the backward pass, but made again there.</summary>
internal interface IRecomputed
{
    /// <summary>Whether an earlier part of this backward pass failed, so that the rest of it does nothing.</summary>
    bool HasFailed { get; }

    /// <summary>The forward pass.</summary>
    /// <param name="inputs">Leaves of a graph of their own; null where there is none.</param>
    /// <returns>In the current scope.</returns>
    IReadOnlyList<Tensor> Compute(IReadOnlyList<Tensor?> inputs);

    /// <summary>What the backward pass needs to compute the same again.</summary>
    /// <param name="inputs">Those of the forward pass.</param>
    /// <returns>Kept by the graph; null where the part keeps one itself.</returns>
    IReadOnlyList<Tensor?> Keep(IReadOnlyList<Tensor?> inputs);

    /// <summary>Computes the same again, from what was kept; gradients are recorded.</summary>
    /// <param name="kept">What <see cref="Keep"/> returned.</param>
    /// <param name="wanted">For each input, whether it needs a gradient.</param>
    /// <returns>The leaves in the place of the inputs, and the outputs; in the current scope.</returns>
    (IReadOnlyList<Tensor?> Inputs, IReadOnlyList<Tensor> Outputs) Repeat(IReadOnlyList<Tensor?> kept, IReadOnlyList<bool> wanted);

    /// <summary>Called when all gradients of the part are there.</summary>
    void Finish();

    /// <summary>Told what went wrong in the backward pass, which no exception may leave.</summary>
    void Fail(Exception cause);
}

/// <summary>Gradient checkpointing: arXiv:1604.06174. Trades the memory of intermediate results for a second forward pass.</summary>
/// <remarks>
/// The forward pass records a graph too, and drops it: so both passes take the same kernels, and the numbers are the same, bit by bit. The
/// graph of one part exists at a time, as in the backward pass.
/// </remarks>
internal sealed class Recomputation : autograd.MultiTensorFunction<Recomputation>
{
    private const string Part = nameof(Part), Wanted = nameof(Wanted);
    private const int FirstInput = 2; // behind the part and a tensor of no numbers

    public override string Name => nameof(Recomputation);

    /// <summary>The outputs of a part.</summary>
    /// <param name="part">What is computed.</param>
    /// <param name="inputs">Tensors that it reads and that may need a gradient; null where there is none.</param>
    /// <returns>Differentiable, even if no input is: parameters of the part may be trained. The caller owns them.</returns>
    public static Tensor[] Run(IRecomputed part, IReadOnlyList<Tensor?> inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor anchor = zeros(0, requires_grad: true); // makes the engine call the backward pass
        return [.. apply([part, anchor, .. inputs]).Select(output => output.MoveToOuterDisposeScope())];
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var part = (IRecomputed)vars[0];
        Tensor?[] inputs = [.. vars.Skip(FirstInput).Select(value => value as Tensor)];
        bool[] wanted = [.. inputs.Select(input => input is { requires_grad: true })];
        IReadOnlyList<Tensor> outputs;
        using (enable_grad())
            outputs = part.Compute([.. inputs.Zip(wanted, Leaf)]);
        ctx.set_materialize_grads(false); // there may be none of an output
        ctx.save_data(Part, part);
        ctx.save_data(Wanted, inputs.Select(input => input is { requires_grad: true } ? Kind.Of(input) : null).ToArray());
        ctx.save_for_backward([.. part.Keep(inputs).Select(tensor => tensor!)]);
        return [.. outputs.Select(output => output.detach().MoveToOuterDisposeScope())];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        var part = (IRecomputed)ctx.get_data(Part);
        var wanted = (Kind?[])ctx.get_data(Wanted);
        Tensor?[]? gradients = null;
        try
        {
            if (!part.HasFailed)
                gradients = Differentiate(part, ctx, Array.ConvertAll(wanted, kind => kind is not null), grad_outputs);
        }
        catch (Exception cause)
        {
            part.Fail(cause);
        }
        gradients ??= Array.ConvertAll(wanted, kind => kind?.Zeros()); // other custom functions do not stand a gradient that is none
        foreach (Tensor other in grad_outputs.Skip(1))
            other.Dispose();
        return HandedGradients.Hand(grad_outputs[0], [.. new Tensor?[FirstInput], .. gradients]);
    }

    /// <summary>A leaf with the numbers of a tensor.</summary>
    public static Tensor? Leaf(Tensor? tensor, bool isWanted) => tensor?.detach().requires_grad_(isWanted);

    /// <summary>Shape, type and place of a gradient.</summary>
    private sealed record Kind(long[] Shape, ScalarType Type, Device Device)
    {
        public static Kind Of(Tensor tensor) => new(tensor.shape, tensor.dtype, tensor.device);

        /// <summary>In the memory of a single number.</summary>
        public Tensor Zeros() => zeros([], Type, Device).expand(Shape);
    }

    /// <summary>The gradients of the inputs; those of parameters are added where they belong.</summary>
    private static Tensor?[] Differentiate(IRecomputed part, autograd.AutogradContext ctx, bool[] wanted, List<Tensor> upstream)
    {
        IReadOnlyList<Tensor?> inputs;
        using (enable_grad())
        {
            (inputs, IReadOnlyList<Tensor> outputs) = part.Repeat(ctx.get_saved_variables(), wanted);
            int[] used = [.. Enumerable.Range(0, outputs.Count).Where(index => outputs[index].requires_grad && !upstream[index].IsInvalid)];
            if (used.Length > 0)
                autograd.backward([.. used.Select(index => outputs[index])], [.. used.Select(index => upstream[index])]);
        }
        part.Finish();
        return [.. inputs.Take(wanted.Length).Select(input => input?.grad)];
    }
}
