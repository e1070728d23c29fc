using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace PreferencesSample;

/// <summary>A row: what was asked, the better and the worse answer.</summary>
internal sealed class Comparison
{
    public string Prompt { get; set; } = "";

    public string Chosen { get; set; } = "";

    public string Rejected { get; set; } = "";
}

/// <summary>
/// Reads prompt/chosen/rejected rows as JSON lines, plain or gzipped; texts, or turns of a dialogue with role and content.
/// </summary>
internal static class PreferenceFile
{
    public static IEnumerable<Comparison> Read(string path)
    {
        bool zipped = path.EndsWith(".gz", StringComparison.Ordinal);
        using Stream file = File.OpenRead(path);
        using var reader = new StreamReader(zipped ? new GZipStream(file, CompressionMode.Decompress) : file);
        while (reader.ReadLine() is { } line)
        {
            using JsonDocument row = JsonDocument.Parse(line);
            var comparison = new Comparison
            {
                Prompt = Asked(row.RootElement.GetProperty("prompt")),
                Chosen = Answer(row.RootElement.GetProperty("chosen")),
                Rejected = Answer(row.RootElement.GetProperty("rejected")),
            };
            if (comparison.Chosen != comparison.Rejected && comparison.Chosen.Length > 0 && comparison.Rejected.Length > 0)
                yield return comparison;
        }
    }

    private static string Asked(JsonElement prompt)
    {
        if (prompt.ValueKind == JsonValueKind.String)
            return prompt.GetString()!;
        var text = new StringBuilder();
        foreach (JsonElement turn in prompt.EnumerateArray())
        {
            string speaker = turn.GetProperty("role").GetString() == "assistant" ? "Assistant" : "Human";
            text.Append("\n\n").Append(speaker).Append(": ").Append(turn.GetProperty("content").GetString());
        }
        return text.Append("\n\nAssistant:").ToString();
    }

    private static string Answer(JsonElement answer) => answer.ValueKind == JsonValueKind.String
        ? answer.GetString()!
        : string.Concat(answer.EnumerateArray().Select(turn => " " + turn.GetProperty("content").GetString()));
}
