using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>
/// GPT-2 as TRL v0.11.4 runs it over rows padded on the left: attention leaves the padding out, but positions count it.
/// Ours never do; this rebuilds the error, so that such a run can be replayed.
/// </summary>
internal sealed class ShiftedPositions
{
    /// <summary>Length of the longest row of the step.</summary>
    public int Width { get; set; }

    public Tensor Hidden(CausalLanguageModel model, RolloutPart part)
    {
        using var scope = NewDisposeScope();
        (long rows, long length) = (part.Ids.shape[0], part.Ids.shape[1]);
        long[] lastStates = part.Positions.data<long>().ToArray();
        var positions = new long[rows * length];
        for (long row = 0; row < rows; row++)
        {
            // one state per token but the last
            long padding = Width - (lastStates.Where(place => place / length == row).Max() % length) - 2;
            for (long i = 0; i < length; i++)
                positions[(row * length) + i] = Math.Min(i + padding, model.Config.ContextLength - 1);
        }
        AttentionPattern pattern = AttentionPattern.At(rows, length, tensor(positions));
        return model.Body.Run(part.Ids, pattern, null, part.Positions).MoveToOuterDisposeScope();
    }
}
