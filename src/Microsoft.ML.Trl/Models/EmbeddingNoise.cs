using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// NEFTune, arXiv:2310.05914: uniform noise on the embeddings of tokens during training. Drawn where transformers' hook on the embedding
/// layer draws it: behind a factor of the rows (Gemma), before positions are added and before a projection (OPT); in an encoder-decoder on
/// both sides.
/// </summary>
/// <param name="alpha">Strength. Greater than 0.</param>
/// <param name="generator">Random numbers, see <see cref="GeneratorState.At"/>; the caller keeps it alive.</param>
internal sealed class EmbeddingNoise(double alpha, Generator generator)
{
    /// <summary>Adds noise between -1 and 1, times alpha over the root of T·H.</summary>
    /// <param name="rows">[N, H] embeddings, padding included.</param>
    /// <param name="length">T, tokens of the longest text of the batch.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    public Tensor AddTo(Tensor rows, long length)
    {
        using var scope = NewDisposeScope();
        double bound = alpha / Math.Sqrt((double)length * rows.shape[^1]);
        Tensor noise = empty_like(rows).detach().uniform_(-bound, bound, generator.At(rows));
        return (rows + noise).MoveToOuterDisposeScope();
    }
}
