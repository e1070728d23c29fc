using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>
/// A world that the assistant acts in: through functions of its own, as TRL's environments, or turn by turn in words, such as a game.
/// Each completion of a generation has an instance to itself, which begins anew for every completion; one that is
/// <see cref="IDisposable"/> is disposed at the end of training. See <see cref="GroupOptions.EnvironmentFactory"/>.
/// </summary>
/// <example>
/// <code>
/// sealed class GuessTheNumber : IEnvironment
/// {
///     private int _number;
///     public bool IsWon { get; private set; }
///     public ValueTask&lt;string?&gt; ResetAsync(EnvironmentRow row, CancellationToken cancel)
///     {
///         (_number, IsWon) = (row.Columns&lt;Secret&gt;().Number, false);
///         return new("Guess a number from 1 to 9.");
///     }
///     public ValueTask&lt;string?&gt; StepAsync(string text, CancellationToken cancel)
///     {
///         IsWon = int.TryParse(text, out int guess) &amp;&amp; guess == _number;
///         return new(IsWon ? null : guess &lt; _number ? "Higher." : "Lower.");
///     }
/// }
/// </code>
/// </example>
public interface IEnvironment
{
    /// <summary>
    /// Functions of this very instance that the assistant may call. Their names and parameters are the same in every instance. None by
    /// default.
    /// </summary>
    IReadOnlyList<AIFunction> Tools => [];

    /// <summary>Begins anew.</summary>
    /// <param name="row">What the data say.</param>
    /// <param name="cancel">Ends training.</param>
    /// <returns>What is put behind the prompt's last message; null = nothing.</returns>
    ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel);

    /// <summary>Takes what the assistant said in a turn in which it called no function.</summary>
    /// <param name="text">Its words, without special tokens.</param>
    /// <param name="cancel">Ends training.</param>
    /// <returns>What the user answers; null = it is over. Null by default.</returns>
    ValueTask<string?> StepAsync(string text, CancellationToken cancel) => ValueTask.FromResult<string?>(null);
}
