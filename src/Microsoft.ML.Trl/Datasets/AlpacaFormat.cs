using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>instruction, input and output.</summary>
internal static class AlpacaFormat
{
    // The words that models trained on such data know: the column "text" of the data set that Stanford published.
    private const string Begin = "Below is an instruction that describes a task";
    private const string WithInput = Begin + ", paired with an input that provides further context. " + Ask + "### Instruction:\n";
    private const string WithoutInput = Begin + ". " + Ask + "### Instruction:\n";
    private const string Ask = "Write a response that appropriately completes the request.\n\n";

    public static bool Fits(JsonObject row) => !row.ContainsKey("prompt")
        && DatasetRows.TextOf(row["instruction"]) is not null && DatasetRows.TextOf(row["output"]) is not null;

    /// <exception cref="FormatException">Something is missing.</exception>
    public static JsonObject Convert(JsonObject row, bool asConversation)
    {
        string instruction = RowFormats.TakeText(row, "instruction"), output = RowFormats.TakeText(row, "output");
        string input = row["input"] is null ? "" : RowFormats.TakeText(row, "input");
        row.Remove("input");
        row.Remove("text"); // the same once more, in the published file
        if (asConversation)
        {
            row["prompt"] = Message("user", input.Length == 0 ? instruction : $"{instruction}\n{input}");
            row["completion"] = Message("assistant", output);
            return row;
        }
        row["prompt"] = input.Length == 0
            ? $"{WithoutInput}{instruction}\n\n### Response:\n"
            : $"{WithInput}{instruction}\n\n### Input:\n{input}\n\n### Response:\n";
        row["completion"] = output;
        return row;
    }

    private static JsonArray Message(string role, string content) => [new JsonObject { ["role"] = role, ["content"] = content }];
}
