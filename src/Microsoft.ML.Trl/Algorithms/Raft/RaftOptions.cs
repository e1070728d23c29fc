using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of reward-ranked fine-tuning (arXiv:2304.06767), with the names and defaults of LMFlow's <c>RaftAlignerArguments</c> and of its
/// documentation. Immutable; vary with <c>with</c>.
/// </summary>
/// <remarks>
/// <see cref="EpochOptions.PerDeviceTrainBatchSize"/> and <see cref="EpochOptions.NumTrainEpochs"/> are those of the fine-tuning in each
/// iteration. Optimizer and schedule go through the whole run; the steps that reports speak of are as many as there are if no prompt is
/// left out.
/// </remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed partial record RaftOptions : EpochOptions
{
    /// <summary>LMFlow's defaults: four passes over the selected completions at a constant rate of 2e-5.</summary>
    public RaftOptions()
    {
        LearningRate = 2e-5;
        LrSchedulerType = LrSchedulerType.Constant;
        NumTrainEpochs = 4;
    }

    /// <summary>Rounds of sampling, ranking and fine-tuning. At least 1. Prompts come again when all were used.</summary>
    public int NumRaftIteration { get; init; } = 20;

    /// <summary>
    /// Completions that an iteration learns from, at least 1; with <see cref="CollectionStrategy.Local"/> as many prompts, of which those
    /// are left out that have no usable completion.
    /// </summary>
    public int RaftBatchSize { get; init; } = 1024;

    /// <summary>
    /// Share of the completions that is learnt: <see cref="CollectionStrategy.Top"/> answers <see cref="RaftBatchSize"/> over this many
    /// prompts, <see cref="CollectionStrategy.Local"/> each prompt 1 over this many times. In (0, 1]; at most 0.5 with Local.
    /// </summary>
    public double TopRewardPercentage { get; init; } = 0.2;

    /// <summary>Which completions are learnt. LMFlow's documentation advises Local, its code has Top.</summary>
    public CollectionStrategy CollectionStrategy { get; init; }

    /// <summary>
    /// Least limit of the new tokens of completions, at least 1; one limit is drawn for those that are sampled at once.
    /// </summary>
    public int OutputMinLength { get; init; } = 64;

    /// <summary>One more than the greatest limit. Greater than <see cref="OutputMinLength"/>.</summary>
    public int OutputMaxLength { get; init; } = 128;

    /// <summary>
    /// Completions that are drawn at once, at least 1. The completions of one prompt are drawn together in any case. LMFlow's default is 1,
    /// which is slower.
    /// </summary>
    public int InferenceBatchSizePerDevice { get; init; } = 16;

    /// <summary>Prompts of more tokens are left out; at least 1, null = none.</summary>
    public int? MaxPromptLength { get; init; } = 256;

    /// <summary>
    /// How data in LMFlow's format begin a turn of the user. Where a prompt holds this text, its completions are cut before it, white space
    /// and number signs are taken off at their ends, and those that still hold a number sign are not learnt. Other data are left as they
    /// are. Not empty; null = never look for it.
    /// </summary>
    public string? TurnMarker { get; init; } = "###Human";

    /// <summary>Completions of fewer characters are not learnt. At least 0.</summary>
    public int MinCompletionCharacters { get; init; } = 2;

    /// <summary>Learn the completion alone; otherwise, as LMFlow does, the prompt too.</summary>
    public bool CompletionOnlyLoss { get; init; } = true;

    /// <summary>What the scores of each reward function are multiplied by before they are added; null = 1 each.</summary>
    public IReadOnlyList<double>? RewardWeights { get; init; }

    /// <summary>
    /// Folder for what each iteration i, counted from 0, learns from (<c>train_set_{i}.json</c>, in LMFlow's text_only format) and for a
    /// picture of the mean rewards (<c>training_reward.svg</c>). Made when it is not there; files of these names are replaced. Null = none.
    /// </summary>
    public string? OutputDir { get; init; }

    /// <summary>Text file for the mean rewards, a line per iteration. Replaced by each run. Null = none.</summary>
    public string? OutputRewardPath { get; init; }

    /// <summary>
    /// How completions are sampled in training, but for their length, and how the fitted stage answers prompts. One sequence of each row;
    /// with <see cref="CollectionStrategy.Local"/> drawn at random.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new() { Temperature = 0.85, MaxNewTokens = 128 };

    /// <summary>
    /// Let padding go through no layer of the network: rows of different lengths take the time and memory of their tokens. The numbers are
    /// the same but for rounding. Not for encoder-decoders.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>Weight of the load-balancing loss of a model with experts, as <see cref="SftOptions.RouterAuxLossCoef"/>.</summary>
    public double? RouterAuxLossCoef { get; init; } = 0.001;

    /// <summary>Completions of an iteration that its first report carries with their rewards. At least 0.</summary>
    public int NumCompletionsToPrint { get; init; } = 1;

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Column of the answers' scores, where a reward model is upstream; null = it replaces the reward model's own.</summary>
    public string? ScoreColumnName { get; init; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Read prompts as conversations; the fitted stage does so too. Null, the default: as texts.</summary>
    public ConversationOptions? Conversations { get; init; }
}
