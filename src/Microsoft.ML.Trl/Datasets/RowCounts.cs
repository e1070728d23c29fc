using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>What may become of a row that is read for training.</summary>
/// <param name="Metric">Name of its count in the history, below <c>data/</c>.</param>
/// <param name="Text">What the warning says of such rows.</param>
/// <param name="LeftOut">Whether such rows are not learnt from.</param>
internal sealed record RowFate(string Metric, string Text, bool LeftOut = true)
{
    public static RowFate Cut { get; } = new("cut", "lost their end to MaxLength", LeftOut: false);

    public static RowFate OtherTokens { get; } = new(
        "tokenized_otherwise", "have other tokens where prompt and completion meet than the prompt alone has", LeftOut: false);

    public static RowFate NothingToLearn { get; } = new("nothing_to_learn", "left out: no token to learn within MaxLength");

    public static RowFate NoToken { get; } = new("no_token", "left out: the text has no token");

    public static RowFate PromptTooLong { get; } = new("prompt_too_long", "left out: the prompt alone fills MaxLength");

    public static RowFate NoPrompt { get; } = new(
        "no_prompt", "have no prompt: there is no column of prompts, and chosen and rejected begin differently", LeftOut: false);

    public static RowFate PairTooLong { get; } = new("pair_too_long", "left out: a side is longer than MaxLength");

    public static RowFate EqualSides { get; } = new("equal_sides", "left out: chosen and rejected are equal");

    public static RowFate NoAnswerPossible { get; } = new(
        "no_answer_possible", "left out: the prompt has no token, or leaves no room for an answer in the model's context");

    public static RowFate PromptAboveLimit { get; } = new(
        "prompt_above_limit", "left out: the prompt has more tokens than MaxPromptLength");
}

/// <summary>Counts what became of the rows of a data set.</summary>
internal sealed class RowCounts
{
    private readonly Dictionary<RowFate, (int Count, long First)> _fates = [];

    /// <summary>Rows that were read.</summary>
    public int Read { get; private set; }

    /// <summary>Counts a row that was read.</summary>
    public void Add() => Read++;

    /// <summary>Notes what became of a row; it may have several fates.</summary>
    public void Note(RowFate fate, long row)
    {
        (int count, long first) = _fates.GetValueOrDefault(fate, (0, row));
        _fates[fate] = (count + 1, first);
    }

    /// <summary>One sentence for the log; null when every row is learnt from as it came.</summary>
    public string? Warning => _fates.Count == 0 ? null : $"Of {Read} rows {Summary()}.";

    /// <summary>The counts by name, for the history; empty when every row is learnt from as it came.</summary>
    public IReadOnlyDictionary<string, double> Metrics => _fates.Count == 0
        ? new Dictionary<string, double>()
        : _fates.Select(fate => KeyValuePair.Create("data/" + fate.Key.Metric, (double)fate.Value.Count))
            .Prepend(KeyValuePair.Create("data/rows", (double)Read)).ToDictionary();

    /// <summary>The error where no row is left.</summary>
    public ArgumentException NothingLeft() => new(
        Read == 0
            ? "The training data have no rows; at least one is needed."
            : $"None of the {Read} rows can be learnt from: {Summary()}. Raise MaxLength, or look at these rows.");

    private string Summary()
    {
        var text = new StringBuilder();
        foreach ((RowFate fate, (int count, long first)) in _fates)
            text.Append(text.Length == 0 ? "" : ", ")
                .Append(CultureInfo.InvariantCulture, $"{count} {fate.Text} ({(count == 1 ? "" : "first ")}row {first})");
        return text.ToString();
    }
}
