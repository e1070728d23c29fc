using System.Text.Json;

namespace StackLlamaSample;

/// <summary>A question with its better and its worse answer.</summary>
internal sealed class RankedAnswers
{
    /// <summary>The question, as the model reads it.</summary>
    public string Prompt { get; set; } = "";

    public string Chosen { get; set; } = "";

    public string Rejected { get; set; } = "";
}

/// <summary>Reads prompt/chosen/rejected rows as JSON lines.</summary>
internal static class AnswerFile
{
    /// <summary>All rows of a file, written as StackLLaMA does.</summary>
    public static List<RankedAnswers> Read(string path)
    {
        var rows = new List<RankedAnswers>();
        foreach (string line in File.ReadLines(path))
        {
            using JsonDocument row = JsonDocument.Parse(line);
            string Text(string name) => row.RootElement.GetProperty(name).GetString()!.Trim();
            rows.Add(new RankedAnswers
            {
                Prompt = $"Question: {Text("prompt")}\n\nAnswer:",
                Chosen = " " + Text("chosen"),
                Rejected = " " + Text("rejected"),
            });
        }
        return rows;
    }
}
