using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>What options mean in bytes: the one place that a new option of memory, optimizer or precision is known to.</summary>
internal static class MemoryHabits
{
    /// <summary>Whether weights and activations have 16 bits.</summary>
    public static bool IsNarrow(TrainingOptions options) => options.Bf16;

    /// <summary>Bytes of a weight and of its gradient.</summary>
    public static int Size(TrainingOptions options) => IsNarrow(options) ? 2 : 4;

    /// <summary>Name of the type of the weights.</summary>
    public static string TypeName(TrainingOptions options) => options.Bf16 ? "bfloat16" : "float32";

    /// <summary>Bytes per trained weight of the model that the optimizer keeps beside its moments: a float32 master.</summary>
    public static int MasterBytes(TrainingOptions options) => IsNarrow(options) ? 4 : 0;

    /// <summary>Bytes of an optimizer's moments per number that is trained.</summary>
    public static double StateBytes(OptimizerKind kind) => kind switch
    {
        OptimizerKind.Sgd => 0,
        OptimizerKind.RmsProp or OptimizerKind.Adagrad => 4,
        _ => 8,
    };

    /// <summary>What blocks keep for the backward pass: all, or their inputs alone, and all of one while it is computed again.</summary>
    /// <param name="blocks">Bytes that each block would keep.</param>
    /// <param name="input">Bytes of the input of a block.</param>
    /// <param name="recomputes">Whether inputs alone are kept.</param>
    public static double Kept(IReadOnlyCollection<double> blocks, double input, bool recomputes) =>
        recomputes ? (input * blocks.Count) + blocks.Max() : blocks.Sum();

    /// <summary>Bytes of the weights of a model whose matrices may be held in few bits.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="quantization">How the matrices are held.</param>
    /// <param name="size">Bytes of a weight that is not quantized.</param>
    public static long WeightBytes(ModelShape shape, WeightQuantization quantization, int size)
    {
        (double matrices, double vocabulary) = quantization switch
        {
            WeightQuantization.None => (size, size),
            WeightQuantization.Int8 => (1, 1), // the scales are one number per row
            _ => (0.5 + (4.0 / 32), 1),        // and one for every 32 inputs
        };
        long rest = shape.Weights - shape.BlockMatrices - shape.VocabularyMatrices;
        return (long)((shape.BlockMatrices * matrices) + (shape.VocabularyMatrices * vocabulary)) + (rest * size);
    }
}
