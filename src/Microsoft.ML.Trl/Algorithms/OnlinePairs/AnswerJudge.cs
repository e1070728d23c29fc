namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>Compares answers that are token ids.</summary>
internal interface IAnswerJudge
{
    /// <summary>One verdict per prompt.</summary>
    /// <param name="first">The first answers.</param>
    /// <param name="second">The second answers to the same prompts.</param>
    /// <param name="cancel">Asks to stop early.</param>
    PairVerdicts Judge(RolloutTexts first, RolloutTexts second, CancellationToken cancel);

    /// <summary>Some prompts and answers as text, for a human to read. None where there is no tokenizer.</summary>
    /// <param name="first">The first answers.</param>
    /// <param name="second">The second answers.</param>
    /// <param name="verdicts">On them.</param>
    /// <param name="count">How many answers at most.</param>
    IReadOnlyList<SampleCompletion> Samples(RolloutTexts first, RolloutTexts second, PairVerdicts verdicts, int count) => [];
}

/// <summary>Turns answers back into text and asks a judge.</summary>
/// <param name="judge">Asked once per step.</param>
/// <param name="who">What it is, for messages.</param>
/// <param name="policy">Whose answers they are.</param>
/// <param name="rows">The prompts of the run.</param>
internal sealed class AnswerJudge(BoundJudge judge, string who, LanguageModel policy, IReadOnlyList<PromptRow> rows) : IAnswerJudge
{
    public PairVerdicts Judge(RolloutTexts first, RolloutTexts second, CancellationToken cancel)
    {
        var log = new RewardLog();
        int count = first.Prompts.Count;
        AnswerPair[] pairs = [.. Enumerable.Range(0, count).Select(row => new AnswerPair(
            Row(first, row) with { Log = (log, row) }, Row(second, row) with { Log = (log, count + row) }))];
        return Verdict.Ask(judge, who, pairs, first.Step, cancel) with { Log = log };
    }

    public IReadOnlyList<SampleCompletion> Samples(RolloutTexts first, RolloutTexts second, PairVerdicts verdicts, int count)
    {
        SampleCompletion Sample(RolloutTexts answers, int row, double? score) => new(
            rows[answers.Prompts[row]].Prompt.Text, policy.Tokenizer.DecodeCompletion(answers.Responses[row]), score ?? double.NaN)
        {
            Extra = verdicts.Log.Extras(answers == first ? row : first.Prompts.Count + row),
        };
        (double?, double?) Scores(int row) => verdicts.Scores is { } scores ? scores[row]
            : (verdicts.FirstWins[row], 1 - verdicts.FirstWins[row]);
        return
        [
            .. Enumerable.Range(0, first.Prompts.Count).SelectMany(row => new[]
            {
                Sample(first, row, Scores(row).Item1), Sample(second, row, Scores(row).Item2),
            }).Take(count),
        ];
    }

    private RewardRow Row(RolloutTexts answers, int row) => RewardScorer.Row(policy, rows, answers, row);
}
