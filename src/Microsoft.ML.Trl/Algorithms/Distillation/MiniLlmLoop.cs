using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>MiniLLM: the student learns from what it writes itself, by the reverse KL to the teacher. arXiv:2306.08543.</summary>
/// <param name="student">Trained in place.</param>
/// <param name="teacher">Only read.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class MiniLlmLoop(
    CausalLanguageModel student, CausalLanguageModel teacher, MiniLlmOptions options, IProgress<StepReport>? progress = null)
{
    /// <summary>Tokens that end what the student writes; null = those of the model's configuration.</summary>
    public IReadOnlyList<int>? EndTokens { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="prompts">Token ids, at least one prompt.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <inheritdoc cref="DistillationLoop.Run" path="/exception"/>
    public void Run(IReadOnlyList<int[]> prompts, CancellationToken cancel = default)
    {
        MiniLlmOptions checkedOptions = options.Validated();
        GenerationOptions how = new()
        {
            MaxNewTokens = options.MaxCompletionLength,
            Temperature = options.Temperature,
            TopP = options.TopP,
            TopK = options.TopK,
            EosTokenIds = EndTokens,
        };
        int limit = Math.Min(student.Config.ContextLength, teacher.Config.ContextLength);
        var writer = new CompletionWriter(student, how, limit, options.Seed, cancel);
        var loop = new DistillationLoop(
            "MiniLLM", student, teacher, checkedOptions, new MiniLlmObjective(student, teacher, checkedOptions), progress);
        int[] lengths =
        [
            .. prompts.SelectMany(prompt => Enumerable.Repeat(
                (int)Math.Min((long)prompt.Length + options.MaxCompletionLength, limit), options.NumGenerations)),
        ];
        loop.Run(
            lengths,
            (step, log) => writer.Write(
                [.. step.MicroBatches.Select(batch => Array.ConvertAll(batch, number => prompts[number / options.NumGenerations]))], log),
            cancel);
    }
}

/// <summary>The policy gradient of the tokens that were drawn, and the reverse KL of each position.</summary>
/// <param name="student">Its vocabulary projection is used.</param>
/// <param name="teacher">Its vocabulary projection is used.</param>
/// <param name="options">Which of the two, and how.</param>
internal sealed class MiniLlmObjective(CausalLanguageModel student, CausalLanguageModel teacher, MiniLlmOptions options)
    : IDistillationObjective
{
    public Tensor Loss(TokenBatch batch, Tensor ours, Tensor theirs, double divisor, StepLog log)
    {
        VocabularyProjection teacherHead = teacher.Head with { Temperature = options.KdTemperature };
        Tensor? policy = options.RklAdvantage ? PolicyGradient(batch, ours, theirs, teacherHead, divisor, log) : null;
        Tensor? single = options.SingleStepDecomposition ? SingleStep(ours, theirs, teacherHead, divisor, log) : null;
        return policy is null ? single! : single is null ? policy : policy + single;
    }

    private Tensor PolicyGradient(
        TokenBatch batch, Tensor ours, Tensor theirs, VocabularyProjection teacherHead, double divisor, StepLog log)
    {
        TokenLogProbs drawn = LogProbs.WithStatistics(ours, student.Head with { Temperature = options.Temperature }, batch.Labels);
        Tensor compared = options.KdTemperature == options.Temperature
            ? drawn.LogProbs.detach()
            : LogProbs.OfHidden(
                ours.detach(), student.Head.Detached() with { Temperature = options.KdTemperature }, batch.Labels);
        Tensor teachers = LogProbs.OfHidden(theirs, teacherHead.Detached(), batch.Labels);
        Tensor advantages = MiniLlmLoss.Advantages(
            compared, teachers, batch.TargetCounts, options.Gamma, options.LengthNormalization);
        float[] numbers = stack([(compared - teachers).mean(), drawn.Entropy.mean()]).cpu().data<float>().ToArray();
        log.Note("reverse_kl", numbers[0]);
        log.Note("entropy", numbers[1]);
        return MiniLlmLoss.PolicyGradient(drawn.LogProbs, advantages, divisor);
    }

    private Tensor SingleStep(Tensor ours, Tensor theirs, VocabularyProjection teacherHead, double divisor, StepLog log)
    {
        VocabularyProjection head = student.Head with { Temperature = options.KdTemperature };
        Tensor divergences = GeneralizedJsd.OfHidden(ours, head, theirs, teacherHead, beta: 1); // [N]
        log.Note("single_step_loss", divergences.detach().mean().item<float>());
        return DistillationLoss.Mean(divergences, divisor);
    }
}
