using System.Globalization;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A human who reads completions and types what they are worth.</summary>
/// <param name="lowest">Smallest score.</param>
/// <param name="highest">Largest score.</param>
/// <param name="canSkip">Whether an empty line is an answer.</param>
/// <param name="input">Read a line at a time.</param>
/// <param name="output">Asks.</param>
internal sealed class ConsoleReward(double lowest, double highest, bool canSkip, TextReader input, TextWriter output)
    : RewardFunction("human")
{
    /// <summary>Waits for the human on the thread that asks, so that the questions of two such rewards do not mix.</summary>
    internal override BoundReward Bind(RewardContext context) => (rows, cancel) =>
        Task.FromResult<IReadOnlyList<double?>>([.. rows.Select((row, place) => Ask(row, $"{place + 1} of {rows.Count}", cancel))]);

    private double? Ask(RewardRow row, string place, CancellationToken cancel)
    {
        output.WriteLine($"Completion {place}, step {row.Step}");
        output.WriteLine($"Prompt:     {row.Read.Text}");
        output.WriteLine($"Completion: {row.Completion}");
        string question = string.Create(
            CultureInfo.InvariantCulture,
            $"Score from {lowest} to {highest} (- is {lowest}, + is {highest}{(canSkip ? ", Enter skips" : "")}): ");
        while (true)
        {
            output.Write(question);
            output.Flush();
            string line = ReadLine(cancel)?.Trim() ?? throw new InvalidOperationException(
                $"The input ended before completion {place} was scored; run where a human can type, or give lines for all completions.");
            if (line.Length == 0 && canSkip)
                return null;
            if (Read(line) is { } score)
                return score;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"'{line}' is no number from {lowest} to {highest}, such as {(lowest + highest) / 2}."));
        }
    }

    private double? Read(string line) => line switch
    {
        "-" => lowest,
        "+" => highest,
        _ when double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out double score)
            && score >= lowest && score <= highest => score,
        _ => null,
    };

    // A console can't be told to stop reading; who cancels is let go all the same, and the reading thread ends with the next line.
    private string? ReadLine(CancellationToken cancel) =>
        Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(cancel).GetAwaiter().GetResult();
}
