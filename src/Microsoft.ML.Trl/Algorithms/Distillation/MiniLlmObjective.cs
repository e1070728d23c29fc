using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>
/// The loss of GRPO, with what the teacher says of each token beside the advantages of its rewards, and the reverse KL of each position:
/// MiniLLM as TRL v1.9.0 has it.
/// </summary>
internal sealed class MiniLlmObjective : IGroupObjective
{
    private readonly CausalLanguageModel _student, _teacher;
    private readonly MiniLlmOptions _options;
    private readonly GrpoObjective _grpo;

    /// <param name="student">Its vocabulary projection is used.</param>
    /// <param name="teacher">Only read.</param>
    /// <param name="options">Validated.</param>
    /// <exception cref="ArgumentException">The two models cannot be compared.</exception>
    public MiniLlmObjective(CausalLanguageModel student, CausalLanguageModel teacher, MiniLlmOptions options)
    {
        Teacher.Check(teacher, student);
        (_student, _teacher, _options, _grpo) = (student, teacher, options, new GrpoObjective(options));
    }

    public bool NeedsEntropyGradient => _grpo.NeedsEntropyGradient;

    public Tensor OtherStates(TokenBatch batch) => Teacher.Hidden(_teacher, batch);

    /// <summary>Without rewards no completion is better than another, but for what the teacher says.</summary>
    public GroupJudgement Judge(GroupScores scores) =>
        scores.Table.Columns.Count > 0 ? _grpo.Judge(scores) : new GroupJudgement(new float[scores.Rewards.Length], []);

    public (Tensor Loss, Dictionary<string, float> Metrics) Loss(GroupTokens tokens, Tensor now, Tensor entropy, GroupTotals totals)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupStates states = tokens.States!;
        Dictionary<string, float> figures = [];
        if (_options.RklAdvantage)
        {
            (Tensor advantages, Tensor divergence) = FromTeacher(states, now.detach());
            figures["reverse_kl"] = divergence.mean().item<float>();
            tokens = tokens with { TokenAdvantages = tokens.Spread(tokens.Advantages) + advantages };
        }
        (Tensor loss, Dictionary<string, float> metrics) = _grpo.Loss(tokens, now, entropy, totals);
        if (_options.SingleStepDecomposition)
        {
            Tensor divergences = SingleStep(states); // [n]
            figures["single_step_loss"] = divergences.detach().mean().item<float>();
            loss += DistillationLoss.Mean(divergences, totals.Tokens);
        }
        return (loss.MoveToOuterDisposeScope(), metrics.Concat(figures).ToDictionary());
    }

    /// <summary>
    /// Of completions that are not learnt from, in means per token: the reverse KL of what was drawn, that of whole distributions, and
    /// the loss of the teacher's part of a step.
    /// </summary>
    public void Measure(GroupStates states, Tensor drawn, IFigures figures)
    {
        double loss = 0, tokens = drawn.NumberOfElements;
        if (_options.RklAdvantage)
        {
            (Tensor advantages, Tensor divergence) = FromTeacher(states, drawn);
            figures.Note("reverse_kl", divergence.mean().item<float>(), tokens);
            loss -= advantages.mean().item<float>();
        }
        if (_options.SingleStepDecomposition)
        {
            double single = SingleStep(states).mean().item<float>();
            figures.Note("single_step_loss", single, tokens);
            loss += single;
        }
        figures.Note("loss", loss, tokens);
    }

    public Tensor Kl(Tensor logProbs, Tensor reference) => _grpo.Kl(logProbs, reference);

    public void EndStep() => _grpo.EndStep();

    /// <summary>How good the drawn tokens are to the teacher, and log p - log q of each: [n], no gradient.</summary>
    /// <param name="states">Of student and teacher.</param>
    /// <param name="drawn">[n] log-probabilities under the student at the temperature of the draws.</param>
    private (Tensor Advantages, Tensor Divergence) FromTeacher(GroupStates states, Tensor drawn)
    {
        TokenBatch batch = states.Batch;
        Tensor ours = _options.KdTemperature == _options.Generation.Temperature ? drawn : LogProbs.OfHidden(
            states.Hidden.detach(), _student.Head.Detached() with { Temperature = _options.KdTemperature }, batch.Labels);
        Tensor theirs = LogProbs.OfHidden(states.Others!, TeacherHead.Detached(), batch.Labels);
        return (
            MiniLlmLoss.Advantages(ours, theirs, batch.TargetCounts, _options.Gamma, _options.LengthNormalization), ours - theirs);
    }

    /// <summary>KL(student ‖ teacher) of each position: [n], with gradient where the states have one.</summary>
    private Tensor SingleStep(GroupStates states) => GeneralizedJsd.OfHidden(
        states.Hidden, _student.Head with { Temperature = _options.KdTemperature }, states.Others!, TeacherHead, beta: 1);

    private VocabularyProjection TeacherHead => _teacher.Head with { Temperature = _options.KdTemperature };
}
