using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>
/// Reads an expression in LaTeX or plain notation and computes it on the way. Multiplication may be left out; an integer before a
/// fraction of integers is a mixed number.
/// </summary>
/// <param name="text">Of <see cref="MathText.Normalized"/>.</param>
internal sealed partial class MathParser(string text)
{
    private const int Deepest = 60; // nesting, since each level takes stack

    private int _place, _depth;

    /// <summary>The value; null where the text is no expression.</summary>
    public static MathValue? Read(string text)
    {
        if (text.Length == 0 || Word().IsMatch(text))
            return null;
        var parser = new MathParser(text);
        return parser.Sum() is { } value && parser.Next() == '\0' ? value : null;
    }

    private MathValue? Sum()
    {
        if (++_depth > Deepest)
            return null;
        MathValue? sum = Product();
        while (sum is not null && Next() is '+' or '-')
        {
            bool isMinus = text[_place++] == '-';
            MathValue? next = Product();
            sum = next is null ? null : isMinus ? sum! - next : sum! + next;
        }
        _depth--;
        return sum;
    }

    private MathValue? Product()
    {
        MathValue? product = Signed();
        while (product is not null)
        {
            char sign = Next();
            if (sign is '*' or '/')
                _place++;
            else if (!StartsFactor(sign))
                break;
            MathValue? next = sign is '*' or '/' ? Signed() : Power();
            product = next is null ? null : sign == '/' ? product / next : product * next;
        }
        return product;
    }

    private MathValue? Signed()
    {
        bool isMinus = false;
        while (Next() is '+' or '-')
            isMinus ^= text[_place++] == '-';
        return Power() is { } value ? isMinus ? -value : value : null;
    }

    private MathValue? Power()
    {
        MathValue? value = Postfix(Atom());
        if (value is null || Next() != '^')
            return value;
        _place++;
        MathValue? exponent = Next() switch
        {
            '-' => Signed(),
            >= '0' and <= '9' => Number(), // 2^10 is written so outside of LaTeX
            _ => Argument(),
        };
        return exponent is null ? null : Postfix(value.Power(exponent));
    }

    private MathValue? Postfix(MathValue? value)
    {
        while (value is not null && Next() is '!' or '%')
            value = text[_place++] == '!' ? value.Factorial() : value.AsPercent();
        return value;
    }

    private MathValue? Atom() => Next() switch
    {
        '(' => Group('(', ')'),
        '{' => Group('{', '}'),
        '|' => Group('|', '|')?.Absolute(),
        '\\' => Command(),
        >= '0' and <= '9' or '.' => Number(),
        >= 'a' and <= 'z' or >= 'A' and <= 'Z' => Name(text[_place++].ToString()),
        _ => null,
    };

    private MathValue? Group(char open, char close)
    {
        if (Next() != open)
            return null;
        _place++;
        MathValue? value = Sum();
        return Next() == close && _place++ >= 0 ? value : null;
    }

    /// <summary>What a command is applied to: a group, or the next digit, letter or command alone, as in <c>\frac12</c>.</summary>
    private MathValue? Argument()
    {
        char next = Next();
        return next switch
        {
            '{' => Group('{', '}'),
            >= '0' and <= '9' => MathValue.Of(new Rational(text[_place++] - '0', 1)),
            _ => Atom(),
        };
    }

