using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: DoNotParallelize]

namespace Mlnet.StandIn.Tests;

/// <summary>Rows, views and files that the tests share.</summary>
internal static class Support
{
    public static readonly string[] Prompts = [.. Enumerable.Range(0, 11).Select(i => $"prompt {i}")];

    public static IDataView View(this MLContext ml) => ml.Data.LoadFromEnumerable(Prompts.Select((prompt, i) => new PromptRow { Prompt = prompt, Number = i }));

    public static string[] Texts(this IDataView view, string column = "Prompt") => [.. view.GetColumn<string>(column)];

    public static DataViewSchema Schema(params (string Name, DataViewType Type)[] columns)
    {
        var builder = new DataViewSchema.Builder();
        foreach ((string name, DataViewType type) in columns)
            builder.AddColumn(name, type);
        return builder.ToSchema();
    }

    /// <summary>All exceptions of a chain, from the outside in, by type and first line.</summary>
    public static string[] Chain(Exception exception)
    {
        var chain = new List<string>();
        for (Exception current = exception; current is not null; current = current.InnerException)
            chain.Add($"{current.GetType().Name}: {current.Message.Split('\n')[0]}");
        return [.. chain];
    }

    public static IHostEnvironment Env(this MLContext ml) => ml;
}

public sealed class PromptRow
{
    public string Prompt;
    public float Number;
}

public sealed class CompletionRow
{
    public string Prompt { get; set; }

    public string Completion { get; set; }
}
