using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Data sets in files that are not there, options of theirs, and rows that cannot be converted.</summary>
internal static class DatasetFileInputs
{
    private const string Load = "TrlDataExtensions.LoadDataset", Mix = "TrlDataExtensions.LoadDatasetMixture";

    private static readonly string Pairs = Fixtures.Path("datasets", "two_groups.parquet");
    private static readonly string Talks = Fixtures.Path("datasets", "conversations.parquet");
    private static readonly string Folder = Fixtures.Path("datasets"), NoData = Fixtures.Path("README.md");

    private static DataOperationsCatalog Data => Ml.Data;

    public static IEnumerable<BadInput> All() => [.. Paths(), .. Options(), .. Parts(), .. Rows(), .. Templates()];

    private static IEnumerable<BadInput> Paths() =>
    [
        Null(Load, "data", () => TrlDataExtensions.LoadDataset(null!, Pairs)),
        Null(Load, "path", () => Data.LoadDataset((string)null!)),
        Null(Load, "paths", () => Data.LoadDataset((IEnumerable<string>)null!)),
        Of<ArgumentException>(Load, () => Data.LoadDataset(" "), ["path"]),
        Of<ArgumentException>(Load, () => Data.LoadDataset([]), ["paths is empty", "at least one"]),
        Of<ArgumentException>(Load, () => Data.LoadDataset(NoData), ["README.md", "cannot be read", ".jsonl"]),
        Of<FileNotFoundException>(Load, () => Data.LoadDataset("nowhere.jsonl"), ["no file", "nowhere.jsonl"]),
        Of<FileNotFoundException>(Load, () => Data.LoadDataset(Path.Combine(Folder, "*.csv")), ["no file that can be read", ".parquet"]),
        Of<FileNotFoundException>(Load, () => Data.LoadDataset(Folder, new() { Split = "eval" }), ["of the split 'eval'"]),
        Of<InvalidDataException>(Load, () => Data.LoadDataset(Pairs, convert: DatasetRows.Unpair), ["row 5", "cannot be unpaired"]),
        Of<ArgumentException>(Load, () => Data.LoadDataset(Pairs, convert: _ => []), ["has no rows", "at least one"]),
    ];

    private static IEnumerable<BadInput> Options()
    {
        (DatasetOptions Options, string[] Words)[] wrong =
        [
            (new() { Format = (DatasetFormat)9 }, ["Format (9)", "Alpaca"]),
            (new() { SchemaRows = 0 }, ["SchemaRows (0)", "1 or greater"]),
            (new() { Columns = [] }, ["Columns is empty", "null"]),
            (new() { Columns = [""] }, ["empty name"]),
            (new() { Columns = ["other"] }, ["Columns names"]),
            (new() { Rename = new Dictionary<string, string> { [""] = "a" } }, ["Rename has an empty name"]),
            (new() { Split = " " }, ["Split is empty", "null"]),
            (new() { Separator = '"' }, ["Separator is a quote"]),
            (new() { StepSeparator = "" }, ["StepSeparator is empty"]),
            (new() { Format = DatasetFormat.LmFlow, AsConversations = true }, ["AsConversations is true", "LmFlow", "HhRlhf"]),
            (new() { AsConversations = true }, ["AsConversations is true", "Columns"]),
        ];
        return wrong.Select(pair =>
            Of<ArgumentException>(Load, () => Data.LoadDataset(Pairs, pair.Options), pair.Words, string.Join(' ', pair.Words)))
            .Select(input => input.Words.Contains("1 or greater") ? input with { Exception = typeof(ArgumentOutOfRangeException) } : input);
    }

    private static IEnumerable<BadInput> Parts() =>
    [
        Null(Mix, "data", () => TrlDataExtensions.LoadDatasetMixture(null!, [])),
        Null(Mix, "parts", () => Data.LoadDatasetMixture(null!)),
        Null(Mix, "Options", () => Data.LoadDatasetMixture([new() { Path = Pairs, Options = null! }])),
        Of<ArgumentException>(Mix, () => Data.LoadDatasetMixture([]), ["parts is empty", "at least one"]),
        Of<ArgumentException>(Mix, () => Data.LoadDatasetMixture([new() { Path = "" }]), ["Path is empty"]),
        Of<ArgumentException>(
            Mix, () => Data.LoadDatasetMixture([new() { Path = Pairs }, new() { Path = Talks }]), ["need the same", "Columns"]),
        Of<ArgumentOutOfRangeException>(
            Mix, () => Data.LoadDatasetMixture([new() { Path = Pairs, Fraction = double.NaN }]), ["Fraction (NaN)", "0 or greater"]),
        Of<FileNotFoundException>(Mix, () => Data.LoadDatasetMixture([new() { Path = "nowhere.csv" }]), ["nowhere.csv"]),
    ];

