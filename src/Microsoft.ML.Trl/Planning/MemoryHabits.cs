using Microsoft.ML.Trl.Adapters;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>What options mean in bytes: the one place that a new option of memory, optimizer or precision is known to.</summary>
internal static class MemoryHabits
{
    /// <summary>Numbers that a matrix in few bits is widened to at a time, in bytes.</summary>
    public const long WidenedPart = 4L << 20;

    /// <summary>Whether weights and activations have 16 bits.</summary>
    public static bool IsNarrow(TrainingOptions options) => options.Bf16 || options.Fp16;

    /// <summary>Bytes of a weight and of its gradient.</summary>
    public static int Size(TrainingOptions options) => IsNarrow(options) ? 2 : 4;

    /// <summary>Name of the type of the weights.</summary>
    public static string TypeName(TrainingOptions options) => options.Bf16 ? "bfloat16" : options.Fp16 ? "float16" : "float32";

    /// <summary>Bytes per trained weight of the model that the optimizer keeps beside its moments: a float32 master.</summary>
    public static int MasterBytes(TrainingOptions options) => IsNarrow(options) && !RoundsAtRandom(options) ? 4 : 0;

    /// <summary>Whether updates of 16-bit weights are rounded at random, without a master.</summary>
    public static bool RoundsAtRandom(TrainingOptions options) => options.Bf16 && options.UpdateSettings.RoundsAtRandom;

    /// <summary>Bytes of what an optimizer remembers of a tensor.</summary>
    /// <param name="options">A factory of the user's is taken for AdamW.</param>
    /// <param name="shape">Of the tensor.</param>
    public static long StateBytes(TrainingOptions options, ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long size in shape)
            count *= size;
        OptimizerKind kind = options.OptimizerFactory is null ? options.Optim : OptimizerKind.AdamW;
        return kind switch
        {
            OptimizerKind.Sgd => 0,
            OptimizerKind.RmsProp or OptimizerKind.Adagrad or OptimizerKind.Lion => count * 4,
            OptimizerKind.Adafactor => shape.Length < 2 ? count * 4 : ((count / shape[^1]) + (count / shape[^2])) * 4,
            OptimizerKind.AdamW8Bit or OptimizerKind.Adam8Bit => 2 * EightBitMoment(count),
            OptimizerKind.Lion8Bit => EightBitMoment(count),
            _ => count * 8,
        };
    }

    /// <summary>Whether the state of the optimizer, and masters with it, lie in files.</summary>
    public static bool KeepsStateInFiles(TrainingOptions options) => options.OptimizerStateFolder is not null;

    /// <summary>
    /// Bytes per number of a 16-bit tensor that are there in float32 while it is updated: the gradient, and without a master the weights,
    /// where a rule takes whole tensors.
    /// </summary>
    public static int WidenedBytes(TrainingOptions options) => !IsNarrow(options) ? 0
        : RoundsAtRandom(options)
            && options.Optim is OptimizerKind.AdamW or OptimizerKind.Adam or OptimizerKind.Sgd or OptimizerKind.Adagrad ? 8 : 4;

    /// <summary>Bytes per number of a step of the user's optimizer: clipped gradients, and what TorchSharp's AdamW makes.</summary>
    public static int OwnStepBytes(TrainingOptions options) => options.OptimizerFactory is null ? 0 : 12;

    /// <summary>What blocks keep for the backward pass: all, or their inputs alone, and all of one while it is computed again.</summary>
    /// <param name="blocks">Bytes that each block would keep; the last is the one whose backward pass begins.</param>
    /// <param name="input">Bytes of the input of a block that stay in memory.</param>
    /// <param name="recomputes">Whether inputs alone are kept.</param>
    public static double Kept(IReadOnlyCollection<double> blocks, double input, bool recomputes) =>
        recomputes ? (input * (blocks.Count - 1)) + blocks.Last() : blocks.Sum();

    /// <summary>Bytes per number of a block's input that stay in memory where blocks are computed again.</summary>
    public static double InputSize(TrainingOptions options) => options.ActivationOffloading ? 0 : Size(options);

    /// <summary>Distributions over the vocabulary that a pass has for each label.</summary>
    public static int Distributions(TrainingOptions options) => options
        is DistillOptions { Alpha: > 0 } or MiniLlmOptions { SingleStepDecomposition: true } ? 2 : 1;

    /// <summary>Tensors that comparing two distributions makes, each as large as what is compared at a time; 0 without a teacher.</summary>
    public static int Compared(TrainingOptions options)
    {
        double? beta = options switch
        {
            DistillOptions distill => distill.Beta,
            GkdOptions gkd => gkd.Beta,
            MiniLlmOptions { SingleStepDecomposition: true } => 1,
            _ => null,
        };
        return beta switch { null => 0, 0 => 6, 1 => 5, _ => 10 };
    }

    /// <summary>Bytes of the weights of a model whose matrices may be held in few bits.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="quantization">How the matrices are held.</param>
    /// <param name="size">Bytes of a weight that is not quantized.</param>
    public static long WeightBytes(ModelShape shape, WeightQuantization quantization, int size)
    {
        if (quantization == WeightQuantization.None)
            return shape.Weights * size;
        long rest = shape.Weights, bytes = 0;
        foreach (LinearModule layer in shape.BlockLayers)
        {
            (long outputs, long inputs) = ModelShape.SizeOf(layer);
            rest -= outputs * inputs;
            bytes += MatrixBytes(quantization, outputs, inputs);
        }
        if (!WidensHead(quantization))
            return bytes + (rest * size); // embedding and vocabulary projection stay as they are
        long vocabulary = shape.Embedding + shape.OwnHead;
        return bytes + vocabulary + (4 * vocabulary / shape.Config.HiddenSize) + ((rest - vocabulary) * size);
    }

    /// <summary>Whether embedding and vocabulary projection are in few bits too; losses read the projection as a whole.</summary>
    public static bool WidensHead(WeightQuantization quantization) => quantization is WeightQuantization.Int8 or WeightQuantization.Int4;

    /// <summary>Bytes of a matrix in few bits, with its scales.</summary>
    private static long MatrixBytes(WeightQuantization quantization, long outputs, long inputs)
    {
        long count = outputs * inputs;
        return quantization switch
        {
            WeightQuantization.Nf4 => (count / 2) + (count / 16),                        // 4 for every 64 numbers
            WeightQuantization.Nf4Nested => (count / 2) + (count / 64) + (count / 4096), // 1 for 64, 4 for 256 of these
            WeightQuantization.Int4 when Int4Matrix.Fits(inputs) => (count / 2) + (count / 8),
            _ => count + (4 * outputs),
        };
    }

    private static long EightBitMoment(long count) =>
        count < EightBitRule.LeastCount ? count * 4 : count + (4 * Operators.BlockwiseMoment.BlocksOf(count));
}
