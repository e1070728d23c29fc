using Spectre.Console;

namespace Microsoft.ML.Trl.Cli;

/// <summary>The program <c>trl</c>.</summary>
internal static class Program
{
    public static int Main(string[] args) => TrlCommandLine.Run(args, AnsiConsole.Console, Console.Error);
}
