using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            private static readonly Op SetData = new("set_data");
            private static readonly Op Clamp = new("clamp_");
            private static readonly Op PadSequence = new("pad_sequence");

            /// <summary>Scales all gradients in place so that their common norm is at most the given one; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using DisposeScope scope = NewDisposeScope();
                using var _ = no_grad();
                List<Tensor> gradients = Gradients(tensors);
                if (gradients.Count == 0)
                    return 0;
                Tensor total = Norm(gradients, norm_type);
                Tensor factor = Clamp.Call(total.add(1e-6).reciprocal().mul(max_norm), Arg.None, 1.0);
                foreach (Tensor gradient in gradients)
                    gradient.mul_(factor);
                return total.to_type(ScalarType.Float64).item<double>();
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using DisposeScope scope = NewDisposeScope();
                using var _ = no_grad();
                foreach (Tensor gradient in Gradients(tensors))
                    gradient.clamp_(-clip_value, clip_value);
            }

            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                return cat(tensors.Select(tensor => tensor.view(-1)).ToList()).MoveToOuterDisposeScope();
            }

            /// <summary>Makes each parameter a view of its part of the vector.</summary>
            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                using var _ = no_grad();
                long at = 0;
                foreach (Parameter tensor in tensors)
                {
                    long size = tensor.numel();
                    SetData.Run(tensor, vec.slice(0, at, at + size, 1).view(tensor.shape));
                    at += size;
                }
            }

            private static List<Tensor> Gradients(IEnumerable<Parameter> tensors) =>
                tensors.Select(tensor => tensor.grad).Where(gradient => gradient is not null).ToList();

            private static Tensor Norm(List<Tensor> gradients, double kind)
            {
                if (kind == 0)
                    return tensor((double)gradients.Count);
                if (double.IsPositiveInfinity(kind))
                    return stack(gradients.ConvertAll(gradient => gradient.abs().max())).max();
                return stack(gradients.ConvertAll(gradient => gradient.norm((float)kind))).norm((float)kind);
            }

            public static partial class rnn
            {
                public static Tensor pad_sequence(IEnumerable<Tensor> sequences, bool batch_first = false, double padding_value = 0.0) =>
                    PadSequence.Call(Arg.List(sequences), batch_first, padding_value);
            }
        }
    }
}
