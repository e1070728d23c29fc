using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;

namespace Microsoft.ML.Trl.Cli;

using Command = System.CommandLine.Command; // in here the name is that of a namespace of ML.NET

/// <summary>From arguments to an exit code. A command is a class with a <c>Create</c>, listed here.</summary>
internal static class TrlCommandLine
{
    /// <summary>Everything went well.</summary>
    public const int Success = 0;

    /// <summary>This machine lacks what is needed; the message says what.</summary>
    public const int CannotRun = 1;

    /// <summary>The arguments, or what they name, cannot be used; the message says what is allowed.</summary>
    public const int BadInput = 2;

    private const int Nearest = 3;

    /// <summary>Runs a command.</summary>
    /// <param name="args">Without the name of the program.</param>
    /// <param name="console">For what was asked for.</param>
    /// <param name="errors">For what is wrong.</param>
    public static int Run(IReadOnlyList<string> args, IAnsiConsole console, TextWriter errors)
    {
        var root = new RootCommand("Post-training of language models.");
        root.Subcommands.Add(PlanCommand.Create(console));
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
            return Refuse(parsed, errors);
        try
        {
            var settings = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false, Output = console.Profile.Out.Writer, Error = errors,
            };
            return parsed.Invoke(settings);
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or InvalidDataException or NotSupportedException
            or InvalidOperationException or UnauthorizedAccessException)
        {
            errors.WriteLine($"trl: {wrong.Message}");
            return BadInput;
        }
        catch (DllNotFoundException missing)
        {
            errors.WriteLine($"trl: {missing.Message}");
            return CannotRun;
        }
    }

    private static int Refuse(ParseResult parsed, TextWriter errors)
    {
        Command command = parsed.CommandResult.Command;
        foreach (ParseError error in parsed.Errors)
            errors.WriteLine($"trl: {error.Message}");
        string[] flags = [.. command.Options.Select(option => option.Name)];
        foreach (string unknown in parsed.UnmatchedTokens.Where(token => token.StartsWith("--", StringComparison.Ordinal)))
        {
            IEnumerable<string> near = flags.OrderBy(flag => Distance(flag, unknown)).Take(Nearest);
            errors.WriteLine($"trl: near '{unknown}' there are {string.Join(", ", near)}.");
        }
        string[] commands = [.. command.Subcommands.Select(sub => sub.Name)];
        errors.WriteLine(commands.Length > 0
            ? $"Allowed here: {string.Join(", ", commands)}."
            : $"'trl {Path(command)} --help' shows all flags.");
        return BadInput;
    }

    private static string Path(Command command)
    {
        string[] parents = [.. command.Parents.OfType<Command>().Where(parent => parent is not RootCommand).Select(Path)];
        return string.Join(' ', [.. parents, command.Name]);
    }

    /// <summary>Letters to insert, remove or replace.</summary>
    private static int Distance(string one, string other)
    {
        int[] above = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int[] row = new int[other.Length + 1];
            row[0] = i;
            for (int j = 1; j <= other.Length; j++)
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1));
            above = row;
        }
        return above[^1];
    }
}
