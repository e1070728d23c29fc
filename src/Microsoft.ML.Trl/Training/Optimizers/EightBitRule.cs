using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// A rule with moments in 8 bits: those of a parameter of at least <see cref="LeastCount"/> numbers; others keep float32. Nothing is
/// widened as a whole: on the CPU a kernel takes block by block, elsewhere libtorch's operators a part of the numbers at a time.
/// </summary>
/// <param name="update">The same rule in float32.</param>
/// <param name="codes">What the bytes of each moment mean.</param>
/// <param name="kernel">The step of one parameter by the kernel: weights, gradient, moments, numbers.</param>
internal sealed class EightBitRule(
    IElementwiseUpdate update, DynamicCode[] codes, Action<Tensor, Tensor, BlockwiseMoment[], StepOfSlot> kernel) : IUpdateRule
{
    /// <summary>Parameters with fewer numbers keep float32 moments, as bitsandbytes' min_8bit_size.</summary>
    public const long LeastCount = 4096;

    private const long Part = 1 << 18; // a multiple of the block size

    private readonly MomentRule _wide = new(update);

    /// <summary>Whether the kernel is used where it can be; tests compare both ways.</summary>
    public bool UsesKernel { get; init; } = true;

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> CreateState(Tensor parameter, StateMemory memory)
    {
        long count = parameter.NumberOfElements;
        if (!IsInBlocks(parameter))
            return _wide.CreateState(parameter, memory);
        return
        [
            .. codes.SelectMany(_ => new[]
            {
                memory.Zeros([count], ScalarType.Byte, parameter.device),
                memory.Zeros([BlockwiseMoment.BlocksOf(count)], ScalarType.Float32, parameter.device),
            }),
        ];
    }

    /// <inheritdoc/>
    public void Step(IReadOnlyList<ParameterSlot> slots, UpdateStep step)
    {
        _wide.Step([.. slots.Where(slot => !IsInBlocks(slot.Parameter))], step);
        foreach (ParameterSlot slot in slots.Where(slot => IsInBlocks(slot.Parameter)))
        {
            using DisposeScope scope = NewDisposeScope();
            BlockwiseMoment[] moments =
                [.. codes.Select((code, moment) => new BlockwiseMoment(slot.State[2 * moment], slot.State[(2 * moment) + 1], code))];
            Tensor gradient = slot.Gradient().contiguous(), weights = slot.Master ?? slot.Parameter.detach();
            if (UsesKernel && BlockwiseStep.Takes(weights, gradient))
                kernel(weights, gradient, moments, new StepOfSlot(slot, step));
            else
                StepInParts(slot, weights.view(-1), gradient.view(-1), moments, step);
            if (slot.Master is { } master)
                slot.Parameter.copy_(master);
            slot.HasMoved = true;
        }
    }

    private static bool IsInBlocks(Tensor parameter) => parameter.NumberOfElements >= LeastCount && parameter.is_contiguous();

    private void StepInParts(ParameterSlot slot, Tensor weights, Tensor gradient, BlockwiseMoment[] moments, UpdateStep step)
    {
        long count = weights.NumberOfElements;
        for (long start = 0; start < count; start += Part)
        {
            using DisposeScope scope = NewDisposeScope();
            long length = Math.Min(Part, count - start);
            Tensor target = weights.narrow(0, start, length), changed = target.to_type(ScalarType.Float32);
            Tensor wide = gradient.narrow(0, start, length).to_type(ScalarType.Float32, copy: true); // the operators divide it in place
            Tensor[] values = [.. moments.Select(moment => moment.Read(start, length))];
            update.Update(new UpdateBatch([changed], [wide], moment => [values[moment]], step.For(slot)));
            foreach ((BlockwiseMoment moment, Tensor value) in moments.Zip(values))
                moment.Write(start, value);
            if (target.dtype != ScalarType.Float32)
                slot.Store(target, changed, step, start);
        }
    }
}

/// <summary>The step of one slot.</summary>
internal readonly record struct StepOfSlot(ParameterSlot Slot, UpdateStep Step)
{
    /// <summary>The numbers of a kernel for Adam.</summary>
    public BlockwiseStep.Numbers Adam(UpdateSettings settings, bool isDecoupled)
    {
        FusedOptimizers.Step step = Step.For(Slot);
        double first = 1 - Math.Pow(settings.Beta1, step.Number), second = 1 - Math.Pow(settings.Beta2, step.Number);
        return Numbers(settings) with
        {
            Rate = (float)(step.Rate / first),
            RootFactor = (float)(1 / Math.Sqrt(second)),
            Keep = isDecoupled ? (float)(1 - (step.Rate * step.WeightDecay)) : 1,
            Added = isDecoupled ? 0 : (float)step.WeightDecay,
        };
    }

    /// <summary>The numbers of a kernel for LION.</summary>
    public BlockwiseStep.Numbers Lion(UpdateSettings settings)
    {
        FusedOptimizers.Step step = Step.For(Slot);
        return Numbers(settings) with { Rate = (float)step.Rate, Keep = (float)(1 - (step.Rate * step.WeightDecay)) };
    }

    private BlockwiseStep.Numbers Numbers(UpdateSettings settings) => new(
        (float)settings.Beta1, (float)settings.Beta2, (float)settings.Epsilon, 0, 1, 1, 0, (float)(1 / Step.Divisor), Slot.SeedOf(Step));
}
