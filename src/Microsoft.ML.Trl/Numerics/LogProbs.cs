using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Log-probabilities of tokens.</summary>
public static class LogProbs
{
    /// <summary>Log-probabilities of the labels, from logits.</summary>
    /// <param name="logits">[..., V] of any floating type.</param>
    /// <param name="labels">[...] int64, each in [0, V).</param>
    /// <returns>[...] float32. The caller owns it.</returns>
    public static Tensor OfLogits(Tensor logits, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = logits.to_type(ScalarType.Float32);                  // [..., V]
        Tensor picked = wide.gather(-1, labels.unsqueeze(-1)).squeeze(-1); // [...]
        return (picked - wide.logsumexp(-1)).MoveToOuterDisposeScope();    // [...]
    }

    /// <summary>Log-probabilities of the labels, from hidden states: never holds the logits of all positions at once.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label.</param>
    /// <param name="headWeight">[V, H] vocabulary projection.</param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <returns>[N] float32. The caller owns it.</returns>
    public static Tensor OfHidden(Tensor hidden, Tensor headWeight, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        return OfLogits(hidden.matmul(headWeight.transpose(0, 1)), labels).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="OfHidden"/>, with entropy, hits and Σp² of the same pass.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label.</param>
    /// <param name="headWeight">[V, H] vocabulary projection.</param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <returns>Four tensors [N]. The caller owns them.</returns>
    public static TokenLogProbs WithStatistics(Tensor hidden, Tensor headWeight, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = hidden.matmul(headWeight.transpose(0, 1)).to_type(ScalarType.Float32);
        Tensor picked = OfLogits(logits, labels);
        using IDisposable _ = no_grad();
        Tensor logs = logits.log_softmax(-1), mass = logs.exp();
        return new TokenLogProbs(
            picked.MoveToOuterDisposeScope(),
            (mass * logs).sum(-1).neg().MoveToOuterDisposeScope(),
            logits.argmax(-1).eq(labels).to_type(ScalarType.Float32).MoveToOuterDisposeScope(),
            (mass * mass).sum(-1).MoveToOuterDisposeScope());
    }
}
