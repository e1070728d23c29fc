using System.IO.Compression;
using System.Text.Json;

namespace PositiveReviewsSample;

/// <summary>What the four stages learn from: plain text, labelled sentences, and openings to complete.</summary>
internal sealed record ReviewData
{
    /// <summary>Review text for SFT, a sentence each.</summary>
    public required IReadOnlyList<string> Reviews { get; init; }

    /// <summary>Pairs of a positive and a negative sentence, for the reward model.</summary>
    public required IReadOnlyList<SentencePair> TrainPairs { get; init; }

    /// <summary>Pairs that nothing is trained on.</summary>
    public required IReadOnlyList<SentencePair> TestPairs { get; init; }

    /// <summary>Openings that are completed in training.</summary>
    public required IReadOnlyList<Opening> Openings { get; init; }

    /// <summary>Openings that methods are compared on; none unless <see cref="HoldOut"/> took some.</summary>
    public IReadOnlyList<Opening> HeldOpenings { get; init; } = [];

    /// <summary>The same with the first openings taken out of training, and no more than some of the others left in it.</summary>
    public ReviewData HoldOut(int held, int learned) => this with
    {
        Openings = [.. Openings.Skip(held).Take(learned)],
        HeldOpenings = [.. Openings.Take(held)],
    };

    /// <summary>The small data set that ships with the sample, written for it.</summary>
    public static ReviewData Shipped(int seed)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "data");
        List<Sentence> sentences = [.. File.ReadLines(Path.Combine(folder, "sentences.tsv")).Skip(1)
            .Select(line => line.Split('\t')).Select(cells => new Sentence(cells[2], cells[1] == "1", cells[0]))];
        IEnumerable<string> reviews = File.ReadLines(Path.Combine(folder, "reviews.txt"));
        return Create(reviews, sentences, File.ReadLines(Path.Combine(folder, "queries.txt")), passes: 2, seed);
    }

    /// <summary>
    /// Real text: <c>sentiment/movie_pretrain_train.txt.gz</c>, <c>sentiment/sentence_polarity_10662.jsonl.gz</c> and
    /// <c>samples/movie_prompts_1024.txt</c>.
    /// </summary>
    public static ReviewData FromFolder(string folder, int seed)
    {
        bool isRoot = Directory.Exists(Path.Combine(folder, "sentiment"));
        string root = isRoot ? folder : Path.GetDirectoryName(Path.GetFullPath(folder))!;
        List<Sentence> sentences = [];
        foreach (string line in Lines(Path.Combine(root, "sentiment", "sentence_polarity_10662.jsonl.gz")))
        {
            using JsonDocument row = JsonDocument.Parse(line);
            JsonElement cells = row.RootElement;
            bool isPositive = cells.GetProperty("label").GetInt32() == 1;
            sentences.Add(new Sentence(cells.GetProperty("text").GetString()!, isPositive, cells.GetProperty("split").GetString()!));
        }
        IEnumerable<string> reviews = Lines(Path.Combine(root, "sentiment", "movie_pretrain_train.txt.gz")).Where(line => line.Length > 0);
        IEnumerable<string> openings = File.ReadLines(Path.Combine(root, "samples", "movie_prompts_1024.txt"));
        return Create(reviews, sentences, openings, passes: 3, seed);
    }

    private static ReviewData Create(
        IEnumerable<string> reviews, List<Sentence> sentences, IEnumerable<string> openings, int passes, int seed)
    {
        var rng = new Random(seed);
        return new ReviewData
        {
            Reviews = [.. reviews],
            TrainPairs = [.. Enumerable.Range(0, passes).SelectMany(_ => Pairs(sentences, "train", rng))],
            TestPairs = Pairs(sentences, "test", rng),
            Openings = [.. openings.Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => new Opening { Prompt = line })],
        };
    }

    // Each positive sentence meets some negative one of the same split.
    private static List<SentencePair> Pairs(List<Sentence> sentences, string split, Random rng)
    {
        IEnumerable<Sentence> ofSplit = sentences.Where(sentence => sentence.Split == split);
        string[] positive = [.. ofSplit.Where(sentence => sentence.IsPositive).Select(sentence => sentence.Text)];
        string[] negative = [.. ofSplit.Where(sentence => !sentence.IsPositive).Select(sentence => sentence.Text)];
        rng.Shuffle(positive);
        rng.Shuffle(negative);
        return [.. positive.Zip(negative, (chosen, rejected) => new SentencePair { Chosen = chosen, Rejected = rejected })];
    }

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private sealed record Sentence(string Text, bool IsPositive, string Split);
}

/// <summary>A row for SFT.</summary>
internal sealed class Review
{
    public string Text { get; set; } = "";
}

/// <summary>A row for the reward model.</summary>
internal sealed class SentencePair
{
    public string Chosen { get; set; } = "";

    public string Rejected { get; set; } = "";
}

/// <summary>A row to complete.</summary>
internal sealed class Opening
{
    public string Prompt { get; set; } = "";
}

/// <summary>A row for DPO.</summary>
internal sealed class Preference
{
    public string Prompt { get; set; } = "";

    public string Chosen { get; set; } = "";

    public string Rejected { get; set; } = "";
}

/// <summary>A row for KTO.</summary>
internal sealed class LabelledCompletion
{
    public string Prompt { get; set; } = "";

    public string Completion { get; set; } = "";

    public bool Label { get; set; }
}
