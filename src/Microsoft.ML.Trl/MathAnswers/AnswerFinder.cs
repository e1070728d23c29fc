using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>Finds the answer in what was written about a question.</summary>
internal static partial class AnswerFinder
{
    private const string Box = @"\boxed{";
    private const int Close = 10, Apart = 70; // characters between boxes that make up one answer, as math_verify has them

    private const string Number = @"-?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?(?:\s*(?:\\?%|percent\b))?";

    private const string Latex =
        @"(?:(?<!\\)\$\$(?<in>[^$]+)\$\$|(?<![\\\d])\$(?<in>(?:\\\$|[^\n$])+?)(?<!\\)\$|\\\((?<in>.+?)\\\)|\\\[(?<in>.+?)\\\]"
        + @"|(?<in>-?\\frac\{-?\d+(?:\.\d+)?\}\{-?\d+(?:\.\d+)?\}))(?:\s*(?<percent>\\?%|percent\b))?";

    private const string LatexList = Latex + @"(?:\s*(?:,?\s*and\b|,?\s*or\b|,)\s*" + Latex + "){0,5}";

    /// <summary>The text of the answer of a completion; null where it has none.</summary>
    public static string? InCompletion(string text) => Boxed(text) ?? AfterWord(text);

    /// <summary>A solution; null where it cannot be read.</summary>
    public static MathAnswer? InSolution(string text)
    {
        if (InCompletion(text) is { } found)
            return AnswerReader.Read(found);
        string? latex = Last(AnyLatex(), text);
        bool isMarked = latex is not null && Mark().IsMatch(text); // otherwise the LaTeX may only be a part of it
        if (!isMarked && Symbol().IsMatch(text) && AnswerReader.Read(text) is { IsRead: true } whole)
            return whole;
        if (latex is not null)
            return AnswerReader.Read(latex);
        Match? number = SaidNumber().Matches(text).LastOrDefault() ?? AnyNumber().Matches(text).LastOrDefault();
        return number is null ? null : AnswerReader.Read(number.Groups["in"].Value);
    }

    private static string? AfterWord(string text) =>
        Last(FinalAnswer(), text) ?? Last(AnswerColon(), text) ?? Last(AnswerWord(), text);

    private static string? Last(Regex form, string text) => form.Matches(text).LastOrDefault() is { } match
        ? string.Join(',', match.Groups["in"].Captures.Select(part => part.Value)) + (match.Groups["percent"].Success ? "%" : "")
        : null;

    /// <summary>What stands in the last box, and in those before it that belong to it; null where there is none that closes.</summary>
    private static string? Boxed(string text)
    {
        List<string> contents = [];
        int next = text.Length; // where the box begins that was read last
        for (int start = text.LastIndexOf(Box, StringComparison.Ordinal); start >= 0;
            start = start == 0 ? -1 : text.LastIndexOf(Box, start - 1, StringComparison.Ordinal))
        {
            int open = start + Box.Length, end = Closing(text, open);
            if (end < 0)
                return contents.Count == 0 ? null : string.Join(',', contents);
            string content = text[open..end].Trim();
            if (contents.Count > 0 && (end >= next || !Belongs(text[(end + 1)..next], content, contents[0])))
                break;
            if (contents.Count == 0 || contents[0] != content)
                contents.Insert(0, content);
            next = start;
        }
        return contents.Count == 0 ? null : string.Join(',', contents);
    }

    private static bool Belongs(string between, string content, string following) =>
        between.Length < Close || (between.Length < Apart && content != following && Separator().IsMatch(between));

    private static int Closing(string text, int start)
    {
        int depth = 1;
        for (int place = start; place < text.Length; place++)
        {
            depth += text[place] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
                return place;
        }
        return -1;
    }

    [GeneratedRegex(@"(?i:final\ answer.{0,100}?)\sis:?\s*" + LatexList, RegexOptions.Singleline)]
    private static partial Regex FinalAnswer();

    [GeneratedRegex("(?i:answer):.{0,50}?" + LatexList, RegexOptions.Singleline)]
    private static partial Regex AnswerColon();

    [GeneratedRegex("(?i:answer).{0,50}?" + LatexList, RegexOptions.Singleline)]
    private static partial Regex AnswerWord();

    [GeneratedRegex(LatexList, RegexOptions.Singleline)]
    private static partial Regex AnyLatex();

    [GeneratedRegex(@"(?i:answer).{0,50}?(?<![\w.])(?<in>" + Number + @")(?!\s*=)", RegexOptions.Singleline)]
    private static partial Regex SaidNumber();

    [GeneratedRegex(@"(?<![\w.,])(?<in>" + Number + ")")]
    private static partial Regex AnyNumber();

    [GeneratedRegex(@"\b(?:and|or)\b|[,;]")]
    private static partial Regex Separator();

    [GeneratedRegex(@"[$]|\\[(\[]")]
    private static partial Regex Mark();

    [GeneratedRegex(@"[^a-zA-Z\s.,!?]")] // more than words
    private static partial Regex Symbol();
}
