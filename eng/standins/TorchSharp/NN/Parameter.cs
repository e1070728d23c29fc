using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that a module owns and an optimizer changes. Making one takes the native tensor over from its argument.</summary>
    public class Parameter : Tensor
    {
        public Parameter(Tensor data, bool requires_grad = true)
            : base(data.with_requires_grad(requires_grad).DecoupleFromNativeHandle(), register: false)
        {
            if (data.OwningDisposeScope is not { } scope)
                return;
            scope.Unlink(data);
            scope.Link(this);
        }

        internal Parameter(nint handle) : base(handle)
        {
        }
    }
}

namespace TorchSharp
{
    public static partial class TensorExtensionMethods
    {
        public static Parameter AsParameter(this Tensor tensor) => new(tensor);
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
