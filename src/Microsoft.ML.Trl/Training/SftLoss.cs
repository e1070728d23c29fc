using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Losses of supervised fine-tuning over labelled tokens.</summary>
internal static class SftLoss
{
    /// <summary>Negative log-likelihood.</summary>
    /// <param name="logProbs">[N] log-probabilities of the labels.</param>
    /// <param name="divisor">Labels of the whole effective batch.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    public static Tensor Nll(Tensor logProbs, double divisor) =>
        WrappedTensorDisposeScope(() => logProbs.sum() * (-1 / divisor));

    /// <summary>Dynamic fine-tuning: arXiv:2508.05629, Eq. 9. The weight of a token is its own probability, without gradient.</summary>
    /// <param name="logProbs">[N] log-probabilities of the labels.</param>
    /// <param name="divisor">Labels of the whole effective batch.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    public static Tensor Dft(Tensor logProbs, double divisor) =>
        WrappedTensorDisposeScope(() => (logProbs * logProbs.detach().exp()).sum() * (-1 / divisor));
}