    private MathValue? Number()
    {
        Match match = NumberForm().Match(text, _place);
        if (!match.Success || match.Index != _place)
            return null;
        _place += match.Length;
        string digits = match.Value.Replace(",", "", StringComparison.Ordinal);
        int point = digits.IndexOf('.');
        int decimals = point < 0 ? 0 : digits.Length - point - 1;
        var all = BigInteger.Parse("0" + digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        MathValue value = MathValue.Of(new Rational(all, BigInteger.Pow(10, decimals))) with { IsDecimal = decimals > 0 };
        return point < 0 && MixedFraction().Match(text, _place) is { Success: true } mixed && mixed.Index == _place && Command() is { } part
            ? value + part
            : value;
    }

    private MathValue? Command()
    {
        Match match = CommandForm().Match(text, _place);
        if (!match.Success || match.Index != _place)
            return null;
        _place += match.Length;
        string name = match.Groups[1].Value;
        return name switch
        {
            "frac" => Argument() is { } above && Argument() is { } below ? above / below : null,
            "binom" => Argument() is { } all && Argument() is { } chosen ? Binomial(all, chosen) : null,
            "sqrt" => Root(),
            "pi" => MathValue.Of(Math.PI),
            "infty" => MathValue.Of(double.PositiveInfinity),
            "log" or "ln" or "lg" => Logarithm(name),
            _ when MathFunctions.Of(name) is { } function => Applied(function),
            _ when MathFunctions.IsGreek(name) => Name(name),
            _ => null,
        };
    }

    private MathValue? Root()
    {
        int degree = 2;
        if (DegreeForm().Match(text, _place) is { Success: true } match && match.Index == _place)
        {
            degree = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            _place += match.Length;
        }
        return degree > 0 ? Argument()?.Root(degree) : null;
    }

    private MathValue? Logarithm(string name)
    {
        MathValue? basis = name == "ln" ? null : MathValue.Of(new Rational(10, 1)); // as math_verify reads \log
        if (Next() == '_' && _place++ >= 0 && (basis = Argument()) is null)
            return null;
        MathValue? logarithm = Applied(Complex.Log);
        return basis is null || logarithm is null ? logarithm : logarithm / basis.Apply(Complex.Log);
    }

    /// <summary>A function of a group or of what follows up to a sign, <c>\sin 2x</c>; after a power too, <c>\sin^2 x</c>.</summary>
    private MathValue? Applied(Func<Complex, Complex> function)
    {
        MathValue? power = null;
        if (Next() == '^' && _place++ >= 0 && (power = Argument()) is null)
            return null;
        MathValue? argument = Next() is '(' or '{' ? Atom() : Power();
        while (argument is not null && Next() is >= 'a' and <= 'z' or >= '0' and <= '9')
            argument = Power() is { } more ? argument * more : null;
        MathValue? value = argument?.Apply(function);
        return power is null ? value : value?.Power(power);
    }

    private static MathValue? Binomial(MathValue all, MathValue chosen) =>
        all.Factorial() is { } above && chosen.Factorial() is { } one && (all - chosen).Factorial() is { } other
            ? above / (one * other)
            : null;

    private MathValue Name(string name)
    {
        if (Subscript().Match(text, _place) is { Success: true } match && match.Index == _place)
        {
            _place += match.Length;
            return MathValue.Variable(name + match.Groups[1].Value.Trim('{', '}'));
        }
        return name switch
        {
            "e" => MathValue.Of(Math.E),
            "i" => MathValue.Of(Complex.ImaginaryOne),
            _ => MathValue.Variable(name),
        };
    }

    private static bool StartsFactor(char sign) => char.IsAsciiLetterOrDigit(sign) || sign is '(' or '{' or '\\' or '.';

    /// <summary>What comes next but blanks; NUL at the end.</summary>
    private char Next()
    {
        while (_place < text.Length && text[_place] == ' ')
            _place++;
        return _place < text.Length ? text[_place] : '\0';
    }

    [GeneratedRegex(@"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+")]
    private static partial Regex NumberForm();

    [GeneratedRegex(@"\s*\\frac\s*(?:\{\d+\}|\d)\s*(?:\{\d+\}|\d)")]
    private static partial Regex MixedFraction();

    [GeneratedRegex(@"\s*\\([a-zA-Z]+)")]
    private static partial Regex CommandForm();

    [GeneratedRegex(@"\s*\[(\d{1,2})\]")]
    private static partial Regex DegreeForm();

    [GeneratedRegex(@"\s*_(\{\w+\}|\w)")]
    private static partial Regex Subscript();

    [GeneratedRegex(@"(?<![\\a-zA-Z])[a-zA-Z]{4,}")] // more than a product of variables
    private static partial Regex Word();
}
