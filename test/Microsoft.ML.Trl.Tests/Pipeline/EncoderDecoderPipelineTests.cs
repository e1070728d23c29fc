using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>Encoder-decoders from folder to folder, through the zip, and row by row.</summary>
[TestClass]
public sealed class EncoderDecoderPipelineTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_model_that_is_saved_loaded_and_saved_again_gives_the_same_bytes(bool isVersion11)
    {
        using LanguageModel model = TinyT5.Model(isVersion11: isVersion11);
        model.ReplaceCritic(ValueHead.Create(16, 1));
        (string first, string second) = (Path.Combine(_folder, "first"), Path.Combine(_folder, "second"));
        model.Save(first);
        using LanguageModel loaded = LanguageModel.Load(first);
        loaded.Save(second);
        string[] files = [.. Directory.GetFiles(first).Select(path => Path.GetFileName(path)!)];
        CollectionAssert.IsSubsetOf(new[] { "config.json", "generation_config.json", "model.safetensors", "v_head.safetensors" }, files);
        foreach (string file in files)
            CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(first, file)), File.ReadAllBytes(Path.Combine(second, file)), file);
        Assert.AreEqual(model.Complete("the film", Tiny.Greedy), loaded.Complete("the film", Tiny.Greedy));
    }

    [TestMethod]
    public void The_fixture_of_transformers_is_written_back_with_its_tensors_and_fields()
    {
        string given = Fixtures.Path("models", "t5");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(given);
        HuggingFaceFolder.Save(_folder, model);
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(given, "model.safetensors"));
        using SafetensorsFile after = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        CollectionAssert.AreEquivalent(before.Entries.Keys.ToArray(), after.Entries.Keys.ToArray());
        using var scope = NewDisposeScope();
        foreach (string name in before.Entries.Keys)
            Close.Absolute(before.Read(name), after.Read(name), 0, name);
        JsonObject written = Config(_folder);
        foreach ((string key, JsonNode? value) in Config(given))
            Assert.IsTrue(JsonNode.DeepEquals(value, written[key]), $"{key}: {value} became {written[key]}");
    }

    /// <summary>transformers 5 writes tie_word_embeddings: true for all, and goes by what the weights hold.</summary>
    [TestMethod]
    public void A_projection_that_is_stored_beside_the_embedding_counts_where_it_is_another()
    {
        using CausalLanguageModel model = TinyT5.Network(isVersion11: true);
        HuggingFaceFolder.Save(_folder, model);
        JsonObject config = Config(_folder);
        Assert.AreEqual("false", config["scale_decoder_outputs"]!.ToJsonString());
        config["tie_word_embeddings"] = true;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        using CausalLanguageModel loaded = HuggingFaceFolder.LoadModel(_folder);
        Assert.IsFalse(loaded.Config.TieWordEmbeddings);
        CollectionAssert.AreEqual(Toys.Flat(model.Weights()), Toys.Flat(loaded.Weights()));

        // the older layout: the embedding under its other names too, and a copy of it as projection
        using CausalLanguageModel tied = TinyT5.Network();
        HuggingFaceFolder.Save(_folder, tied);
        Tensor embedding = tied.Body.TokenEmbedding;
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), [.. tied.Weights(),
            ("encoder.embed_tokens.weight", embedding), ("decoder.embed_tokens.weight", embedding), ("lm_head.weight", embedding),
            ("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", embedding)]);
        using CausalLanguageModel again = HuggingFaceFolder.LoadModel(_folder);
        Assert.IsTrue(again.Config.TieWordEmbeddings);
        CollectionAssert.AreEqual(Toys.Flat(tied.Weights()), Toys.Flat(again.Weights()));
    }

    [TestMethod]
    public void A_folder_without_the_last_block_of_the_encoder_is_refused_by_number()
    {
        using CausalLanguageModel model = TinyT5.Network();
        HuggingFaceFolder.Save(_folder, model);
        JsonObject config = Config(_folder);
        config["num_layers"] = 5;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        string message = Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, "has 5 layers, but the weights hold 2 (encoder.block.0, encoder.block.1, ...)");
    }

    [TestMethod]
    public void A_chain_is_saved_loaded_and_asked_row_by_row()
    {
        var ppo = new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-3, Generation = Tiny.Greedy };
        var dpo = new DpoOptions { MaxSteps = 2, LearningRate = 1e-3, Generation = Tiny.Greedy };
        var sft = new SftOptions { MaxSteps = 30, LearningRate = 2e-2, PerDeviceTrainBatchSize = 4, Generation = Tiny.Greedy };
        ModelSource source = TinyT5.Source();
        TransformerChain<TextGenerationTransformer> chain = _ml.Trl().Sft(source, sft)
            .Append(_ml.Trl().Ppo((_, answer) => answer.Length, ppo)).Append(_ml.Trl().Dpo(dpo)).Fit(Rows);
        using var file = new MemoryStream();
        _ml.Model.Save(chain, Rows.Schema, file);
        var fresh = new MLContext();
        ITransformer loaded = fresh.Model.Load(file, out _);
        string[] expected = Answers(chain);
        CollectionAssert.AreEqual(expected, Answers(loaded));
        Assert.IsTrue(expected.All(answer => answer.Length > 0));
        PredictionEngine<Tiny.PairRow, Tiny.Answer> engine = fresh.Model.CreatePredictionEngine<Tiny.PairRow, Tiny.Answer>(loaded);
        CollectionAssert.AreEqual(expected, Tiny.Pairs.Select(row => engine.Predict(row).Completion).ToArray());
        TextGenerationTransformer[] stages = [.. ((IEnumerable<ITransformer>)loaded).OfType<TextGenerationTransformer>()];
        Assert.IsNotNull(stages[1].Model.ValueHead);
        Assert.AreEqual("t5", stages[2].Model.Network.Config.ModelType);
    }

    [TestMethod]
    public void A_folder_with_the_tokenizer_of_T5_is_trained_and_asked()
    {
        string tokenizer = Fixtures.Shared("tokenizers", "t5");
        foreach (string file in Directory.GetFiles(tokenizer))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        int vocabulary = TextTokenizer.Load(tokenizer).VocabularySize;
        using (CausalLanguageModel network = CausalLanguageModel.Create(ModelConfig.T5(vocabulary, 16, 2, 2, dropout: 0) with
        {
            EosTokenIds = [1],
        }, 1))
            HuggingFaceFolder.Save(_folder, network);
        using LanguageModel model = LanguageModel.Load(_folder);
        Assert.AreEqual(1, model.Codec.Prompt("the LORD")[^1], "prompts end with </s>");
        RowTokens tokens = model.Codec.Rows(isConversational: false).Continued("the LORD", "spake", TemplateCells.None);
        CollectionAssert.AreEqual(model.Codec.Prompt("the LORD"), tokens.Ids[..tokens.PromptLength]);
        CollectionAssert.AreEqual(model.Tokenizer.Encode("spake", addSpecialTokens: true), tokens.Completion);
        var options = new SftOptions { MaxSteps = 60, LearningRate = 2e-2, PerDeviceTrainBatchSize = 4, Generation = Tiny.Greedy };
        Tiny.PairRow[] verses =
        [
            new() { Prompt = "the LORD", Completion = "spake" }, new() { Prompt = "the earth", Completion = "was void" },
        ];
        IDataView rows = _ml.Data.LoadFromEnumerable(verses);
        using TextGenerationTransformer sft = _ml.Trl().Sft(ModelSource.Folder(_folder), options).Fit(rows);
        CollectionAssert.AreEqual(verses.Select(row => row.Completion).ToArray(), Answers(sft, rows));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Answers(ITransformer model, IDataView? rows = null) =>
        [.. _ml.Data.CreateEnumerable<Tiny.Answer>(model.Transform(rows ?? Rows), reuseRowObject: false).Select(row => row.Completion)];

    private static JsonObject Config(string folder) =>
        (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
}
