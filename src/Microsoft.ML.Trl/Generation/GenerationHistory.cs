using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// What was found out in each step of a generation. It stays on the device until the end, and belongs to the scope around the steps.
/// </summary>
/// <param name="keepsStates">Whether the hidden states are wanted.</param>
internal sealed class GenerationHistory(bool keepsStates)
{
    private readonly List<Tensor> _logProbs = [], _sampledLogProbs = [], _states = [];
    private long _entries;

    /// <summary>How many steps were added.</summary>
    public int Steps => _logProbs.Count;

    /// <summary>Adds a step: a token to each row that is not done.</summary>
    /// <param name="batch">The rows that run.</param>
    /// <param name="tokens">One per row.</param>
    /// <param name="choice">What is known about the tokens.</param>
    /// <param name="hidden">[R, H] the states that they were chosen from; taken over.</param>
    public void Add(GrowingRow[] batch, long[] tokens, TokenChoice choice, Tensor hidden)
    {
        for (int i = 0; i < batch.Length; i++)
        {
            if (batch[i].IsDone)
                continue;
            batch[i].Add((int)tokens[i]);
            batch[i].Entries.Add(_entries + i);
        }
        _entries += batch.Length;
        _logProbs.Add(choice.LogProbs.MoveToOuterDisposeScope());
        if (choice.SampledLogProbs is { } sampled)
            _sampledLogProbs.Add(sampled.MoveToOuterDisposeScope());
        if (keepsStates)
            _states.Add(hidden);
        else
            hidden.Dispose();
    }

    /// <summary>Everything, in the order of the rows. States belong to the scope around the current one.</summary>
    public GenerationResult Result(GrowingRow[] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] logProbs = Numbers(_logProbs);
        float[] sampled = _sampledLogProbs.Count == 0 ? new float[logProbs.Length] : Numbers(_sampledLogProbs);
        return new GenerationResult(
            [.. rows.Select(row => row.NewTokens.ToArray())],
            [.. rows.Select(row => Array.ConvertAll(row.Entries.ToArray(), entry => logProbs[entry]))],
            [.. rows.Select(row => Array.ConvertAll(row.Entries.ToArray(), entry => sampled[entry]))],
            [.. rows.Select(row => row.HasEnded)])
        {
            States = keepsStates ? States(rows).MoveToOuterDisposeScope() : null,
        };
    }

    private static float[] Numbers(List<Tensor> steps) => cat([.. steps]).cpu().data<float>().ToArray();

    private Tensor States(GrowingRow[] rows)
    {
        Tensor all = cat([.. _states]);
        return all.index_select(0, tensor([.. rows.SelectMany(row => row.Entries)], device: all.device));
    }
}
