using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// A model mixed with another one token by token: <c>p(y) ∝ model(y)^(1-β) other(y)^β</c>. arXiv:2312.00886, section 7 (one-step-at-most
/// approximation).
/// </summary>
/// <param name="Other">In evaluation mode, on the device of the model and with its vocabulary. The caller keeps it.</param>
/// <param name="Share">β: that of the other, in [0, 1].</param>
internal sealed record GeometricMixture(CausalLanguageModel Other, double Share)
{
    /// <summary>Begins with some prompts. The caller owns the result.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompts">At least one row, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    public IDecoding Begin(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        var first = new DecodingSession(model, prompts, newTokens);
        try
        {
            return new Decoding(first, new DecodingSession(Other, prompts, newTokens), Share);
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <summary>Two sessions side by side; a state holds those of both, one behind the other.</summary>
    private sealed class Decoding(DecodingSession model, DecodingSession other, double share) : IDecoding
    {
        private long _width; // of the model's states

        public Tensor Start() => Beside(model.Start(), other.Start());

        public Tensor Next(Tensor tokens) => Beside(model.Next(tokens), other.Next(tokens));

        public void Keep(IReadOnlyList<long> rows)
        {
            model.Keep(rows);
            other.Keep(rows);
        }

        public Tensor Logits(Tensor states)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor ours = model.Logits(states.narrow(-1, 0, _width)).to_type(ScalarType.Float32);                              // [R, V]
            Tensor theirs = other.Logits(states.narrow(-1, _width, states.shape[^1] - _width)).to_type(ScalarType.Float32);    // [R, V]
            return ((ours * (1 - share)) + (theirs * share)).MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            model.Dispose();
            other.Dispose();
        }

        private Tensor Beside(Tensor ours, Tensor theirs)
        {
            using (ours)
            using (theirs)
            {
                _width = ours.shape[^1];
                return cat([ours, theirs], -1);
            }
        }
    }
}
