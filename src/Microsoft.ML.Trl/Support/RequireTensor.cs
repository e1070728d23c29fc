using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Support;

/// <summary>
/// Checks of tensors where they enter: what libtorch says of the wrong ones names no argument, and may end the process. Shapes and types
/// are looked at; values only where they lie in the CPU's memory, since reading those of a GPU would wait for it.
/// </summary>
internal static class RequireTensor
{
    private static readonly ScalarType[] WeightTypes =
        [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];

    /// <summary>A tensor that is there.</summary>
    public static void Alive(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid)
            throw new ArgumentException($"{name} was disposed; give a tensor that lives until the call returns.", name);
    }

    /// <summary>Floating-point numbers.</summary>
    public static void Floating(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        Alive(tensor, name);
        if (!tensor.is_floating_point())
            throw new ArgumentException($"{name} must hold floating-point numbers; its type is {tensor.dtype}.", name);
    }

    /// <summary>Numbers of places in something.</summary>
    public static void Indices(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        Alive(tensor, name);
        if (tensor.dtype != ScalarType.Int64)
            throw new ArgumentException($"{name} must be int64; its type is {tensor.dtype}.", name);
    }

    /// <summary>Indices from 0 to an end that is not allowed itself.</summary>
    public static void Below(Tensor tensor, long end, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.device_type != DeviceType.CPU || tensor.NumberOfElements == 0)
            return;
        using var scope = NewDisposeScope();
        (long lowest, long highest) = (tensor.min().item<long>(), tensor.max().item<long>());
        if (lowest < 0 || highest >= end)
            throw new ArgumentException(
                $"{name} holds {(lowest < 0 ? lowest : highest)}; allowed are {(end > 0 ? $"0 to {end - 1}" : "none")}.", name);
    }

    /// <summary>A shape that a rule allows.</summary>
    public static void Shape(
        Tensor tensor, bool holds, string allowed, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (!holds)
            throw new ArgumentException($"{name} must have shape {allowed}; it has {ShapeOf(tensor)}.", name);
    }

    /// <summary>Tensors of one shape, which must be alive.</summary>
    public static void OneShape(params ReadOnlySpan<(Tensor Tensor, string Name)> tensors)
    {
        long[] first = tensors[0].Tensor.shape;
        foreach ((Tensor tensor, _) in tensors)
            if (!tensor.shape.AsSpan().SequenceEqual(first))
            {
                string[] all = [.. tensors.ToArray().Select(each => $"{each.Name} {ShapeOf(each.Tensor)}")];
                throw new ArgumentException(
                    $"{string.Join(", ", all[..^1])} and {all[^1]} must have one shape.", tensors[0].Name);
            }
    }

    /// <summary>A tensor on the device of another.</summary>
    public static void Beside(Tensor tensor, Tensor other, string what, [CallerArgumentExpression(nameof(tensor))] string name = "") =>
        On(tensor, other.device, what, name);

    /// <summary>A tensor on a device.</summary>
    public static void On(Tensor tensor, Device device, string what, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.device_type != device.type || Math.Max(0, tensor.device_index) != Math.Max(0, device.index))
            throw new ArgumentException(
                $"{name} must be where {what} are, on {device}; it is on {tensor.device}. Move it there with to(device).", name);
    }

    /// <summary>A device and a type that weights can have; null = not asked for.</summary>
    public static void Place(
        Device? device,
        ScalarType? type,
        [CallerArgumentExpression(nameof(device))] string deviceName = "",
        [CallerArgumentExpression(nameof(type))] string typeName = "")
    {
        if (type is { } given && !WeightTypes.Contains(given))
            throw new ArgumentException($"{typeName} is {given}; weights are one of {string.Join(", ", WeightTypes)}.", typeName);
        if (device is null || device.type == DeviceType.CPU)
            return;
        int present = device.type == DeviceType.CUDA && cuda.is_available() ? cuda.device_count() : 0;
        if (device.type != DeviceType.CUDA || device.index >= present)
            throw new ArgumentException(
                $"{deviceName} is {device}, but weights can be on cpu"
                + (present == 0 ? "; libtorch sees no CUDA device." : $" or on cuda:0 to cuda:{present - 1}."),
                deviceName);
    }

    /// <summary>Such as <c>[2, 3]</c>.</summary>
    public static string ShapeOf(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
