using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of iterative DPO, with the names and defaults of LMFlow's <c>IterativeDPOAlignerArguments</c> where it has them. Immutable;
/// vary with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record IterativeDpoOptions
{
    /// <summary>
    /// How each iteration learns from its pairs: a whole run of DPO, with a schedule of its own. Its seed decides sampling, too, and its
    /// <see cref="EpochOptions.PerDeviceTrainBatchSize"/> how many prompts are answered at once. There are no columns of pairs to read.
    /// Evaluations answer the prompts of its <see cref="EvaluatedOptions.EvaluationData"/>, one answer each, and measure
    /// <c>eval_reward</c>; what goes by evaluations (early stopping, the best model) does so within each iteration.
    /// </summary>
    public DpoOptions Dpo { get; init; } = new();

    /// <summary>Rounds of answering, scoring and learning: LMFlow takes one per data set that it is given. At least 1.</summary>
    public int Iterations { get; init; } = 3;

    /// <summary>Prompts that are answered in an iteration; the next one goes on with the others. At least 1; null = all.</summary>
    public int? PromptsPerIteration { get; init; }

    /// <summary>Answers to each prompt. At least 2.</summary>
    public int NumOutputSequences { get; init; } = 8;

    /// <summary>Which two of the answers to a prompt make a pair. A pair of equal scores is left out.</summary>
    public SamplingPairedMethod SamplingPairedMethod { get; init; }

    /// <summary>
    /// Taken off the score for each token of an answer; below 0, long answers gain. In units of the score, finite. LMFlow counts
    /// characters.
    /// </summary>
    public double LengthPenalty { get; init; }

    /// <summary>
    /// Hold each iteration against the model that it begins with; otherwise, as LMFlow does, against that of the first. Not with
    /// <see cref="TrainingOptions.Peft"/>, where the reference is the policy without its adapter.
    /// </summary>
    public bool RenewReference { get; init; }

    /// <summary>
    /// How answers are sampled in training; <see cref="PreferenceOptions.Generation"/> of <see cref="Dpo"/> says how the fitted stage
    /// answers.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>
    /// Answers of an iteration that its first report carries with their scores; as many has the report of an evaluation. At least 0.
    /// </summary>
    public int NumCompletionsToPrint { get; init; } = 1;

    /// <summary>How the answers to a prompt are drawn.</summary>
    internal GenerationOptions Sampling => Generation with { NumReturnSequences = NumOutputSequences };

    /// <summary>Options that were set and change nothing, each with the reason, beside those of a run of <see cref="Dpo"/>.</summary>
    internal IEnumerable<string> WithoutEffect()
    {
        var usual = new DpoOptions();
        if (Dpo.ChosenColumnName != usual.ChosenColumnName || Dpo.RejectedColumnName != usual.RejectedColumnName)
            yield return "ChosenColumnName and RejectedColumnName of Dpo, whose pairs are made of answers";
        if (Dpo.GenerateDuringEval)
            yield return "GenerateDuringEval of Dpo, whose evaluations answer prompts anyway";
        foreach (string unused in Generation.WithoutEffect())
            yield return unused;
    }

    /// <summary>The same for a run: with another limit of lengths, and what its evaluations measure.</summary>
    internal IterativeDpoOptions Within(int maxLength) =>
        this with { Dpo = Dpo with { MaxLength = maxLength, MetricForBestModel = Dpo.MetricForBestModel ?? "reward" } };

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal IterativeDpoOptions Validated()
    {
        ArgumentNullException.ThrowIfNull(Dpo);
        Dpo.Validated();
        Require.AtLeast(Iterations, 1);
        Require.AtLeast(PromptsPerIteration, 1);
        Require.AtLeast(NumOutputSequences, 2);
        Require.Known(SamplingPairedMethod);
        Require.Finite(LengthPenalty);
        Require.AtLeast(NumCompletionsToPrint, 0);
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForOne("Generation of iterative DPO, whose NumOutputSequences says how many answers there are");
        Sampling.Validated();
        if (RenewReference && Dpo.Peft is not null)
            throw new ArgumentException(
                "RenewReference has no meaning with Peft: the reference is the policy without its adapter in every iteration. Set it to "
                + "false, or train all weights.", nameof(RenewReference));
        if (RenewReference && Dpo.ReferenceFree)
            throw new ArgumentException(
                "RenewReference has no meaning with ReferenceFree, which leaves no reference; set one of them to false.",
                nameof(RenewReference));
        return this;
    }
}
