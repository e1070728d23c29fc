using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Forward and backward pass of a micro batch, the same for every method that learns texts.</summary>
/// <param name="model">In training.</param>
/// <param name="loss">Of the log-probabilities of the labels and the divisor of the whole step.</param>
/// <param name="routerAuxLossCoef">See <see cref="AuxiliaryLoss"/>.</param>
/// <param name="labelSmoothing">Share of the target probability spread over the vocabulary.</param>
internal sealed class SftPass(
    CausalLanguageModel model, Func<Tensor, double, Tensor> loss, double? routerAuxLossCoef, double labelSmoothing = 0)
{
    private readonly AuxiliaryLoss _auxiliary = new(model.Config, routerAuxLossCoef);

    /// <summary>Adds the gradient of a batch, where it is learnt from, and notes its figures.</summary>
    /// <param name="batch">Has a label.</param>
    /// <param name="divisor">Labels of the whole step.</param>
    /// <param name="gradients">Gets the gradient; null = the batch is only measured.</param>
    /// <param name="log">Gets the figures.</param>
    /// <returns>The batch's share of the step's loss.</returns>
    public double Accumulate(TokenBatch batch, double divisor, GradientStep? gradients, IFigures log)
    {
        using DisposeScope scope = NewDisposeScope();
        RouterLoad? load = _auxiliary.Begin(batch);
        Tensor hidden = model.HiddenAt(batch, load); // [N, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(hidden, model.Head, batch.Labels, labelSmoothing);
        (Tensor sum, _) = _auxiliary.AddTo(loss(tokens.LogProbs, divisor), load, log, count: batch.Targets);
        gradients?.Accumulate(sum);
        float[] numbers = stack([sum.detach(), tokens.Entropy.mean(), tokens.Hit.mean()]).cpu().data<float>().ToArray();
        log.Note("entropy", numbers[1], batch.Targets);
        log.Note("mean_token_accuracy", numbers[2], batch.Targets);
        return numbers[0];
    }
}
