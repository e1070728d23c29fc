using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Text;

/// <summary>Scores the steps of completions with a classifier of two labels that is read where each step ends.</summary>
internal static class StepScorer
{
    /// <summary>Scores of both labels at the ends of all steps, row after row.</summary>
    /// <param name="model">In training or not.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="ends">Positions in each row.</param>
    /// <returns>[steps, 2] float32, differentiable. The caller owns it.</returns>
    public static Tensor Logits(SequenceClassifier model, TokenBatch batch, IReadOnlyList<int[]> ends)
    {
        using DisposeScope scope = NewDisposeScope();
        long width = batch.Ids.shape[1];
        Tensor places = tensor(ends.SelectMany((row, at) => row.Select(end => (at * width) + end)).ToArray(), device: batch.Ids.device);
        return model.LogitsAt(batch.Ids, batch.Lengths, places).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Probability of the second label at each end.</summary>
    /// <param name="model">Not in training.</param>
    /// <param name="rows">Each with a token.</param>
    /// <returns>As many numbers for each row as it has ends.</returns>
    /// <exception cref="InvalidOperationException">A score is not a finite number: the weights are broken.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static float[][] Score(TextClassifier model, IReadOnlyList<StepTokens> rows)
    {
        using IDisposable use = model.Use();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        if (rows.All(row => row.Ends.Length == 0))
            return [.. rows.Select(_ => Array.Empty<float>())];
        using TokenBatch batch = TokenBatch.Create(
            [.. rows.Select(row => row.Ids)], [.. rows.Select(row => row.Ids.Length)], model.Network.Device);
        float[] right = Logits(model.Network, batch, [.. rows.Select(row => row.Ends)]).softmax(-1).select(1, 1)
            .contiguous().cpu().data<float>().ToArray();
        if (!right.All(float.IsFinite))
            throw new InvalidOperationException(
                "The model's scores are not finite numbers; its weights are not any more. Load or train it again.");
        var scores = new float[rows.Count][];
        int next = 0;
        for (int row = 0; row < rows.Count; next += rows[row++].Ends.Length)
            scores[row] = right[next..(next + rows[row].Ends.Length)];
        return scores;
    }
}
