namespace Microsoft.ML.Trl;

/// <summary>Rewards that are often wanted, by rules: those of TRL's <c>trl.rewards</c>.</summary>
public static class RewardFunctions
{
    private const string Solution = "Solution", EndOfReasoning = "</think>";

    /// <summary>
    /// 1 where the completion's answer to a question of mathematics equals the solution, 0 where it does not or there is none, null where
    /// the solution cannot be read: TRL's <c>accuracy_reward</c>. See the remarks for what is understood.
    /// </summary>
    /// <remarks>
    /// <para>The answer is what stands in the last <c>\boxed{...}</c> (boxes close to it, or joined by "and", "or" or a
    /// comma, belong to it); without a box, LaTeX in <c>$...$</c>, <c>\(...\)</c> or <c>\[...\]</c>, or a
    /// <c>\frac</c>, within 50 characters after the word "answer".
    /// A plain "the answer is 42" is no answer, as in TRL.</para>
    /// <para>The solution is the same, or the whole text read as an expression, or the last LaTeX or number in it. A text without any of
    /// these, such as "forty two", cannot be read.</para>
    /// <para>Understood are integers, decimals, thousands separators, percent, fractions, mixed numbers, scientific notation, powers,
    /// roots, factorials, binomials, absolute values, <c>\pi</c>, <c>e</c>, <c>\infty</c>, logarithms and trigonometric functions,
    /// polynomials and other expressions in variables, tuples, intervals, unions of them, sets, lists, equations and inequalities;
    /// units, currency signs, degrees and spacing are left out. Numbers are compared exactly, and to 6 decimals where one is a decimal;
    /// expressions with variables at points of the plane; anything else (matrices, words) as text without spacing and font commands.</para>
    /// <para>TRL asks the library math_verify and thus SymPy. Beyond it, <c>\frac13</c> and <c>\sqrt2</c>, solutions in LaTeX without
    /// dollar signs, any unit of three letters or more, complex numbers, and equations and inequalities times a constant are read here.
    /// Short of it, integrals, limits, sums, matrices whose equal entries are written differently, and equations that only solving shows
    /// to be equal are not. <c>\log</c> without a base has base 10 in both.</para>
    /// </remarks>
    /// <param name="solutionColumnName">Text column of the data.</param>
    /// <returns>
    /// Named <c>accuracy_reward</c>. Shows <c>solution</c>, <c>gold_parsed</c> and <c>answer_parsed</c> beside completions.
    /// </returns>
    /// <exception cref="ArgumentException">The column has no name.</exception>
    public static RewardFunction Accuracy(string solutionColumnName = Solution) =>
        OfSolution("accuracy_reward", solutionColumnName, (solution, row) => Compared(solution, row.Completion, row));

    /// <summary>
    /// <see cref="Accuracy"/> of what follows the reasoning; 0 where the reasoning does not end: TRL's <c>reasoning_accuracy_reward</c>.
    /// </summary>
    /// <param name="solutionColumnName">Text column of the data.</param>
    /// <param name="reasoningDelimiters">
    /// Ends of reasoning: the answer is looked for after the last occurrence of the first of them that the completion has. Null =
    /// <c>&lt;/think&gt;</c>.
    /// </param>
    /// <returns>Named <c>reasoning_accuracy_reward</c>.</returns>
    /// <exception cref="ArgumentException">The column has no name, there is no delimiter, or one is empty.</exception>
    public static RewardFunction ReasoningAccuracy(
        string solutionColumnName = Solution, IReadOnlyList<string>? reasoningDelimiters = null)
    {
        string[] delimiters = reasoningDelimiters is null ? [EndOfReasoning] : [.. reasoningDelimiters];
        if (delimiters.Length == 0 || delimiters.Any(string.IsNullOrEmpty))
            throw new ArgumentException(
                "reasoningDelimiters is empty or has an empty text; give what ends reasoning, such as </think>.",
                nameof(reasoningDelimiters));
        return OfSolution("reasoning_accuracy_reward", solutionColumnName, (solution, row) =>
        {
            string? delimiter = delimiters.FirstOrDefault(each => row.Completion.Contains(each, StringComparison.Ordinal));
            if (delimiter is null)
                return Shown(row, solution, "[incomplete reasoning]", "[incomplete reasoning]", 0);
            int end = row.Completion.LastIndexOf(delimiter, StringComparison.Ordinal) + delimiter.Length;
            return Compared(solution, row.Completion[end..], row);
        });
    }

