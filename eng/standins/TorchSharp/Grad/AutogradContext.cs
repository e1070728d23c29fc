namespace TorchSharp;

public static unsafe partial class torch
{
    public static partial class autograd
    {
        /// <summary>What a custom function carries from its forward to its backward pass.</summary>
        public class AutogradContext : IDisposable
        {
            private readonly Dictionary<string, object> _data = [];
            private nint _node; // the native node, bare, while its backward pass runs

            internal AutogradContext()
            {
            }

            internal List<Tensor> ToSave { get; private set; } = [];

            internal List<Tensor> Dirty { get; private set; } = [];

            internal List<Tensor> NonDifferentiable { get; private set; } = [];

            /// <summary>Which arguments of the forward pass were tensors.</summary>
            internal bool[] IsTensor { get; set; }

            public bool MaterializeGrads { get; private set; } = true;

            public void save_for_backward(List<Tensor> tensors) => ToSave = [.. tensors];

            public void save_data(string key, object value) => _data[key] = value;

            public object get_data(string key) => _data.GetValueOrDefault(key);

            public void mark_dirty(List<Tensor> tensors) => Dirty = [.. tensors];

            public void mark_non_differentiable(List<Tensor> tensors) => NonDifferentiable = [.. tensors];

            public void set_materialize_grads(bool value) => MaterializeGrads = value;

            /// <summary>New wrappers of the saved tensors, in the order they were saved; null where null was saved.</summary>
            public List<Tensor> get_saved_variables()
            {
                if (_node == 0)
                    return [];
                int count = Native.Check(Native.tsi_node_saved(_node, null, 0));
                nint[] handles = new nint[count];
                fixed (nint* room = handles)
                    Native.Check(Native.tsi_node_saved(_node, room, count));
                return [.. handles.Select(Tensor.OrNull)];
            }

            internal List<Tensor> During(nint node, Func<List<Tensor>> backward)
            {
                lock (_data)
                    try
                    {
                        _node = node;
                        return backward();
                    }
                    finally
                    {
                        _node = 0;
                    }
            }

            internal void ForgetForward() => (ToSave, Dirty, NonDifferentiable) = ([], [], []);

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing) => _data.Clear();
        }
    }
}
