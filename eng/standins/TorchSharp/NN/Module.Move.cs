using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            private DeviceType _movedType = DeviceType.CPU;
            private int _movedIndex = -1;

            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                RequireFloating(dtype);
                if (device.type != DeviceType.CUDA)
                    device = new Device(device.type, -1);
                RequireAvailable(device.type);
                _toEpilog(device, dtype, non_blocking);
                return this;
            }

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                if (deviceType != DeviceType.CUDA)
                    deviceIndex = -1;
                RequireAvailable(deviceType);
                if (deviceType != _movedType || deviceIndex != _movedIndex)
                    _toEpilog(deviceType, deviceIndex, non_blocking);
                return this;
            }

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                RequireFloating(dtype);
                _toEpilog(dtype, non_blocking);
                return this;
            }

            public Module _to(Tensor other, bool non_blocking)
            {
                _to(other.dtype, non_blocking);
                return _to(other.device_type, other.device_index, non_blocking);
            }

            protected void _toEpilog(ScalarType dtype, bool non_blocking) => Move(dtype, null, non_blocking);

            protected void _toEpilog(Device device, ScalarType dtype, bool non_blocking) => Move(dtype, device, non_blocking);

            protected void _toEpilog(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Move(null, new Device(deviceType, deviceIndex), non_blocking);

            /// <summary>Moves the children, then replaces own parameters and buffers, in the registry and in the fields that hold them.</summary>
            internal virtual void Move(ScalarType? dtype, Device device, bool non_blocking)
            {
                foreach ((_, Module child) in named_children())
                    if (device is null)
                        child._to(dtype.Value, non_blocking);
                    else if (dtype is null)
                        child._to(device.type, device.index, non_blocking);
                    else
                        child._to(device, dtype.Value, non_blocking);

                Dictionary<string, FieldInfo> fields = Fields(GetType()).ToDictionary(field => field.ComponentName());
                Dictionary<string, PropertyInfo> properties =
                    GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).ToDictionary(property => property.Name);
                foreach ((string name, Parameter parameter) in named_parameters(false).ToList())
                    if (Moved(parameter, dtype, device) is { } moved && !SetProperty(properties, name, moved))
                    {
                        parameter.Dispose();
                        ConditionallyRegisterParameter(name, moved);
                        SetField(fields, name, moved);
                    }
                foreach ((string name, Tensor buffer) in named_buffers(false).ToList())
                    if (Moved(buffer, dtype, device) is { } moved && !SetProperty(properties, name, moved))
                    {
                        ConditionallyRegisterBuffer(name, moved);
                        SetField(fields, name, moved);
                    }
                Remember(device);
            }

            internal void Remember(Device device)
            {
                if (device is not null)
                    (_movedType, _movedIndex) = (device.type, device.index);
            }

            /// <summary>The parameter (and its gradient) on another device or in another type, in no scope; null where nothing has to move.</summary>
            internal static Parameter Moved(Parameter parameter, ScalarType? dtype, Device device)
            {
                using Tensor gradient = parameter.grad;
                if (!WillMove(parameter, dtype, device) && (gradient is null || !WillMove(gradient, dtype, device)))
                    return null;
                ScalarType type = TypeFor(parameter, dtype);
                Device place = device ?? parameter.device;
                using (no_grad())
                {
                    Parameter moved = new(parameter.to(type, place), parameter.requires_grad);
                    moved.DetachFromDisposeScope();
                    if (gradient is not null)
                    {
                        using Tensor movedGradient = gradient.to(type, place);
                        moved.grad = movedGradient;
                    }
                    return moved;
                }
            }

            private static Tensor Moved(Tensor buffer, ScalarType? dtype, Device device)
            {
                if (!WillMove(buffer, dtype, device))
                    return null;
                return buffer.to(TypeFor(buffer, dtype), device ?? buffer.device, disposeAfter: true).DetachFromDisposeScope();
            }

            private static ScalarType TypeFor(Tensor tensor, ScalarType? dtype) =>
                dtype is { } type && (tensor.is_floating_point() || tensor.is_complex()) ? type : tensor.dtype;

            private static bool WillMove(Tensor tensor, ScalarType? dtype, Device device) =>
                (dtype is { } type && type != tensor.dtype)
                || (device is not null && (device.type != tensor.device_type
                    || (device.type == DeviceType.CUDA && device.index >= 0 && device.index != tensor.device_index)));

            private bool SetProperty(Dictionary<string, PropertyInfo> properties, string name, Tensor value)
            {
                if (!properties.TryGetValue(name, out PropertyInfo property))
                    return false;
                property.SetValue(this, value);
                return true;
            }

            private void SetField(Dictionary<string, FieldInfo> fields, string name, Tensor value)
            {
                if (fields.TryGetValue(name, out FieldInfo field))
                    field.SetValue(this, value);
            }

            private static void RequireFloating(ScalarType dtype)
            {
                if (dtype is not (ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64
                    or ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64))
                    throw new ArgumentException($"nn.Module.to only accepts floating point or complex types, but got desired dtype={dtype}");
            }

            private static void RequireAvailable(DeviceType type)
            {
                if (type == DeviceType.CUDA && !cuda.is_available())
                    throw new InvalidOperationException("CUDA is not available.");
            }
        }
    }
}
