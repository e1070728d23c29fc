namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>Lets a model write the completions that are learnt from.</summary>
/// <param name="model">Only read, as it is when it is asked.</param>
/// <param name="options">How it writes.</param>
/// <param name="limit">Tokens of prompt and completion; what is longer is cut.</param>
/// <param name="seed">Decides the draws: each row of the run has its own random stream.</param>
/// <param name="cancel">Looked at for every token.</param>
internal sealed class CompletionWriter(
    CausalLanguageModel model, GenerationOptions options, int limit, int seed, CancellationToken cancel)
{
    private long _rows; // written so far

    /// <summary>One completion of each prompt, in micro batches, each of which is written at once.</summary>
    /// <param name="prompts">[micro batches][rows] token ids, each at least one and below the limit.</param>
    /// <param name="log">Notes <c>completions/mean_length</c>.</param>
    public IReadOnlyList<TokenExample[]> Write(IReadOnlyList<int[][]> prompts, StepLog log)
    {
        GenerationBatch[] batches = [.. prompts.Select(Batch)];
        IReadOnlyList<int[]> answers = batches.Generate(model, stop: null, cancel);
        TokenExample[] texts =
        [
            .. prompts.SelectMany(part => part).Zip(
                answers, (prompt, answer) => new TokenExample([.. prompt, .. answer], prompt.Length).Truncated(limit)),
        ];
        log.Note("completions/mean_length", answers.Average(answer => answer.Length));
        int next = 0;
        return [.. prompts.Select(part => texts[next..(next += part.Length)])];
    }

    private GenerationBatch Batch(int[][] prompts)
    {
        long[] streams = [.. Enumerable.Range(0, prompts.Length).Select(row => ((long)seed << 32) + _rows + row)];
        _rows += prompts.Length;
        return new GenerationBatch(prompts, options, streams);
    }
}
