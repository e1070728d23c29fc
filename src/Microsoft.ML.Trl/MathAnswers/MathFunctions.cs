using System.Numerics;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>What LaTeX's commands for functions and letters mean.</summary>
internal static class MathFunctions
{
    private static readonly Dictionary<string, Func<Complex, Complex>> Functions = new()
    {
        ["sin"] = Complex.Sin, ["cos"] = Complex.Cos, ["tan"] = Complex.Tan,
        ["cot"] = value => 1 / Complex.Tan(value), ["sec"] = value => 1 / Complex.Cos(value), ["csc"] = value => 1 / Complex.Sin(value),
        ["arcsin"] = Complex.Asin, ["arccos"] = Complex.Acos, ["arctan"] = Complex.Atan,
        ["sinh"] = Complex.Sinh, ["cosh"] = Complex.Cosh, ["tanh"] = Complex.Tanh, ["exp"] = Complex.Exp,
    };

    private static readonly HashSet<string> Letters =
    [
        "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
        "sigma", "tau", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega",
    ];

    /// <summary>Null where it is no function.</summary>
    public static Func<Complex, Complex>? Of(string command) => Functions.GetValueOrDefault(command);

    /// <summary>Whether it is a letter that can be a variable.</summary>
    public static bool IsGreek(string command) => Letters.Contains(command);
}
