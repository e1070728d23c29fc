namespace Microsoft.ML.Trl.Datasets;

/// <summary>TRL's names of columns, and those that the methods here read by default.</summary>
internal static class TrlColumns
{
    /// <summary>What the type of a data set is told by.</summary>
    public static readonly string[] Roles =
        ["text", "messages", "prompt", "completion", "completions", "chosen", "rejected", "label", "labels"];

    /// <summary>What may hold messages.</summary>
    public static readonly string[] OfMessages = ["messages", "prompt", "chosen", "rejected", "completion"];

    private static readonly Dictionary<string, string> Names = new()
    {
        ["text"] = "Text", ["messages"] = "Messages", ["prompt"] = "Prompt", ["completion"] = "Completion", ["chosen"] = "Chosen",
        ["rejected"] = "Rejected", ["label"] = "Label", ["labels"] = "Labels", ["tools"] = "Tools", ["margin"] = "Margin",
        ["chat_template_kwargs"] = "ChatTemplateKwargs",
    };

    private static readonly Dictionary<string, string> Originals = Names.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>What a column of a file is called in the view.</summary>
    public static string NameInView(string name) => Names.GetValueOrDefault(name, name);

    /// <summary>What a column of a view is called by TRL.</summary>
    public static string Original(string name) => Originals.GetValueOrDefault(name, name);

    /// <summary>Whether a column holds texts, whatever they look like.</summary>
    public static bool IsText(string name) => name == "text" || OfMessages.Contains(name);

    /// <summary>Whether each row must have a value.</summary>
    public static bool IsNeeded(string name) => Roles.Contains(name);
}
