using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Asks a chat client for a score.</summary>
/// <param name="client">Answers.</param>
/// <param name="question">What it is asked about a completion.</param>
/// <param name="read">From its answer to the score; null = the first number in it.</param>
/// <param name="options">How it answers; null = as the client does.</param>
internal sealed partial class ChatJudge(
    IChatClient client, Func<RewardRow, string> question, Func<string, double>? read, ChatOptions? options)
{
    /// <summary>One score.</summary>
    /// <exception cref="InvalidOperationException">The answer holds no number.</exception>
    public async Task<double> Score(RewardRow row, CancellationToken cancel)
    {
        ChatResponse response = await client.GetResponseAsync(question(row), options, cancel).ConfigureAwait(false);
        return read is null ? FirstNumber(response.Text) : read(response.Text);
    }

    private static double FirstNumber(string answer) => Number().Match(answer) is { Success: true } found
        ? double.Parse(found.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture)
        : throw new InvalidOperationException(
            $"The judge answered '{answer}', which holds no number. Ask for one, or say how its answers are read.");

    [GeneratedRegex(@"[-+]?[0-9]+(\.[0-9]+)?", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
