using System.Diagnostics;
using System.Globalization;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>
/// This assembly as a program: runs the entries of an area from a number on. A process that libtorch ends tells nothing more, so each
/// entry announces itself; whoever started the program knows the one that was the last, and goes on behind it.
/// </summary>
internal static class ChildProcess
{
    private const string Begin = "begin ", Fault = "fault ", Done = "done";

    public static int Main(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        torch.set_num_threads(1);
        BadInput[] inputs = BadInputTable.Of(args[0]);
        for (int number = int.Parse(args[1], CultureInfo.InvariantCulture); number < inputs.Length; number++)
        {
            Say(Begin + number.ToString(CultureInfo.InvariantCulture));
            if (inputs[number].Fault() is { } fault)
                Say(Fault + fault.ReplaceLineEndings(" "));
            GC.Collect(); // what an entry left behind must not end the process later
            GC.WaitForPendingFinalizers();
        }
        Say(Done);
        return 0;
    }

    /// <summary>Runs an area in processes of their own, as many as it takes.</summary>
    /// <returns>What was not refused as it should be, and what ended its process.</returns>
    public static IEnumerable<string> Faults(string area)
    {
        int next = 0;
        while (true)
        {
            string[] lines = Run(area, next);
            foreach (string line in lines.Where(line => line.StartsWith(Fault, StringComparison.Ordinal)))
                yield return line[Fault.Length..];
            if (lines.Contains(Done))
                yield break;
            string last = lines.LastOrDefault(line => line.StartsWith(Begin, StringComparison.Ordinal))
                ?? throw new InvalidOperationException($"The process for '{area}' did not begin: {string.Join('\n', lines)}");
            int ended = int.Parse(last[Begin.Length..], CultureInfo.InvariantCulture);
            yield return $"{BadInputTable.Of(area)[ended]}: ended the process";
            next = ended + 1;
        }
    }

    private static string[] Run(string area, int first)
    {
        ProcessStartInfo start = new("dotnet")
        {
            ArgumentList = { typeof(ChildProcess).Assembly.Location, area, first.ToString(CultureInfo.InvariantCulture) },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
