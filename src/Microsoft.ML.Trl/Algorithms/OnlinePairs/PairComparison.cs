using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>From two answers to each prompt to what a method makes of them: verdicts, log-probabilities, loss.</summary>
/// <param name="method">Makes the loss.</param>
/// <param name="options">Validated.</param>
/// <param name="policy">Whose answers the first are.</param>
/// <param name="reference">What the policy is held against.</param>
internal sealed class PairComparison(
    IOnlinePairMethod method, OnlinePairOptions options, CausalLanguageModel policy, CausalLanguageModel reference)
{
    private readonly IReadOnlyList<int> _ends = options.Generation.EosTokenIds ?? policy.Config.EosTokenIds;

    public IOnlinePairMethod Method => method;

    public OnlinePairOptions Options => options;

    public CausalLanguageModel Policy => policy;

    public CausalLanguageModel Reference => reference;

    /// <summary>Asks a judge; scores pay for answers that have not come to their end.</summary>
    /// <param name="judge">Asked once.</param>
    /// <param name="first">The first answers.</param>
    /// <param name="second">The second answers to the same prompts.</param>
    /// <param name="cancel">Asks to stop early.</param>
    public JudgedPairs Judged(IAnswerJudge judge, RolloutTexts first, RolloutTexts second, CancellationToken cancel)
    {
        PairVerdicts verdicts = judge.Judge(first, second, cancel);
        bool[] firstEnded = [.. first.Responses.Select(HasEnded)], secondEnded = [.. second.Responses.Select(HasEnded)];
        if (options.MissingEosPenalty is { } penalty && verdicts.Scores is { } scores)
            verdicts = verdicts.With([.. scores.Select((pair, row) => (
                pair.First - (firstEnded[row] ? 0 : penalty), pair.Second - (secondEnded[row] ? 0 : penalty)))]);
        return new JudgedPairs([.. first.Queries], [.. first.Responses], [.. second.Responses], firstEnded, secondEnded, verdicts);
    }

    /// <summary>The mean loss of some pairs, with its gradient where gradients are recorded. It belongs to the current scope.</summary>
    /// <param name="pairs">All pairs.</param>
    /// <param name="rows">Which of them.</param>
    /// <param name="answers">Of <see cref="Answers"/>; the gradient needs it.</param>
    /// <param name="epoch">Counted from 0.</param>
    /// <returns>The loss, and the method's metrics with <c>loss</c>.</returns>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(JudgedPairs pairs, int[] rows, AnswerBatch answers, int epoch)
    {
        Tensor firstWins = tensor(
            Array.ConvertAll(rows, row => (float)(pairs.Verdicts.FirstWins[row] ?? 0.5)), device: policy.Device); // [B]
        double? meanScore = pairs.Verdicts.Scores is { } scores ? rows.Average(row => (scores[row].First + scores[row].Second) / 2) : null;
        var pass = new OnlinePairPass(answers, LogProbsOf(policy, answers), Frozen(reference, answers), firstWins, meanScore);
        return method.Compare(pass, epoch);
    }

    /// <summary>What is read of some pairs. The caller owns it.</summary>
    /// <param name="pairs">All pairs.</param>
    /// <param name="rows">Which of them.</param>
    public AnswerBatch Answers(JudgedPairs pairs, int[] rows)
    {
        IEnumerable<TokenExample> texts = rows.Select(row => Text(pairs.Prompts[row], pairs.First[row]));
        if (method.ReadsSecond)
            texts = texts.Concat(rows.Select(row => Text(pairs.Prompts[row], pairs.Second[row])));
        TokenExample[] all = [.. texts];
        return new AnswerBatch(policy.BatchOf(all, paddingFree: false), [.. Enumerable.Range(0, all.Length)]);
    }

    /// <summary>Prompt and answer; of a prompt that is too long the beginning is cut off, as in TRL.</summary>
    private TokenExample Text(int[] prompt, int[] answer)
    {
        int cut = Math.Max(0, prompt.Length + answer.Length - options.MaxLength);
        return new TokenExample([.. prompt.AsSpan(cut), .. answer], prompt.Length - cut);
    }

    private bool HasEnded(int[] answer) => answer.Length > 0 && _ends.Contains(answer[^1]);

    private static Tensor LogProbsOf(CausalLanguageModel model, AnswerBatch answers) // [N] in the current scope
    {
        VocabularyProjection head = model.Head; // widened where it is quantized: the backward pass reads it
        return LogProbs.OfHidden(model.HiddenAt(answers.Tokens), head, answers.Tokens.Labels);
    }

    private static Tensor Frozen(CausalLanguageModel model, AnswerBatch answers) // [N] in the scope around
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        return LogProbsOf(model, answers).MoveToOuterDisposeScope();
    }
}
