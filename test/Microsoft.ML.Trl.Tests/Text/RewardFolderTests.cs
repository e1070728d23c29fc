using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>A saved reward model scores in transformers as it does here, and here again.</summary>
[TestClass]
public sealed class RewardFolderTests
{
    private static readonly string[] Prompts = ["the film", "a", "the plot"];
    private static readonly string[] Completions = [" was good and warm", " bad story", ""];

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    private static int End => Tiny.Tokenizer.EosTokenId!.Value;

    [TestMethod]
    [DataRow(0, false)]
    [DataRow(0, true)]
    [DataRow(5, false)]
    public void The_rule_of_transformers_picks_the_end_token_of_a_saved_model(int spareRows, bool padIsEnd)
    {
        using TextRewardModel model = Fresh(spareRows, padIsEnd ? End : null);
        float[] scores = model.Score(Prompts, Completions);
        model.Save(_folder);

        int pad = PadToken(_folder)!.Value;
        Assert.AreNotEqual(End, pad);
        Tensor batch = Batch(pad, out int[] ends);
        long[][] rows = [.. batch.data<long>().ToArray().Chunk((int)batch.shape[1])];
        CollectionAssert.AreEqual(ends, ClassifierRule.Places(_folder, rows));
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        using TextRewardModel loaded = TextRewardModel.Load(_folder);
        using var noGrad = no_grad();
        Tensor hidden = loaded.Network.Body.Hidden(batch);
        Tensor scored = stack([.. ends.Select((place, row) => hidden[row, place])]);
        float[] expected = scored.matmul(weights.Read("score.weight").t()).data<float>().ToArray();
        Close.Absolute(expected, scores, 1e-4, "reward folder in transformers");
        Close.Absolute(scores, loaded.Score(Prompts, Completions), 0, "reward folder loaded again");
    }

    [TestMethod]
    public void Where_every_row_has_a_token_the_pad_token_gets_a_row_of_zeros()
    {
        using TextRewardModel model = Fresh(spareRows: 0, null);
        int vocabulary = model.Network.Config.VocabularySize;
        float[] before = model.Network.Body.TokenEmbedding.data<float>().ToArray();
        model.Save(_folder);

        Assert.AreEqual((vocabulary, vocabulary + 1), (PadToken(_folder), (int?)Json("config.json")["vocab_size"]));
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        using var scope = NewDisposeScope();
        Tensor embedding = weights.Read("transformer.wte.weight");
        CollectionAssert.AreEqual(new long[] { vocabulary + 1, 16 }, embedding.shape);
        CollectionAssert.AreEqual(before, embedding.narrow(0, 0, vocabulary).contiguous().data<float>().ToArray());
        Assert.AreEqual(0, embedding[vocabulary].abs().sum().item<float>());
        // nothing in memory changes
        Assert.AreEqual((null, vocabulary), (model.Network.Config.PadTokenId, model.Network.Config.VocabularySize));
        Assert.AreEqual((null, vocabulary), (model.Tokenizer.PadTokenId, model.Tokenizer.VocabularySize));
        CollectionAssert.AreEqual(before, model.Network.Body.TokenEmbedding.data<float>().ToArray());
    }

