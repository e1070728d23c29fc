namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>Whether a completion answers a question as its solution does.</summary>
/// <param name="Gold">The solution as it was read; null where it cannot be.</param>
/// <param name="Found">The completion's answer as it was read; null where it has none, or nobody looked.</param>
/// <param name="IsRight">Null where the solution cannot be read.</param>
internal sealed record AnswerCheck(string? Gold, string? Found, bool? IsRight)
{
    /// <summary>Reads both, and compares.</summary>
    public static AnswerCheck Of(string solution, string completion)
    {
        if (AnswerFinder.InSolution(solution) is not { } gold)
            return new AnswerCheck(null, null, null);
        MathAnswer? answer = AnswerFinder.InCompletion(completion) is { } text ? AnswerReader.Read(text) : null;
        return new AnswerCheck(gold.Text, answer?.Text, answer is not null && gold.IsSame(answer));
    }
}
