namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>What draws the second answers.</summary>
/// <param name="Model">Only read.</param>
/// <param name="Mixture">What it is mixed with; null = nothing.</param>
internal sealed record Opponent(CausalLanguageModel Model, GeometricMixture? Mixture = null);

/// <summary>Draws two answers to every prompt. Each answer of a run has its own random stream.</summary>
/// <param name="policy">Only read.</param>
/// <param name="options">How to sample, how many rows at once, and the seed.</param>
/// <param name="hooks">Stop rule and tokenizer.</param>
internal sealed class PairSampler(CausalLanguageModel policy, OnlinePairOptions options, SamplingHooks hooks)
{
    private long _rows; // drawn so far

    /// <summary>Draws.</summary>
    /// <param name="prompts">[B] token ids.</param>
    /// <param name="opponent">Draws the second answers; null = the policy does.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <returns>[B] and [B]</returns>
    public (int[][] First, int[][] Second) Draw(int[][] prompts, Opponent? opponent, CancellationToken cancel)
    {
        var ours = new Opponent(policy);
        if (opponent is not null)
            return (Answers(ours, prompts, 1, cancel), Answers(opponent, prompts, 1, cancel));
        int[][] both = Answers(ours, [.. prompts, .. prompts], 2, cancel);
        return (both[..prompts.Length], both[prompts.Length..]);
    }

    private int[][] Answers(Opponent model, int[][] prompts, int answersPerPrompt, CancellationToken cancel)
    {
        var generator = new TokenGenerator(model.Model) { Mixture = model.Mixture, Tokenizer = hooks.Tokenizer };
        long next = ((long)options.Seed << 32) + _rows;
        _rows += prompts.Length;
        IEnumerable<(int[] Prompt, long Stream)> rows = prompts.Select((prompt, row) => (prompt, next + row));
        return
        [
            .. rows.Chunk(answersPerPrompt * options.PerDeviceTrainBatchSize).SelectMany(part => generator.Generate(
                [.. part.Select(row => row.Prompt)], options.Generation, [.. part.Select(row => row.Stream)], hooks.Stop,
                cancel: cancel).Tokens),
        ];
    }
}
