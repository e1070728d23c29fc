using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>
/// GPT-2 as TRL v1.9.0's experimental PPO runs it where queries are padded on the right: the first response token is predicted from the
/// last padding token, which reads as token 0, stands where the response begins, and is seen by nobody, not even by itself. Ours is
/// predicted from the last token of the query; this rebuilds the error, so that such a run can be replayed.
/// </summary>
internal static class GhostTokens
{
    /// <summary>The states [n, H] that predict the response tokens of some rows.</summary>
    /// <param name="model">Policy, reference or value model.</param>
    /// <param name="part">The rows.</param>
    /// <param name="width">Of the padded queries; those that are as long have no padding.</param>
    public static Tensor Hidden(DecoderModel model, RolloutPart part, int width)
    {
        using var scope = NewDisposeScope();
        (int rows, int length) = ((int)part.Ids.shape[0], (int)part.Ids.shape[1]);
        ILookup<long, long> asked = part.Positions.data<long>().ToArray().ToLookup(place => place / length, place => place % length);
        long[] given = part.Ids.data<long>().ToArray();
        int wide = length + 1;
        var (ids, positions, real) = (new long[rows * wide], new long[rows * wide], new bool[rows * wide]);
        var states = new List<long>();
        for (int row = 0; row < rows; row++)
        {
            int query = (int)asked[row].Min() + 1, ghost = query < width ? 1 : 0;
            for (int at = 0; at < wide; at++)
            {
                int from = at <= query - 1 + ghost ? Math.Min(at, query) : at - ghost, place = (row * wide) + at;
                bool isGhost = ghost == 1 && at == query;
                real[place] = !isGhost;
                ids[place] = isGhost || from >= length ? 0 : given[(row * length) + from];
                positions[place] = ghost == 1 && at > query ? at - 1 : at;
            }
            states.AddRange(asked[row].Select(place => (row * (long)wide) + place + ghost));
        }
        Tensor mask = tensor(real, rows, wide), read = tensor(ids, rows, wide);
        AttentionPattern pattern = AttentionPattern.Create(read, mask, 0, model.Config);
        pattern.Once(nameof(AttentionPattern.Positions), () => [tensor(positions)]);
        pattern.Once(((int?)null, ScalarType.Float32), () => [Scores(mask, wide)]);
        return model.Body.Run(read, pattern, null, tensor(states.ToArray())).MoveToOuterDisposeScope();
    }

    /// <summary>[B, 1, T, T] what is added to the scores: each sees the real tokens before it, and itself if it is one.</summary>
    private static Tensor Scores(Tensor real, int length)
    {
        using var scope = NewDisposeScope();
        Tensor ahead = ones(length, length, ScalarType.Bool).triu(1).view(1, 1, length, length);
        Tensor hidden = ahead.logical_or(real.logical_not().view(-1, 1, 1, length));
        return zeros_like(hidden, ScalarType.Float32).masked_fill_(hidden, double.NegativeInfinity).MoveToOuterDisposeScope();
    }
}
