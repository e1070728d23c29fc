using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>
/// The two losses of a preference margin that several methods have: [B] margins in, [B] losses out, which the caller owns. Not checked.
/// </summary>
internal static class MarginLoss
{
    /// <summary><c>-(1-ε) log σ(β m) - ε log σ(-β m)</c>. arXiv:2305.18290, Eq. 7.</summary>
    public static Tensor Sigmoid(Tensor margin, double beta, double labelSmoothing = 0)
    {
        using var scope = NewDisposeScope();
        Tensor logit = margin * beta; // [B]
        Tensor loss = labelSmoothing == 0
            ? -logsigmoid(logit)
            : -(logsigmoid(logit) * (1 - labelSmoothing)) - (logsigmoid(-logit) * labelSmoothing); // [B]
        return loss.MoveToOuterDisposeScope();
    }

    /// <summary><c>(m - 1/(2β))²</c>. arXiv:2310.12036, Eq. 17.</summary>
    public static Tensor Square(Tensor margin, double beta) =>
        WrappedTensorDisposeScope(() => (margin - (1 / (2 * beta))).square());

    /// <summary>The function of margins [B] and β that an option names.</summary>
    public static Func<Tensor, double, Tensor> Of(PairLossType type) => type switch
    {
        PairLossType.Sigmoid => static (margin, beta) => Sigmoid(margin, beta),
        PairLossType.Ipo => Square,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such loss."),
    };
}
