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
        int atOnce = options.PerDeviceTrainBatchSize;
        if (opponent is not null)
            return (Answers(null, Next(prompts), atOnce, cancel), Answers(opponent, Next(prompts), atOnce, cancel));
        int[][] both = Answers(null, Next([.. prompts, .. prompts]), 2 * atOnce, cancel);
        return (both[..prompts.Length], both[prompts.Length..]);
    }

    /// <summary>Draws with given random streams, which are counted from the first of the run.</summary>
    /// <param name="opponent">Draws; null = the policy does.</param>
    /// <param name="rows">Prompts with the streams of their answers.</param>
    /// <param name="atOnce">Rows at once.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <returns>[rows]</returns>
    public int[][] Answers(Opponent? opponent, IEnumerable<(int[] Prompt, long Stream)> rows, int atOnce, CancellationToken cancel)
    {
        Opponent model = opponent ?? new Opponent(policy);
        var generator = new TokenGenerator(model.Model) { Mixture = model.Mixture, Tokenizer = hooks.Tokenizer };
        long first = (long)options.Seed << 32;
        return
        [
            .. rows.Chunk(atOnce).SelectMany(part => generator.Generate(
                [.. part.Select(row => row.Prompt)], options.Generation, [.. part.Select(row => first + row.Stream)], hooks.Stop,
                cancel: cancel).Tokens),
        ];
    }

    private (int[] Prompt, long Stream)[] Next(int[][] prompts)
    {
        long next = _rows;
        _rows += prompts.Length;
        return [.. prompts.Select((prompt, row) => (prompt, next + row))];
    }
}
