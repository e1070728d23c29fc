using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What a stage says about where it wants to train.</summary>
/// <param name="UseCpu">Even where a GPU is there.</param>
/// <param name="GpuDeviceId">Null = that of the MLContext.</param>
/// <param name="FallbackToCpu">Null = that of the MLContext.</param>
/// <param name="Bf16">Whether weights are bfloat16.</param>
/// <param name="Fp16">Whether weights are float16.</param>
internal sealed record DeviceChoice(bool UseCpu, int? GpuDeviceId, bool? FallbackToCpu, bool Bf16, bool Fp16 = false)
{
    /// <summary>The device and type of the weights.</summary>
    /// <param name="context">Asked where the stage says nothing.</param>
    /// <param name="warn">Told when the CPU stands in for a GPU.</param>
    /// <exception cref="InvalidOperationException">A GPU was asked for that is not there.</exception>
    public Placement Resolve(ContextSettings context, Action<string> warn)
    {
        ScalarType type = Bf16 ? ScalarType.BFloat16 : Fp16 ? ScalarType.Float16 : ScalarType.Float32;
        if (UseCpu || (GpuDeviceId ?? context.GpuDeviceId) is not { } id)
            return new Placement(CPU, type);
        int present = cuda.is_available() ? cuda.device_count() : 0;
        if (id < present)
            return new Placement(new Device(DeviceType.CUDA, id), type);
        string what = $"GPU {id} was asked for, but libtorch sees {(present == 0 ? "no CUDA device" : $"only {present}, numbered from 0")}";
        if (!(FallbackToCpu ?? context.FallbackToCpu))
            throw new InvalidOperationException(
                $"{what}. Leave GpuDeviceId at null to use the CPU, set FallbackToCpu to allow it, "
                + "or use a libtorch with CUDA (build with -p:TorchRuntime=cuda).");
        warn($"{what}; using the CPU instead, as FallbackToCpu allows.");
        return new Placement(CPU, type);
    }
}

/// <summary>Where weights are, in which type, and how matrices are held.</summary>
internal sealed record Placement(Device Device, ScalarType Type, WeightQuantization Quantization = WeightQuantization.None)
{
    /// <summary>Whether both say the same place.</summary>
    public bool Equals(Placement? other) =>
        other is not null && Type == other.Type && Quantization == other.Quantization && Device.type == other.Device.type
            && Math.Max(0, Device.index) == Math.Max(0, other.Device.index);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, Device.type);
}
