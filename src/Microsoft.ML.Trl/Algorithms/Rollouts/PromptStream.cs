namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Batches of prompts without end: each pass over the data is shuffled anew, a function of the seed.</summary>
/// <param name="prompts">How many there are.</param>
/// <param name="seed">Decides the order.</param>
/// <param name="shuffles">False takes them as they come.</param>
internal sealed class PromptStream(int prompts, int seed, bool shuffles = true)
{
    private readonly Random _rng = new(seed);
    private readonly Queue<int> _pass = [];

    /// <summary>The steps of a run; the indices of the prompts of each stand where other methods have a micro batch.</summary>
    /// <param name="steps">Steps of the run.</param>
    /// <param name="batchSize">Prompts per step.</param>
    public IEnumerable<StepPlan> Steps(int steps, int batchSize)
    {
        for (int step = 1; step <= steps; step++)
            yield return new StepPlan(step, step * (double)batchSize / prompts, [Next(batchSize)]);
    }

    /// <summary>Indices of the next prompts. A batch may begin in one pass and end in the next.</summary>
    public int[] Next(int count)
    {
        var batch = new int[count];
        for (int i = 0; i < count; i++)
        {
            if (_pass.Count == 0)
                foreach (int prompt in shuffles ? Shuffled(prompts, _rng) : Enumerable.Range(0, prompts))
                    _pass.Enqueue(prompt);
            batch[i] = _pass.Dequeue();
        }
        return batch;
    }

    /// <summary>A permutation of 0 to <paramref name="count"/> - 1.</summary>
    public static int[] Shuffled(int count, Random rng)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        rng.Shuffle(order);
        return order;
    }
}
