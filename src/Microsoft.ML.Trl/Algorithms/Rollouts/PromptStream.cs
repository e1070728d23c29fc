namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Batches of prompts without end: each pass over the data is shuffled anew, a function of the seed.</summary>
internal sealed class PromptStream(int prompts, int seed)
{
    private readonly SeededRowOrder _order = new(seed);
    private readonly Queue<int> _pass = [];

    /// <summary>Indices of the next prompts. A batch may begin in one pass and end in the next.</summary>
    public int[] Next(int count)
    {
        var batch = new int[count];
        for (int i = 0; i < count; i++)
        {
            if (_pass.Count == 0)
                foreach (int prompt in _order.Next(prompts))
                    _pass.Enqueue(prompt);
            batch[i] = _pass.Dequeue();
        }
        return batch;
    }
}
