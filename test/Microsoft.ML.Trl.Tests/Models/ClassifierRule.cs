using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Which token the <c>*ForSequenceClassification</c> classes of transformers 5 score, written independently.</summary>
internal static class ClassifierRule
{
    /// <summary>Places of a batch: the last token without a pad token, else the rightmost token that is not it, else the first.</summary>
    /// <param name="folder">Its <c>config.json</c> decides.</param>
    /// <param name="rows">Token ids, padded to one length.</param>
    public static int[] Places(string folder, params long[][] rows)
    {
        long? pad = (long?)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!["pad_token_id"];
        if (pad is null && rows.Length != 1)
            throw new InvalidOperationException("Cannot handle batch sizes > 1 if no padding token is defined.");
        return [.. rows.Select(row => pad is null ? row.Length - 1 : Math.Max(0, Array.FindLastIndex(row, id => id != pad)))];
    }
}