    private static IEnumerable<BadInput> Rows() =>
    [
        Null("DatasetRows.IsConversational", "row", () => DatasetRows.IsConversational(null!)),
        Null("DatasetRows.IsConversationalFromValue", "row", () => DatasetRows.IsConversationalFromValue(null!)),
        Null("DatasetRows.MaybeConvertToChatml", "row", () => DatasetRows.MaybeConvertToChatml(null!)),
        Null("DatasetRows.ExtractPrompt", "row", () => DatasetRows.ExtractPrompt(null!)),
        Null("DatasetRows.MaybeExtractPrompt", "row", () => DatasetRows.MaybeExtractPrompt(null!)),
        Null("DatasetRows.Unpair", "rows", () => DatasetRows.Unpair(null!)),
        Null("DatasetRows.MaybeUnpair", "rows", () => DatasetRows.MaybeUnpair(null!)),
        Of<ArgumentException>("DatasetRows.ExtractPrompt", () => DatasetRows.ExtractPrompt([]), ["both be texts", "both messages"]),
        Of<ArgumentException>(
            "DatasetRows.ExtractPrompt", () => DatasetRows.ExtractPrompt(Row("""{"chosen": "", "rejected": "a"}""")),
            ["none may be empty"]),
        Of<ArgumentException>(
            "DatasetRows.MaybeExtractPrompt", () => DatasetRows.MaybeExtractPrompt(Row("""{"chosen": [], "rejected": ""}""")), ["both"]),
        Of<ArgumentException>("DatasetRows.Unpair", () => DatasetRows.Unpair([[]]).First(), ["chosen and rejected"]),
        Of<ArgumentException>(
            "DatasetRows.MaybeUnpair", () => DatasetRows.MaybeUnpair([Row("""{"chosen": "a", "rejected": "b"}"""), []]).Count(),
            ["unpaired"]),
        Null("DatasetShape.Of", "row", () => DatasetShape.Of((JsonObject)null!)),
        Null("DatasetShape.Of", "data", () => DatasetShape.Of((IDataView)null!)),
        Of<ArgumentException>(
            "DatasetShape.Of", () => DatasetShape.Of(Row("""{"text": "a", "prompt": "b"}""")), ["text, prompt", "no type"]),
        Of<ArgumentException>(
            "DatasetShape.Of", () => DatasetShape.Of(Row("""{"prompt": "a", "completion": [{"role": "b"}]}""")),
            ["completion hold messages"]),
        Null("Transcript.CleanCompletion", "completion", () => Transcript.CleanCompletion(null!)),
    ];

    private static IEnumerable<BadInput> Templates()
    {
        const string Apply = "DatasetTemplates.ApplyChatTemplate", Maybe = "DatasetTemplates.MaybeApplyChatTemplate";
        TextTokenizer chat = Talk.Tokenizer;
        return
        [
            Null(Apply, "tokenizer", () => DatasetTemplates.ApplyChatTemplate(null!, new JsonObject())),
            Null(Apply, "row", () => chat.ApplyChatTemplate((JsonObject)null!)),
            Null(Maybe, "tokenizer", () => DatasetTemplates.MaybeApplyChatTemplate(null!, [])),
            Null(Maybe, "row", () => chat.MaybeApplyChatTemplate(null!)),
            Of<ArgumentException>(Apply, () => chat.ApplyChatTemplate(new JsonObject()), ["no type of data set", "prompt, completion"]),
            Of<ArgumentException>(
                Apply, () => chat.ApplyChatTemplate(Row("""{"prompt": [{"role": "system", "content": "a"}]}""")),
                ["'system'", "user or tool"]),
            Of<ArgumentException>(Apply, () => chat.ApplyChatTemplate(Row("""{"prompt": []}""")), ["'nobody'"]),
            Of<InvalidDataException>(Apply, () => chat.ApplyChatTemplate(Row("""{"messages": "a"}""")), ["'messages' holds no messages"]),
            Of<InvalidOperationException>(
                Apply, () => Tiny.Tokenizer.ApplyChatTemplate(Row("""{"messages": [{"role": "user"}]}""")), ["no chat template"]),
            Of<ArgumentException>(
                Maybe, () => chat.MaybeApplyChatTemplate(Row("""{"messages": [{"role": "user"}], "label": 1}""")), ["no type of data set"]),
        ];
    }

    private static JsonObject Row(string json) => JsonNode.Parse(json)!.AsObject();
}
