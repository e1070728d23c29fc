namespace TorchSharp;

public static unsafe partial class torch
{
    public partial class Tensor
    {
        private static readonly Op _retain_grad = new("retain_grad");

        public void retain_grad() => _retain_grad.Run(this);

        public void backward() => autograd.backward(this);
    }

    public static partial class autograd
    {
        public static void backward(Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        public static void backward(IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null)
        {
            nint[] roots = Tensor.Handles(tensors), seeds = Tensor.Handles(grad_tensors), leaves = Tensor.Handles(inputs);
            int retain = retain_graph is { } given ? given ? 1 : 0 : -1;
            using Pass pass = new();
            fixed (nint* root = roots, seed = seeds, leaf = leaves)
                Native.Check(Native.tsi_backward(root, roots.Length, seed, seeds.Length, retain, create_graph ? 1 : 0, leaf, leaves.Length));
            GC.KeepAlive((tensors, grad_tensors, inputs));
        }

        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] roots = Tensor.Handles(outputs), leaves = Tensor.Handles(inputs), seeds = Tensor.Handles(grad_outputs), results = new nint[leaves.Length];
            using Pass pass = new();
            fixed (nint* root = roots, leaf = leaves, seed = seeds, result = results)
                Native.Check(Native.tsi_gradients(root, roots.Length, leaf, leaves.Length, seed, seeds.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, result));
            GC.KeepAlive((outputs, inputs, grad_outputs));
            return Array.ConvertAll(results, handle => new Tensor(handle)); // invalid ones where an input was not used
        }

        private readonly ref struct Pass
        {
            private readonly bool _before = Nodes.Running;

            public Pass() => Nodes.Running = true;

            public void Dispose() => Nodes.Running = _before;
        }

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);

        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);
    }
}
