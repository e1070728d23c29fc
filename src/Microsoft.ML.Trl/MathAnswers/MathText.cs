using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>Brings answers into one notation: one name per operator, without spacing, fonts, currencies, degrees and units.</summary>
internal static partial class MathText
{
    private static readonly (Regex Pattern, string Replacement)[] Rules =
    [
        (Size(), ""), (PlainFunction(), @"\$0"), (Delimiter(), "$1"), (Spacing(), " "), (Fraction(), @"\frac"),
        (Conjunction(), ","), (ThousandsBrace(), ","),
        (Degree(), ""), (Currency(), ""), (Font(), ""), (Percent(), "%"), (TimesSign(), "*"), (DivisionSign(), "/"),
        (AtMost(), "≤"), (AtLeast(), "≥"), (Unequal(), "≠"), (Minus(), "-"), (Pi(), @"\pi "), (Infinity(), @"\infty "),
    ];

    /// <summary>What is compared where an answer is no expression, and parsed where it is one.</summary>
    public static string Normalized(string text)
    {
        text = text.ReplaceLineEndings(" ").Trim();
        text = WithoutUnit(TrailingText(), text);
        foreach ((Regex pattern, string replacement) in Rules)
            text = pattern.Replace(text, replacement);
        text = WithoutUnit(Unit(), text).Trim();
        return text.EndsWith('.') ? text[..^1].TrimEnd() : text;
    }

    private static string WithoutUnit(Regex unit, string text)
    {
        string rest = unit.Replace(text, "").TrimEnd();
        return rest.Length > 0 ? rest : text;
    }

    [GeneratedRegex(@"\\(?:text|mbox|mathrm)\s*\{[^{}]*\}(?:\^\d|\^\{\d\})?$")]
    private static partial Regex TrailingText();

    [GeneratedRegex(
        @"(?<=[\d}%)])(?:\s*(?:cm|mm|km|kg|mg|ml|ft|mi|hr|hrs|lb|lbs|oz|yd|mph|kmh)|\s+[mgslhL]|(?:\s+[A-Za-z]{3,})+)"
        + @"(?:\^\d|\^\{\d\}|²|³)?\.?$")]
    private static partial Regex Unit();

    [GeneratedRegex(@"\\displaystyle|\\(?:bigg|Bigg|big|Big)[lrm]?(?![a-zA-Z])|\\limits")]
    private static partial Regex Size();

    [GeneratedRegex(@"\\(?:left|right)\s*(\\?[()\[\]{}|.]|\\[lr]brace)")]
    private static partial Regex Delimiter();

    [GeneratedRegex(@"\\[,;:! ]|~|\\q?quad(?![a-zA-Z])|\s+")]
    private static partial Regex Spacing();

    [GeneratedRegex(@"\\[dtc]frac")]
    private static partial Regex Fraction();

    [GeneratedRegex(@"\s*,?\s*(?:\\(?:text|mbox)\{\s*(?:and|or)\s*\}|(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z]))\s*")]
    private static partial Regex Conjunction();

    [GeneratedRegex(@"\{,\}")]
    private static partial Regex ThousandsBrace();

    [GeneratedRegex(@"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree(?![a-zA-Z])|°")]
    private static partial Regex Degree();

    [GeneratedRegex(@"\\\$|[$€£¥]")]
    private static partial Regex Currency();

    [GeneratedRegex(@"\\(?:text|textbf|textit|textrm|mathbf|mathrm|mathit|mathbb|mbox|operatorname|boldsymbol)(?![a-zA-Z])")]
    private static partial Regex Font();

    [GeneratedRegex(@"\\%|\s*(?<![a-zA-Z])(?:percent|pct)(?![a-zA-Z])")]
    private static partial Regex Percent();

    [GeneratedRegex(@"\\(?:cdot|times|ast)(?![a-zA-Z])|[×·]")]
    private static partial Regex TimesSign();

    [GeneratedRegex(@"\\div(?![a-zA-Z])|÷")]
    private static partial Regex DivisionSign();

    [GeneratedRegex(@"\\(?:leq?|leqslant)(?![a-zA-Z])|<=")]
    private static partial Regex AtMost();

    [GeneratedRegex(@"\\(?:geq?|geqslant)(?![a-zA-Z])|>=")]
    private static partial Regex AtLeast();

    [GeneratedRegex(@"\\(?:neq?|not\s*=)(?![a-zA-Z])|!=")]
    private static partial Regex Unequal();

    [GeneratedRegex(@"(?<![a-zA-Z\\])(?:sqrt|sin|cos|tan|ln|log)(?=\s*[({])")]
    private static partial Regex PlainFunction();

    [GeneratedRegex(@"[−–]")]
    private static partial Regex Minus();

    [GeneratedRegex(@"π|(?<![a-zA-Z\\])pi(?![a-zA-Z])")]
    private static partial Regex Pi();

    [GeneratedRegex(@"∞|(?<![a-zA-Z\\])(?:infinity|inf)(?![a-zA-Z])")]
    private static partial Regex Infinity();
}
