using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which answer each prompt twice, have a judge or a reward compare the answers, and learn from that: TRL's
/// names and defaults (v1.9.0). Immutable; make variants with <c>with</c>.
/// </summary>
/// <remarks>
/// A step answers the prompts of all its micro batches before it learns from the first. Evaluations report what a step over the held-out
/// prompts would, and the share of them that the policy answers better than the reference: <c>eval_win_rate</c>.
/// </remarks>
public abstract record OnlinePairOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    protected OnlinePairOptions() => LearningRate = 5e-7;

    /// <summary>
    /// Pull to the reference, one number per epoch, of which the last holds for all further epochs. At least one; each above 0.
    /// </summary>
    public IReadOnlyList<double> Beta { get; init; } = [0.1];

    /// <summary>
    /// Most tokens of prompt and answer together in the passes that are learnt from; a longer prompt loses its beginning there. More than
    /// the most new tokens of <see cref="Generation"/>.
    /// </summary>
    public int MaxLength { get; init; } = 512;

    /// <summary>
    /// Taken off the score of an answer without an end token, above 0; only where a reward compares, not a judge. Null = nothing is.
    /// </summary>
    public double? MissingEosPenalty { get; init; }

    /// <summary>Train without dropout, so that policy and reference start equal.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>
    /// How the reference is held in memory. <see cref="ReferenceKind.Int8"/> makes an 8-bit copy of the starting model, or of the reference
    /// that is given. With <see cref="TrainingOptions.Peft"/> and no reference given it has no effect, which a warning says: the policy
    /// without its adapter is the reference, and takes no memory.
    /// </summary>
    public ReferenceKind ReferenceModel { get; init; }

    /// <summary>
    /// How answers are sampled in training, and how the fitted stage answers prompts. TRL has the fields of this one by one. One beam, and
    /// one sequence per prompt.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new() { MaxNewTokens = 64, Temperature = 0.9 };

    /// <summary>
    /// Answers of a step that each report carries, with their scores, or the probability that they are the better ones (NaN where the judge
    /// could not decide). At least 0.
    /// </summary>
    public int NumCompletionsToPrint { get; init; } = 1;

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Read prompts as conversations; the fitted stage does so too. Null, the default: as texts.</summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, null, PromptColumnName, Generation, Conversations);

    /// <summary>β of an epoch, counted from 0.</summary>
    internal double BetaAt(int epoch) => At(Beta, epoch);

    private protected override string UsualBestMetric => "win_rate";

    private protected override bool HasDropout => !DisableDropout;

    internal override IEnumerable<string> WithoutEffect() => base.WithoutEffect().Concat(Generation.WithoutEffect());

    /// <summary>The number of an epoch, counted from 0; the last one holds for all further epochs.</summary>
    private protected static double At(IReadOnlyList<double> perEpoch, int epoch) => perEpoch[Math.Min(epoch, perEpoch.Count - 1)];

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range, or two that contradict.</summary>
    private protected void ValidateOnline()
    {
        ValidateEpochs();
        ValidatePerEpoch(Beta, beta => Require.Positive(beta, nameof(Beta)));
        Require.AtLeast(MaxLength, 2);
        Require.Positive(MissingEosPenalty);
        Require.Known(ReferenceModel);
        Require.AtLeast(NumCompletionsToPrint, 0);
        Output.Validate();
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForDraws("the answers of a run");
        if (Generation.MaxNewTokens >= MaxLength)
            throw new ArgumentException(
                $"MaxLength ({MaxLength}) leaves no room for a prompt beside MaxNewTokens ({Generation.MaxNewTokens}) of Generation; raise "
                + "MaxLength, or lower MaxNewTokens.", nameof(MaxLength));
    }

    /// <summary>Checks a list with a number per epoch.</summary>
    private protected static void ValidatePerEpoch(
        IReadOnlyList<double> perEpoch, Action<double> check, [CallerArgumentExpression(nameof(perEpoch))] string name = "")
    {
        if (perEpoch is not { Count: > 0 })
            throw new ArgumentException($"{name} is {(perEpoch is null ? "null" : "empty")}; give at least one number.", name);
        foreach (double number in perEpoch)
            check(number);
    }
}
