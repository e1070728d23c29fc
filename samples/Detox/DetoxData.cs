using PositiveReviewsSample;

namespace DetoxSample;

/// <summary>A row for SFT and for the judge.</summary>
internal sealed class Reply
{
    /// <summary>What SFT learns: the remark and the reply.</summary>
    public string Text { get; set; } = "";

    /// <summary>What the judge reads: the reply alone, in the column of the writer's completions.</summary>
    public string Completion { get; set; } = "";

    public bool IsRude { get; set; }
}

/// <summary>A row for GRPO: what provokes a reply.</summary>
internal sealed class Remark
{
    public string Prompt { get; set; } = "";
}

/// <summary>What is learnt from, and what is held out.</summary>
internal sealed class DetoxData
{
    private const int OpeningWords = 5;

    /// <summary>Texts for SFT.</summary>
    public required IReadOnlyList<Reply> Texts { get; init; }

    /// <summary>Rude and polite replies for the judge.</summary>
    public required IReadOnlyList<Reply> Replies { get; init; }

    /// <summary>Replies that nothing is trained on.</summary>
    public required IReadOnlyList<Reply> HeldReplies { get; init; }

    public required IReadOnlyList<Remark> Remarks { get; init; }

    /// <summary>Remarks that nothing is trained on.</summary>
    public required IReadOnlyList<Remark> HeldRemarks { get; init; }

    /// <summary>The small data set that ships with the sample, written for it: two in three replies are rude, in mild words.</summary>
    public static DetoxData Shipped()
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "replies.tsv")).Skip(1)
            .Select(line => line.Split('\t'))]; // Split, Rude, Remark, Reply
        Reply[] Replies(string split) => [.. rows.Where(row => row[0] == split).Select(row =>
            new Reply { Text = $"{row[2]} {row[3]}", Completion = row[3], IsRude = row[1] == "1" })];
        Remark[] Remarks(string split) =>
            [.. rows.Where(row => row[0] == split).Select(row => row[2]).Distinct().Select(text => new Remark { Prompt = text })];
        return new DetoxData
        {
            Texts = Replies("train"),
            Replies = Replies("train"),
            HeldReplies = Replies("test"),
            Remarks = Remarks("train"),
            HeldRemarks = Remarks("test"),
        };
    }

    /// <summary>
    /// Real text (see <see cref="ReviewData.FromFolder"/>): unfriendly sentences about films stand for rude ones, with the words of
    /// <c>sentiment/opinion_lexicon_*.txt</c>; the beginnings of unfriendly sentences are to be gone on with.
    /// </summary>
    public static DetoxData FromFolder(string folder)
    {
        ReviewData data = ReviewData.FromFolder(folder, seed: 1);
        IEnumerable<Reply> Words(string name, bool isRude) =>
            File.ReadLines(Path.Combine(folder, "sentiment", $"opinion_lexicon_{name}.txt")).Select(word => Sentence(word, isRude));
        return new DetoxData
        {
            Texts = [.. data.Reviews.Select(text => new Reply { Text = text })],
            Replies = [.. Sentences(data.TrainPairs), .. Words("negative", isRude: true), .. Words("positive", isRude: false)],
            HeldReplies = Sentences(data.TestPairs),
            Remarks = Beginnings(data.TrainPairs),
            HeldRemarks = Beginnings(data.TestPairs),
        };
    }

    private static Reply[] Sentences(IEnumerable<SentencePair> pairs) => [.. pairs
        .SelectMany(pair => new[] { Sentence(pair.Rejected, isRude: true), Sentence(pair.Chosen, isRude: false) })
        .DistinctBy(row => row.Text)];

    private static Reply Sentence(string text, bool isRude) => new() { Text = text, Completion = text, IsRude = isRude };

    private static Remark[] Beginnings(IEnumerable<SentencePair> pairs) => [.. pairs
        .Select(pair => string.Join(' ', pair.Rejected.Split(' ').Take(OpeningWords)))
        .Distinct()
        .Select(text => new Remark { Prompt = text })];
}
