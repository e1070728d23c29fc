using System.IO.Compression;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Datasets.Files;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Public data sets, which lie beside a checkout or are absent. The numbers were counted with Python.</summary>
[TestClass]
public sealed class PublicDatasetTests
{
    private readonly MLContext _ml = new(1);

    /// <summary>
    /// The same rows split by others, who left out nine: five whose sides diverge before the last answer, and four that are flagged.
    /// </summary>
    [TestMethod]
    public void Hh_rlhf_is_split_as_others_split_it()
    {
        int[] leftOut = [667, 763, 1254, 1319, 1688, 1849, 1950, 1952, 2036];
        IDataView view = _ml.Data.LoadDataset(Data("preference", "hh_harmless_base_test.original.jsonl.gz"));
        (string, string, string)[] ours =
            [.. Texts(view, "Prompt").Zip(Texts(view, "Chosen"), Texts(view, "Rejected")).Where((_, row) => !leftOut.Contains(row))];
        using var packed = new GZipStream(
            File.OpenRead(Data("preference", "hh_harmless_base_test.std.jsonl.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(packed);
        int row = 0;
        for (; reader.ReadLine() is { } line; row++)
        {
            using JsonDocument theirs = JsonDocument.Parse(line);
            string Of(string name) => theirs.RootElement.GetProperty(name).GetString()!;
            Assert.AreEqual((Of("prompt"), Of("chosen"), Of("rejected")), ours[row], $"row {row}");
        }
        Assert.AreEqual(2303, row);
        Assert.HasCount(2303, ours);
    }

    [TestMethod]
    public void Questions_of_GSM8K_are_prompts()
    {
        IDataView view = _ml.Data.LoadDataset(Data("instruct", "gsm8k_test.jsonl.gz"), new DatasetOptions
        {
            Rename = new Dictionary<string, string> { ["question"] = "prompt", ["answer"] = "completion" },
            Columns = ["prompt", "completion"],
        });
        string[] prompts = Texts(view, "Prompt"), answers = Texts(view, "Completion");
        Assert.AreEqual((1319, 316390, 386310), (prompts.Length, prompts.Sum(text => text.Length), answers.Sum(text => text.Length)));
        StringAssert.StartsWith(prompts[0], "Janet’s ducks lay 16 eggs per day.");
        StringAssert.EndsWith(answers[0], "#### 18");
    }

    [TestMethod]
    public void Sentences_with_quotes_in_a_table_are_read_as_they_are()
    {
        IDataView view = _ml.Data.LoadDataset(Data("samples", "movie_sentences_small.tsv"));
        Assert.AreEqual("Label Double, Text String", SchemaOf(view));
        Assert.AreEqual((3000, 1500.0, 328736), (
            Texts(view, "Text").Length, view.GetColumn<double>("Label").Sum(), Texts(view, "Text").Sum(text => text.Length)));
    }

    [TestMethod]
    public void Conversations_and_labels_are_told()
    {
        IDataView talks = _ml.Data.LoadDataset(Data("samples", "sft_small.jsonl"));
        Assert.AreEqual(new DatasetShape(DatasetType.LanguageModeling, true), DatasetShape.Of(talks));
        Assert.AreEqual((314, 770), (Texts(talks, "Messages").Length, Texts(talks, "Messages").Sum(Count)));
        IDataView unpaired = _ml.Data.LoadDataset(Data("preference", "llamafactory_kto_en_demo.jsonl.gz"));
        Assert.AreEqual(new DatasetShape(DatasetType.UnpairedPreference, true), DatasetShape.Of(unpaired));
        Assert.AreEqual((300, 150), (ReadAll(unpaired), unpaired.GetColumn<bool>("Label").Count(label => label)));
        IDataView sentences = _ml.Data.LoadDataset(Data("sentiment", "sentence_polarity_10662.jsonl.gz"));
        Assert.AreEqual((10662, 1217165, 5331.0), (
            Texts(sentences, "Text").Length, Texts(sentences, "Text").Sum(text => text.Length),
            sentences.GetColumn<double>("Label").Sum()));

        static int Count(string messages)
        {
            using JsonDocument json = JsonDocument.Parse(messages);
            return json.RootElement.GetArrayLength();
        }
    }

    private static string Data(params string[] parts) => Path.Combine([Fixtures.Shared(), "..", "data", .. parts]);
}