    [TestMethod]
    public void A_row_without_a_token_becomes_the_pad_tokens()
    {
        using TextRewardModel model = Fresh(spareRows: 5, null);
        model.Save(_folder);
        Assert.AreEqual(Tiny.Tokenizer.VocabularySize, PadToken(_folder));
        Assert.AreEqual(Tiny.Tokenizer.VocabularySize + 5, (int?)Json("config.json")["vocab_size"]);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(5)]
    public void A_folder_does_not_grow_by_being_loaded_and_saved_again(int spareRows)
    {
        using TextRewardModel model = Fresh(spareRows, null);
        string again = Path.Combine(_folder, "again");
        model.Save(_folder);
        using (TextRewardModel loaded = TextRewardModel.Load(_folder))
            loaded.Save(again);
        foreach (string file in Directory.GetFiles(_folder))
            CollectionAssert.AreEqual(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(again, Path.GetFileName(file))), file);
        model.Save(again); // over it
        Assert.AreEqual(PadToken(_folder), PadToken(again));
    }

    [TestMethod]
    public void A_tokenizers_own_pad_token_is_used_where_it_ends_no_text()
    {
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>(TinyTokenizer.Files())
        {
            ["tokenizer_config.json"] = """{"eos_token": "<m>", "pad_token": "x"}""",
        });
        using var model = new TextRewardModel(RewardModel.Create(ModelConfig.Gpt2(10, 16, 1, 2, 32), 1), tokenizer);
        model.Save(_folder);
        Assert.AreEqual((TinyTokenizer.X, 10), (PadToken(_folder), (int?)Json("config.json")["vocab_size"]));
        Assert.AreEqual(tokenizer.Files()["tokenizer.json"], File.ReadAllText(Path.Combine(_folder, "tokenizer.json")));
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void A_saved_model_gives_the_scores_of_transformers_for_a_batch_with_its_pad_token(string name)
    {
        using ModelFixture fixture = new(name);
        using TextRewardModel model = Loaded(name, padToken: null);
        string saved = Path.Combine(_folder, "saved");
        model.Save(saved);
        int pad = PadToken(saved)!.Value;
        Assert.AreEqual((10, 256), (pad, (int?)JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "config.json")))!["vocab_size"]));
        Tensor ids = fixture["c.input_ids"];
        ids[0, TensorIndex.Slice(6)] = pad;
        CollectionAssert.AreEqual(new[] { 5, 7 }, ClassifierRule.Places(saved, [.. ids.data<long>().ToArray().Chunk(8)]));
        using RewardModel read = HuggingFaceFolder.LoadRewardModel(saved);
        using var noGrad = no_grad();
        Close.Absolute(fixture["c.logits"], read.Score(ids, [8, 8]).unsqueeze(-1), 1e-4, $"{name} saved, c.logits");
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void A_model_loaded_with_its_end_token_as_pad_token_keeps_it(string name)
    {
        using TextRewardModel model = Loaded(name, padToken: TinyTokenizer.Mark);
        string saved = Path.Combine(_folder, "saved");
        model.Save(saved);
        Assert.AreEqual(TinyTokenizer.Mark, PadToken(saved));
        foreach ((string file, string text) in model.Tokenizer.Files())
            Assert.AreEqual(text, File.ReadAllText(Path.Combine(saved, file)));
        using TextRewardModel again = TextRewardModel.Load(saved);
        float[] scores = model.Score(null, ["abc", "dab"]);
        Close.Absolute(scores, again.Score(null, ["abc", "dab"]), 0, $"{name} pad = end, saved and loaded");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor before = stack([At(TinyTokenizer.Abc), At(TinyTokenizer.D, TinyTokenizer.Ab)]).matmul(model.Network.ScoreWeight.t());
        Close.Absolute(before.squeeze(-1).data<float>().ToArray(), scores, 1e-4, $"{name} pad = end, token before it");

        Tensor At(params long[] ids) => model.Network.Body.Hidden(tensor(ids).view(1, -1))[0, -1];
    }

    [TestMethod]
    public void A_network_saved_without_a_tokenizer_keeps_its_configuration()
    {
        using RewardModel network = RewardModel.Create(Tiny.Config(), 1);
        HuggingFaceFolder.Save(_folder, network);
        Assert.IsNull(PadToken(_folder));
        Assert.AreEqual(network.Config.VocabularySize, (int?)Json("config.json")["vocab_size"]);
    }

    private static TextRewardModel Fresh(int spareRows, int? padToken)
    {
        ModelConfig config = Tiny.Config() with
        {
            VocabularySize = Tiny.Tokenizer.VocabularySize + spareRows, EosTokenIds = [End], PadTokenId = padToken,
        };
        return new TextRewardModel(RewardModel.Create(config, 3), Tiny.Tokenizer);
    }

    /// <summary>The fixture's network beside a tokenizer of ten tokens, of which the last is the end token.</summary>
    private TextRewardModel Loaded(string name, int? padToken)
    {
        TextTokenizer.FromFiles(new Dictionary<string, string>(TinyTokenizer.Files())
        {
            ["tokenizer_config.json"] = padToken is null ? """{"eos_token": "<m>"}""" : """{"eos_token": "<m>", "pad_token": "<m>"}""",
        }).Save(_folder);
        File.Copy(Fixtures.Path("models", name, "model.safetensors"), Path.Combine(_folder, "model.safetensors"));
        JsonNode config = JsonNode.Parse(File.ReadAllText(Fixtures.Path("models", name, "config.json")))!;
        config["pad_token_id"] = padToken;
        config["eos_token_id"] = TinyTokenizer.Mark;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        return TextRewardModel.Load(_folder);
    }

    /// <summary>Prompt, completion, end token and padding, as the batch of a tokenizer with this pad token.</summary>
    private static Tensor Batch(int pad, out int[] ends)
    {
        long[][] rows = [.. Prompts.Zip(Completions, (prompt, completion) =>
            Tiny.Tokenizer.Encode(prompt).Concat(Tiny.Tokenizer.Encode(completion)).Append(End).Select(id => (long)id).ToArray())];
        ends = [.. rows.Select(row => row.Length - 1)];
        int width = rows.Max(row => row.Length) + 2;
        IEnumerable<long> padded = rows.SelectMany(row => row.Concat(Enumerable.Repeat((long)pad, width - row.Length)));
        return tensor(padded.ToArray()).view(rows.Length, width);
    }

    private static int? PadToken(string folder) =>
        (int?)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!["pad_token_id"];

    private JsonNode Json(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, file)))!;
}
