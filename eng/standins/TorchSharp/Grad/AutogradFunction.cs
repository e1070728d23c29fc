using System.Text;

namespace TorchSharp;

public static unsafe partial class torch
{
    public static partial class autograd
    {
        /// <summary>A differentiable function whose gradient is managed code.</summary>
        public abstract class Function<T> : IBackward where T : Function<T>, new()
        {
            private static readonly T Instance = new();

            public abstract string Name { get; }

            public static List<Tensor> apply_internal(params object[] vars)
            {
                AutogradContext context = new() { IsTensor = Array.ConvertAll(vars, v => v is Tensor { IsInvalid: false }) };
                Tensor[] inputs = [.. vars.OfType<Tensor>().Where(t => !t.IsInvalid)];
                bool recorded = is_grad_enabled() && inputs.Any(t => t.requires_grad);
                List<Tensor> outputs;
                using (no_grad())
                    outputs = Instance.Forward(context, vars);
                outputs = recorded ? Recorded(context, inputs, outputs) : outputs.ConvertAll(output => Unrecorded(output, inputs, context));
                context.ForgetForward();
                return outputs;
            }

            /// <summary>Ties the outputs to a new graph node; the caller gets new wrappers, the function's own stay where they are.</summary>
            private static List<Tensor> Recorded(AutogradContext context, Tensor[] inputs, List<Tensor> outputs)
            {
                nint[] given = Tensor.Handles(inputs), made = Tensor.Handles(outputs);
                nint[] dirty = Tensor.Handles(context.Dirty), constant = Tensor.Handles(context.NonDifferentiable), saved = Tensor.Handles(context.ToSave);
                nint self = GCHandle.ToIntPtr(GCHandle.Alloc((Instance as IBackward, context)));
                nint node;
                fixed (byte* name = Encoding.UTF8.GetBytes(Instance.Name + "\0"))
                fixed (nint* given0 = given)
                    node = Native.Check(Native.tsi_node_new(self, &Nodes.Apply, &Nodes.Forget, name, given0, given.Length));
                try
                {
                    fixed (nint* given0 = given, made0 = made, dirty0 = dirty, constant0 = constant, saved0 = saved)
                    {
                        Native.Check(Native.tsi_node_wrap(node, given0, given.Length, made0, made.Length, dirty0, dirty.Length, constant0, constant.Length, context.MaterializeGrads ? 1 : 0));
                        for (int k = 0; k < saved.Length; k++) // an output is saved as what it became
                            for (int j = 0; j < outputs.Count; j++)
                                if (saved[k] != 0 && outputs[j] is { } output && saved[k] == output.Handle && made[j] != 0)
                                    saved[k] = made[j];
                        Native.Check(Native.tsi_node_save(node, saved0, saved.Length));
                    }
                }
                finally
                {
                    Native.tsi_node_free(node);
                }
                List<Tensor> results = [.. made.Select(Tensor.OrNull)];
                GC.KeepAlive(outputs);
                GC.KeepAlive(inputs);
                return results;
            }

            private static Tensor Unrecorded(Tensor output, Tensor[] inputs, AutogradContext context)
            {
                if (output is null)
                    return null;
                bool given = inputs.Any(input => ReferenceEquals(input, output));
                return given && !context.Dirty.Contains(output, ReferenceEqualityComparer.Instance) ? output.detach() : output.Share();
            }

            /// <summary>The gradients of the tensors among the arguments, checked.</summary>
            List<Tensor> IBackward.Gradients(AutogradContext context, List<Tensor> grads)
            {
                List<Tensor> all = Backward(context, grads);
                bool[] isTensor = context.IsTensor;
                while (all.Count > isTensor.Length && all[^1] is null or { IsInvalid: true })
                    all.RemoveAt(all.Count - 1);
                if (all.Count != isTensor.Length)
                    throw new NotImplementedException($"Function {Name} returned an incorrect number of gradients (expected {isTensor.Length}), got {all.Count}");
                for (int k = 0; k < isTensor.Length; k++)
                    if (!isTensor[k] && all[k] is { IsInvalid: false })
                        throw new NotImplementedException($"Function {Name} returned a gradient that is defined at position {k + 1}, but the corresponding forward input was not a Tensor");
                return [.. all.Where((_, k) => isTensor[k])];
            }

            internal abstract List<Tensor> Forward(AutogradContext ctx, object[] vars);

            internal abstract List<Tensor> Backward(AutogradContext ctx, List<Tensor> grad_outputs);
        }

        public abstract class SingleTensorFunction<T> : Function<T> where T : SingleTensorFunction<T>, new()
        {
            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            internal sealed override List<Tensor> Forward(AutogradContext ctx, object[] vars) => [forward(ctx, vars)];

            internal sealed override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs[0]);
        }

        public abstract class MultiTensorFunction<T> : Function<T> where T : MultiTensorFunction<T>, new()
        {
            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            internal sealed override List<Tensor> Forward(AutogradContext ctx, object[] vars) => forward(ctx, vars);

            internal sealed override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs);
        }

        internal interface IBackward
        {
            List<Tensor> Gradients(AutogradContext context, List<Tensor> grads);
        }
    }
}
