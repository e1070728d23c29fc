using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Where weights are, and in which type.</summary>
internal sealed record Placement(Device Device, ScalarType Type)
{
    /// <summary>Whether both say the same place.</summary>
    public bool Equals(Placement? other) =>
        other is not null && Type == other.Type && Device.type == other.Device.type && Math.Max(0, Device.index) == Math.Max(0, other.Device.index);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, Device.type);
}
