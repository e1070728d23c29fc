using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Picks the implementation of an update rule once, when training begins.</summary>
internal static class ParameterUpdates
{
    /// <summary>One fused pass over memory where all parameters are float32 on the CPU and the rule is Adam's; tensor operations otherwise.</summary>
    public static IParameterUpdate Create(IReadOnlyList<Tensor> parameters, OptimizerSettings settings)
    {
        bool adam = settings.Kind is OptimizerKind.AdamW or OptimizerKind.Adam;
        return adam && parameters.All(IsPlainMemory) ? new FusedAdam(parameters, settings) : new TensorUpdate(parameters, settings);
    }

    /// <summary>What a parameter loses to decay: biases and norm weights, the tensors of one dimension, lose nothing.</summary>
    public static double DecayOf(Tensor parameter, OptimizerSettings settings) => parameter.dim() < 2 ? 0 : settings.WeightDecay;

    private static bool IsPlainMemory(Tensor parameter) =>
        parameter.device_type == DeviceType.CPU && parameter.dtype == ScalarType.Float32 && parameter.is_contiguous();
}
