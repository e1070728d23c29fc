using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>One step of an optimizer over the weights of a model: what a rule costs, without forward and backward pass.</summary>
internal static class OptimizerTask
{
    public static int Run(Shape shape, Measurement measured)
    {
        using CausalLanguageModel model = shape.Model(seed: 1);
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        TrainedParameter[] weights = [.. TrainedParameter.Of(model.Everything())];
        Tensor[] gradients = [.. weights.Select(weight => randn_like(weight.Value.detach()) * 1e-3)];
        if (shape.Rule == "fused")
        {
            Fused([.. weights.Select(weight => weight.Value)], gradients, measured);
            return 1;
        }
        using var optimizer = new Optimizer(weights, new UpdateSettings(Enum.Parse<OptimizerKind>(shape.Rule)));
        int number = 0;
        measured.Repeat(() =>
        {
            foreach ((TrainedParameter weight, Tensor gradient) in weights.Zip(gradients))
                weight.Value.grad = gradient;
            optimizer.Step(++number, 1e-5, gradientDivisor: 1);
        });
        Console.WriteLine(FormattableString.Invariant(
            $"{shape.Rule}: {(double)optimizer.StateBytes / model.ParameterCount:F3} bytes of state per weight"));
        return 1;
    }

    private static void Fused(Tensor[] weights, Tensor[] gradients, Measurement measured)
    {
        var state = new FusedOptimizers.AdamState([.. weights.Select(zeros)], [.. weights.Select(zeros)]);
        int number = 0;
        measured.Repeat(() => FusedOptimizers.AdamW(weights, gradients, state, new(), new(++number, 1e-5)));
        static Tensor zeros(Tensor like) => zeros_like(like.detach());
    }
}
