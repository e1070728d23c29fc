using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>How a method samples completions.</summary>
/// <param name="Rows">Completions that are made before some of them are learnt from.</param>
/// <param name="AtOnce">How many of them grow side by side.</param>
/// <param name="NewTokens">Most tokens of one.</param>
/// <param name="PerStep">How often it happens in an optimizer step.</param>
internal sealed record PlannedSampling(long Rows, long AtOnce, int NewTokens, double PerStep)
{
    /// <summary>How many of those side by side answer one prompt, which is read once.</summary>
    public int PerPrompt { get; init; } = 1;

    /// <summary>Whether the last hidden state of each token is kept, for its log-probability.</summary>
    public bool KeepsStates { get; init; }

    /// <summary>Models that write together: 2 where the reference has its say in each token.</summary>
    public int Models { get; init; } = 1;

    /// <summary>Most tokens of a prompt that training reads; null = all of them.</summary>
    public int? LongestPrompt { get; init; }

    /// <summary>Whether prompts are learnt, too.</summary>
    public bool LearnsPrompts { get; init; }

    /// <summary>What is drawn.</summary>
    public required GenerationOptions Generation { get; init; }

    /// <summary>That of a method; null where it samples nothing.</summary>
    /// <param name="options">Checked.</param>
    public static PlannedSampling? Of(TrainingOptions options) => options switch
    {
        PpoOptions ppo => OfPpo(ppo),
        GroupOptions groups => OfGroups(groups),
        OnlinePairOptions online => OfPairs(online),
        RaftOptions raft => OfRaft(raft),
        GkdOptions { Writes: true } gkd => OfStudent(gkd, gkd.MaxNewTokens, gkd.SeqKd ? 1 : gkd.Lmbda),
        _ => null,
    };

    /// <summary>Moments of it that may take most: rows are those of sampling alone.</summary>
    /// <param name="shape">Of the model that writes.</param>
    /// <param name="lengths">Of prompts with their answers.</param>
    /// <param name="isNarrow">Whether weights have 16 bits.</param>
    /// <param name="isCpu">Whether it runs on the CPU.</param>
    public IEnumerable<MemoryMoment> Moments(ModelShape shape, TextLengths lengths, bool isNarrow, bool isCpu)
    {
        ModelConfig config = shape.Config;
        int answer = Math.Min(NewTokens, lengths.Longest - 1), size = isNarrow ? 2 : 4;
        long keys = 2L * config.LayerCount * config.KeyValueHeadCount * config.HeadSize * size * Models; // of a token
        long states = KeepsStates ? (long)answer * config.OutputSize * size : 0, prompts = (AtOnce + PerPrompt - 1) / PerPrompt;
        int prompt = lengths.Longest - answer;
        bool isShared = PerPrompt > 1 && prompt >= KeyValueCache.LeastShared; // the rows of a prompt have its keys in common
        TrainingPlanRow Cache(long rows) => new(
            "key-value cache", keys * (((isShared ? prompts : rows) * prompt) + (rows * answer)),
            FormattableString.Invariant($"{rows:N0} rows of {lengths.Longest:N0} tokens{(isShared ? ", prompts once" : "")}"));
        TrainingPlanRow States(long rows) => new("kept states", rows * states, "the last ones of each sampled token");
        var pass = PassShape.Reading(prompts * (lengths.Longest - answer), lengths.Longest, prompts, isNarrow);
        double read = new ActivationSize(shape, pass).WithoutGradient(shape.Model.Body.Blocks[0]) * pass.Tokens;
        yield return new("reading of the prompts",
        [
            Cache(prompts), States(Rows - AtOnce),
            new("reading the prompts", (long)read, FormattableString.Invariant($"{pass.Tokens:N0} tokens")),
        ]);
        // on the CPU a query by itself is compared with keys in float32
        long widened = isNarrow && isCpu ? 2 * AtOnce * keys * lengths.Longest / config.LayerCount : 0;
        yield return new("sampling of responses",
        [
            Cache(AtOnce), States(Rows), new("widened keys and values", widened, "of a block"),
            new("distributions", DrawnBytes * AtOnce * config.VocabularySize * Models, "of the next token of each row"),
        ]);
        // step by step, joined, and row by row; or those of all rows joined once more
        yield return new("end of sampling", [States(Math.Max(Rows + (2 * AtOnce), 2 * Rows))]);
    }

    /// <summary>Bytes per token of the vocabulary: scores and what is made of them in float32, sums of all in float64.</summary>
    private long DrawnBytes => Generation.TopK > 0 ? 16 : 20;

    private static PlannedSampling OfPpo(PpoOptions options) => new(
        options.BatchSize, Math.Min(options.BatchSize, options.GenerationBatchSize ?? options.BatchSize),
        options.LengthSampler?.MaxValue - 1 ?? options.Generation.MaxNewTokens, PerStep: 1)
    {
        KeepsStates = true, Generation = options.Generation,
    };

    private static PlannedSampling OfGroups(GroupOptions options)
    {
        long rows = (long)options.PassesPerGeneration * options.PerDeviceTrainBatchSize;
        double passes = (double)options.PassesPerGeneration * options.NumIterations;
        return new(rows, rows, options.Generation.MaxNewTokens, options.GradientAccumulationSteps / passes)
        {
            PerPrompt = options.NumGenerations, KeepsStates = true, Generation = options.Generation,
        };
    }

    /// <summary>Two answers to each prompt, of one model or of two.</summary>
    private static PlannedSampling OfPairs(OnlinePairOptions options)
    {
        long prompts = (long)options.PerDeviceTrainBatchSize * options.GradientAccumulationSteps;
        bool isAlone = options is OnlineDpoOptions; // its second answers grow beside the first
        return new(2 * prompts, (isAlone ? 2 : 1) * options.PerDeviceTrainBatchSize, options.Generation.MaxNewTokens, PerStep: 1)
        {
            PerPrompt = isAlone && options.GradientAccumulationSteps == 1 ? 2 : 1, Generation = options.Generation,
            Models = options is NashMdOptions ? 2 : 1, LongestPrompt = options.MaxLength - options.Generation.MaxNewTokens,
        };
    }

    private static PlannedSampling OfStudent(EpochOptions options, int newTokens, double perStep)
    {
        long rows = (long)options.PerDeviceTrainBatchSize * options.GradientAccumulationSteps;
        return new(rows, options.PerDeviceTrainBatchSize, newTokens, perStep) { Generation = new() };
    }

    private static PlannedSampling OfRaft(RaftOptions options)
    {
        int each = options.SamplesPerPrompt, atOnce = Math.Max(1, options.InferenceBatchSizePerDevice / each) * each;
        double learnt = (double)options.PerDeviceTrainBatchSize * options.GradientAccumulationSteps;
        long rows = (long)options.PromptsPerIteration * each;
        return new(rows, Math.Min(rows, atOnce), options.OutputMaxLength - 1, learnt / options.NumTrainEpochs / options.RaftBatchSize)
        {
            PerPrompt = each, Generation = options.Generation, LongestPrompt = options.MaxPromptLength,
            LearnsPrompts = !options.CompletionOnlyLoss,
        };
    }
}
