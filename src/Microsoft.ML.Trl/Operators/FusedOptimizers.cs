using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// One step of an optimizer over all parameters in one call: the formulas of torch.optim in one pass over the memory instead of ten. Call
/// under no_grad. All lists belong together element by element and lie on one device.
/// </summary>
internal static class FusedOptimizers
{
    /// <summary>What all optimizers take.</summary>
    /// <param name="Number">Of this step, from 1 on.</param>
    /// <param name="Rate">Learning rate, greater than or equal to 0.</param>
    /// <param name="WeightDecay">
    /// Decay, greater than or equal to 0: times the rate off the weights in AdamW, added to the gradient elsewhere.
    /// </param>
    /// <param name="GradientDivisor">
    /// Float32 scalar by which each gradient is divided, in the same pass; the gradients keep the quotient. With max(1, norm / limit) it
    /// clips. Null divides by nothing.
    /// </param>
    public readonly record struct Step(long Number, double Rate, double WeightDecay = 0, Tensor? GradientDivisor = null);

    /// <summary>The numbers of Adam.</summary>
    /// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
    /// <param name="Beta2">Decay of the mean of squares, in [0, 1).</param>
    /// <param name="Epsilon">Added to the root, greater than or equal to 0.</param>
    public readonly record struct AdamNumbers(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8);

    /// <summary>What Adam keeps of each parameter.</summary>
    /// <param name="Means">Running means of the gradients, shaped like the parameters.</param>
    /// <param name="Squares">Running means of their squares, shaped like the parameters.</param>
    public readonly record struct AdamState(IReadOnlyList<Tensor> Means, IReadOnlyList<Tensor> Squares);

    /// <summary>Adam with decoupled weight decay: arXiv:1711.05101, Algorithm 2.</summary>
    /// <param name="parameters">Changed in place.</param>
    /// <param name="gradients">One for each parameter; changed only where the step divides them.</param>
    /// <param name="state">Changed in place.</param>
    /// <param name="numbers">Of Adam.</param>
    /// <param name="step">Of this step.</param>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static void AdamW(
        IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, AdamState state, AdamNumbers numbers, Step step) =>
        RunAdam(new OperatorCall("aten::_fused_adamw_"u8), parameters, gradients, state, numbers, step);

    /// <summary>Adam, weight decay added to the gradient: arXiv:1412.6980, Algorithm 1.</summary>
    /// <inheritdoc cref="AdamW" />
    public static void Adam(
        IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, AdamState state, AdamNumbers numbers, Step step) =>
        RunAdam(new OperatorCall("aten::_fused_adam_"u8), parameters, gradients, state, numbers, step);

    /// <summary>Stochastic gradient descent without momentum, as torch.optim.SGD.</summary>
    /// <inheritdoc cref="AdamW" />
    public static void Sgd(IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, Step step)
    {
        CheckLengths(parameters, gradients);
        var call = new OperatorCall("aten::_fused_sgd_"u8);
        call.Add(parameters);
        call.Add(gradients);
        call.Add(Array.Empty<Tensor>()); // running sums of the gradients
        call.Add(step.WeightDecay);
        call.Add(0.0); // momentum
        call.Add(step.Rate);
        call.Add(0.0); // dampening
        call.Add(false); // Nesterov's form
        call.Add(false); // downhill
        call.Add(step.Number == 1);
        Finish(call, step);
    }

    /// <summary>
    /// Adagrad, as torch.optim.Adagrad without decay of the rate. The sums of the squares are changed in place; epsilon, added to the root,
    /// is greater than or equal to 0.
    /// </summary>
    /// <inheritdoc cref="AdamW" />
    public static void Adagrad(
        IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> sums, double epsilon, Step step)
    {
        CheckLengths(parameters, gradients, sums);
        using DisposeScope scope = NewDisposeScope();
        var call = new OperatorCall("aten::_fused_adagrad_"u8);
        call.Add(parameters);
        call.Add(gradients);
        call.Add(sums);
        call.Add(Counts(parameters, step));
        call.Add(step.Rate);
        call.Add(0.0); // decay of the rate
        call.Add(step.WeightDecay);
        call.Add(epsilon);
        call.Add(false); // downhill
        Finish(call, step);
    }

    private static void RunAdam(
        OperatorCall call, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients,
        AdamState state, AdamNumbers numbers, Step step)
    {
        CheckLengths(parameters, gradients, state.Means, state.Squares);
        using DisposeScope scope = NewDisposeScope();
        call.Add(parameters);
        call.Add(gradients);
        call.Add(state.Means);
        call.Add(state.Squares);
        call.Add(Array.Empty<Tensor>()); // largest squares, of AMSGrad
        call.Add(Counts(parameters, step));
        call.Add(step.Rate);
        call.Add(numbers.Beta1);
        call.Add(numbers.Beta2);
        call.Add(step.WeightDecay);
        call.Add(numbers.Epsilon);
        call.Add(false); // AMSGrad
        call.Add(false); // downhill
        Finish(call, step);
    }

    /// <summary>The number of the step for each parameter: one float32 scalar, again and again.</summary>
    private static Tensor[] Counts(IReadOnlyList<Tensor> parameters, Step step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step.Number, 1);
        var counts = new Tensor[parameters.Count];
        if (counts.Length > 0)
            Array.Fill(counts, full([], step.Number, ScalarType.Float32, parameters[0].device));
        return counts;
    }

    private static void Finish(OperatorCall call, Step step)
    {
        call.AddOptional(step.GradientDivisor);
        call.AddNone(); // a sign that the gradients are not finite
        call.Run();
    }

    private static void CheckLengths(IReadOnlyList<Tensor> parameters, params ReadOnlySpan<IReadOnlyList<Tensor>> lists)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        foreach (IReadOnlyList<Tensor> list in lists)
            if (list.Count != parameters.Count)
                throw new ArgumentException(
                    $"Each of the {parameters.Count} parameters needs one gradient and one of each state; a list has {list.Count}.",
                    nameof(parameters));
    }
}