    /// <summary>
    /// <see cref="Accuracy"/>, more for short right answers and less for short wrong ones: TRL's <c>get_cosine_scaled_reward</c>,
    /// arXiv:2502.03373, appendix C.1. With c = (1 + cos(π min(1, tokens / maxLen))) / 2 a right answer is worth
    /// minValueCorrect + c (maxValueCorrect - minValueCorrect), a wrong one maxValueWrong + c (minValueWrong - maxValueWrong).
    /// </summary>
    /// <param name="maxLen">Tokens from which on length changes nothing. At least 1.</param>
    /// <param name="minValueWrong">Of the shortest wrong answer.</param>
    /// <param name="maxValueWrong">Of the longest wrong answer.</param>
    /// <param name="minValueCorrect">Of the longest right answer.</param>
    /// <param name="maxValueCorrect">Of the shortest right answer.</param>
    /// <param name="solutionColumnName">Text column of the data.</param>
    /// <returns>Named <c>cosine_scaled_reward</c>; null where the solution cannot be read.</returns>
    /// <exception cref="ArgumentException">The length is below 1, a value is no finite number, or the column has no name.</exception>
    public static RewardFunction CosineScaled(
        int maxLen,
        double minValueWrong = -1.0,
        double maxValueWrong = -0.5,
        double minValueCorrect = 0.5,
        double maxValueCorrect = 1.0,
        string solutionColumnName = Solution)
    {
        Require.AtLeast(maxLen, 1);
        Require.Finite(minValueWrong);
        Require.Finite(maxValueWrong);
        Require.Finite(minValueCorrect);
        Require.Finite(maxValueCorrect);
        return OfSolution("cosine_scaled_reward", solutionColumnName, (solution, row) =>
        {
            if (AnswerCheck.Of(solution, row.Completion).IsRight is not { } isRight)
                return null;
            double cosine = Math.Cos(Math.Min((double)row.CompletionIds.Count / maxLen, 1) * Math.PI);
            (double longest, double shortest) = isRight ? (minValueCorrect, maxValueCorrect) : (maxValueWrong, minValueWrong);
            return longest + (0.5 * (shortest - longest) * (1 + cosine));
        });
    }

    /// <summary>
    /// 1 where the completion begins with <c>&lt;think&gt;</c>, has no other one, and closes it; else 0: TRL's <c>think_format_reward</c>.
    /// </summary>
    /// <returns>Named <c>think_format_reward</c>.</returns>
    public static RewardFunction ThinkFormat()
    {
        const string start = "<think>";
        return RewardFunction.Of((_, completion) =>
            completion.StartsWith(start, StringComparison.Ordinal)
            && !completion[start.Length..].Contains(start, StringComparison.Ordinal)
            && completion.Contains(EndOfReasoning, StringComparison.Ordinal) ? 1.0 : 0.0).Named("think_format_reward");
    }

    /// <summary>
    /// A penalty for repeated runs of tokens: (1 - different n-grams / n-grams) · maxPenalty, 0 for completions shorter than a run. TRL's
    /// <c>get_repetition_penalty_reward</c>, arXiv:2502.03373, appendix C.2.
    /// </summary>
    /// <param name="ngramSize">Tokens of a run. At least 1.</param>
    /// <param name="maxPenalty">What a completion that only repeats itself comes near to. Finite, 0 or below.</param>
    /// <returns>Named <c>repetition_penalty_reward</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static RewardFunction RepetitionPenalty(int ngramSize = 3, double maxPenalty = -1.0)
    {
        Require.AtLeast(ngramSize, 1);
        Require.Between(maxPenalty, double.MinValue, 0);
        return RewardFunction.Of(row => RepeatedShare([.. row.CompletionIds], ngramSize) is > 0 and var share ? share * maxPenalty : 0)
            .Named("repetition_penalty_reward");
    }

    /// <summary>
    /// A penalty for long completions: 0 up to maxCompletionLen - softPunishCache tokens, from there linearly to -1 at maxCompletionLen,
    /// and -1 beyond. TRL's <c>get_soft_overlong_punishment</c>, arXiv:2503.14476, Eq. 13.
    /// </summary>
    /// <param name="maxCompletionLen">Tokens. At least 1.</param>
    /// <param name="softPunishCache">Tokens over which the penalty grows, from 0 to maxCompletionLen.</param>
    /// <returns>Named <c>soft_overlong_punishment_reward</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static RewardFunction SoftOverlongPunishment(int maxCompletionLen, int softPunishCache)
    {
        Require.AtLeast(maxCompletionLen, 1);
        Require.Between(softPunishCache, 0, maxCompletionLen);
        return RewardFunction.Of(row =>
        {
            int over = row.CompletionIds.Count - (maxCompletionLen - softPunishCache);
            return over <= 0 ? 0 : over > softPunishCache ? -1 : -(double)over / softPunishCache;
        }).Named("soft_overlong_punishment_reward");
    }

    private static TextColumnReward OfSolution(string name, string column, Func<string, RewardRow, double?> score)
    {
        Require.Named(column, "solutionColumnName");
        return new TextColumnReward(name, column, "solution", score);
    }

    private static double? Compared(string solution, string answer, RewardRow row)
    {
        AnswerCheck check = AnswerCheck.Of(solution, answer);
        return check.IsRight is { } isRight
            ? Shown(row, solution, check.Gold!, check.Found ?? "[unparseable]", isRight ? 1 : 0)
            : Shown(row, solution, "[unparseable]", "[skipped]", null);
    }

    private static double? Shown(RewardRow row, string solution, string gold, string answer, double? score)
    {
        row.LogExtra("solution", solution);
        row.LogExtra("gold_parsed", gold);
        row.LogExtra("answer_parsed", answer);
        return score;
    }

    private static double RepeatedShare(int[] ids, int size)
    {
        int count = ids.Length - size + 1;
        if (count < 1)
            return 0;
        HashSet<int> starts = new(new SameRun(ids, size));
        for (int start = 0; start < count; start++)
            starts.Add(start);
        return 1 - ((double)starts.Count / count);
    }

    /// <summary>Places from which on the same tokens follow.</summary>
    private sealed class SameRun(int[] ids, int size) : IEqualityComparer<int>
    {
        public bool Equals(int x, int y) => ids.AsSpan(x, size).SequenceEqual(ids.AsSpan(y, size));

        public int GetHashCode(int start)
        {
            var hash = new HashCode();
            foreach (int id in ids.AsSpan(start, size))
                hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
