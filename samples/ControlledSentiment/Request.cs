using PositiveReviewsSample;

namespace ControlledSentimentSample;

/// <summary>A row for PPO: how a review begins, and which way it shall go on.</summary>
internal sealed class Request
{
    /// <summary>What the writer reads: the tag and the opening.</summary>
    public string Prompt { get; set; } = "";

    /// <summary>What the judge reads before the completion: the opening alone.</summary>
    public string Opening { get; set; } = "";

    /// <summary>The label that the judge shall give.</summary>
    public string Wanted { get; set; } = "";

    /// <summary>An opening with the tag of a label.</summary>
    public static Request Of(string label, string opening) =>
        new() { Prompt = ControlledSentiment.Tagged(label, opening), Opening = opening, Wanted = label };
}

/// <summary>A row for the judge.</summary>
internal sealed class LabelledText
{
    public string Text { get; set; } = "";

    public string Label { get; set; } = "";

    /// <summary>The sentences of pairs, each once.</summary>
    public static IEnumerable<LabelledText> Of(IEnumerable<SentencePair> pairs) => pairs
        .SelectMany(pair => new[] { (pair.Chosen, ControlledSentiment.Positive), (pair.Rejected, ControlledSentiment.Negative) })
        .Distinct()
        .Select(row => new LabelledText { Text = row.Item1, Label = row.Item2 });
}
