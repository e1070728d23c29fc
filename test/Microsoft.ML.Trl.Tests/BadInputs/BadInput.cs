using System.Globalization;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>One wrong use of a public member, and how it is refused.</summary>
/// <param name="Member">
/// Its name in the documentation file without namespace, such as <c>LengthSampler.#ctor</c>: all overloads; with a begin of the parameter
/// list, those that begin so.
/// </param>
/// <param name="Name">What is wrong, unique in the table.</param>
/// <param name="Exception">Exactly this type is thrown.</param>
/// <param name="Words">Each is in the message: what was given, what is wrong with it, what is allowed.</param>
/// <param name="Act">The use.</param>
internal sealed record BadInput(string Member, string Name, Type Exception, string[] Words, Action Act)
{
    /// <summary>An entry that is called after its code.</summary>
    public static BadInput Of<T>(string member, Action act, string[] words, [CallerArgumentExpression(nameof(act))] string name = "")
        where T : Exception => new(member, name, typeof(T), words, act);

    /// <summary>A null where none is allowed.</summary>
    public static BadInput Null(string member, string parameter, Action act, [CallerArgumentExpression(nameof(act))] string name = "") =>
        new(member, name, typeof(ArgumentNullException), [$"(Parameter '{parameter}')"], act);

    /// <summary>A number in the way that messages write it.</summary>
    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>What is wrong with the refusal; null when it is as it should be.</summary>
    public string? Fault()
    {
        using var scope = NewDisposeScope();
        try
        {
            Act();
        }
        catch (Exception error)
        {
            string[] lacking = [.. Words.Where(word => !error.Message.Contains(word, StringComparison.Ordinal))];
            if (error.GetType() == Exception && lacking.Length == 0)
                return null;
            string problem = error.GetType() != Exception
                ? $"expected {Exception.Name}"
                : $"not in the message: {string.Join(" | ", lacking)}";
            return $"{this}: {problem}; thrown was {error.GetType().Name}: {error.Message}";
        }
        return $"{this}: nothing was thrown";
    }

    public override string ToString() => $"{Member}, {Name}";
}
