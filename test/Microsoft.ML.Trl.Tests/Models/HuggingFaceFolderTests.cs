using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

[TestClass]
public sealed class HuggingFaceFolderTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Decoders), typeof(ModelFixture))]
    public void A_saved_model_has_the_same_tensors_and_configuration(string name)
    {
        string original = Fixtures.Path("models", name);
        using (CausalLanguageModel model = HuggingFaceFolder.LoadModel(original))
            HuggingFaceFolder.Save(_folder, model);
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(original, "model.safetensors"));
        using SafetensorsFile after = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        CollectionAssert.AreEquivalent(before.Entries.Keys.ToArray(), after.Entries.Keys.ToArray());
        using var scope = NewDisposeScope();
        foreach (string tensor in before.Entries.Keys)
            Assert.IsTrue(before.Read(tensor).equal(after.Read(tensor)).all().item<bool>(), tensor);
        foreach (string file in new[] { "config.json", "generation_config.json" })
        {
            Dictionary<string, string> Fields(string folder) =>
                System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file))).RootElement.EnumerateObject()
                    .Where(field => field.Name != "transformers_version" && field.Value.ToString() != "")
                    .ToDictionary(field => field.Name, field => Normal(field.Value));
            Dictionary<string, string> read = Fields(_folder);
            foreach ((string key, string value) in Fields(original))
                Assert.AreEqual(value, read[key], $"{file}: {key}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void A_model_that_is_saved_loaded_and_saved_again_gives_the_same_files(string name)
    {
        string again = Path.Combine(_folder, "again");
        using (CausalLanguageModel model = MadeModels.Load(name))
            HuggingFaceFolder.Save(_folder, model);
        using (CausalLanguageModel model = HuggingFaceFolder.LoadModel(_folder))
            HuggingFaceFolder.Save(again, model);
        foreach (string file in new[] { "model.safetensors", "config.json", "generation_config.json" })
            CollectionAssert.AreEqual(
                File.ReadAllBytes(Path.Combine(_folder, file)), File.ReadAllBytes(Path.Combine(again, file)), $"{name}: {file}");
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void A_saved_reward_model_has_the_same_tensors(string name)
    {
        string original = Fixtures.Path("models", name);
        using (RewardModel model = HuggingFaceFolder.LoadRewardModel(original))
            HuggingFaceFolder.Save(_folder, model);
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(original, "model.safetensors"));
        using SafetensorsFile after = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        CollectionAssert.AreEquivalent(before.Entries.Keys.ToArray(), after.Entries.Keys.ToArray());
        StringAssert.Contains(File.ReadAllText(Path.Combine(_folder, "config.json")), "ForSequenceClassification");
    }

    [TestMethod]
    public void A_value_head_is_saved_beside_its_policy()
    {
        using ValueHead head = ValueHead.Create(32, 1);
        HuggingFaceFolder.Save(_folder, head);
        using ValueHead read = HuggingFaceFolder.LoadValueHead(_folder, 32);
        using var scope = NewDisposeScope();
        Tensor hidden = randn(3, 32, generator: new Generator(1));
        Close.Absolute(head.Values(hidden), read.Values(hidden), 0);
    }

    [TestMethod]
    [DataRow(ScalarType.BFloat16)]
    [DataRow(ScalarType.Float16)]
    public void Half_precision_weights_stay_so_on_disk(ScalarType type)
    {
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "gpt2"), dtype: type);
        HuggingFaceFolder.Save(_folder, model);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
        Assert.IsTrue(file.Entries.Values.All(entry => entry.Type == type));
    }

    [TestMethod]
    public void Missing_and_left_over_tensors_are_named()
    {
        CopyModel("gpt2", tensors => tensors
            .Where(tensor => tensor.Name != "transformer.h.1.mlp.c_fc.bias").Append(("transformer.extra", zeros(1))));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, "Missing: transformer.h.1.mlp.c_fc.bias [128]");
        StringAssert.Contains(message, "Not part of the model: transformer.extra");
    }

    [TestMethod]
    public void A_tensor_of_another_shape_is_named()
    {
        CopyModel("gpt2", tensors => tensors
            .Where(tensor => tensor.Name != "transformer.ln_f.bias").Append(("transformer.ln_f.bias", zeros(31))));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message,
            "transformer.ln_f.bias [31] instead of [32]");
    }

    [TestMethod]
    [DataRow(ScalarType.Int8, "I8")]
    [DataRow(ScalarType.Byte, "U8")]
    [DataRow(ScalarType.Int32, "I32")]
    [DataRow(ScalarType.Bool, "BOOL")]
    public void Whole_numbers_are_no_weights(ScalarType type, string name)
    {
        CopyModel("gpt2", tensors => tensors
            .Where(tensor => tensor.Name != "transformer.ln_f.bias").Append(("transformer.ln_f.bias", zeros(32, type))));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, $"transformer.ln_f.bias ({name})");
        StringAssert.Contains(message, "allowed are F64, F32, F16, BF16");
    }

    [TestMethod]
    public void Derived_buffers_and_a_tied_projection_in_the_file_are_passed_over()
    {
        CopyModel("gpt2", tensors => tensors
            .Append(("transformer.h.0.attn.bias", ones(1, 1, 128, 128)))
            .Append(("transformer.h.0.attn.masked_bias", ones(1)))
            .Append(("lm_head.weight", zeros(256, 32))));
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(_folder);
        Assert.AreSame(model.Body.TokenEmbedding, model.HeadWeight);
    }

    [TestMethod]
    public void A_missing_shard_and_a_wrong_index_are_named()
    {
        CopyFolder("llama_sharded");
        string index = Path.Combine(_folder, "model.safetensors.index.json");
        string text = File.ReadAllText(index);
        File.WriteAllText(index, text.Replace("\"model.norm.weight\"", "\"model.norm.bias\""));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "model.norm.");
        File.WriteAllText(index, text.Replace("model-00002-of-00004", "../model-00002-of-00004"));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "same folder");
        File.WriteAllText(index, text.Replace("\"model.norm.weight\"", "\"\\ud800\"")); // half a character
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "not JSON");
        File.WriteAllText(index, text);
        File.Delete(Path.Combine(_folder, "model-00003-of-00004.safetensors"));
        StringAssert.Contains(
            Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceFolder.LoadModel(_folder)).Message,
            "model-00003-of-00004.safetensors");
    }

    [TestMethod]
    [DataRow("{\"model_type\":\"mamba\"}", "a 'mamba' model; supported are gpt2, gpt_neo,")]
    [DataRow("{}", "no model_type")]
    [DataRow("{\"model_type\":\"gpt2\",\"n_embd\":\"x\"}", "n_embd is \"x\"; a whole number is allowed")]
    [DataRow("{\"model_type\":\"gpt2\",\"n_embd\":33,\"n_head\":4}", "not a multiple")]
    [DataRow("{\"model_type\":\"gpt2\",\"n_layer\":0}", "must be at least 1")]
    [DataRow("{\"model_type\":\"gpt2\",\"activation_function\":\"swish9\"}", "swish9")]
    [DataRow("{\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"ntk\"}}", "'ntk'")]
    [DataRow("{\"model_type\":\"llama\",\"num_key_value_heads\":5}", "key-value heads")]
    [DataRow("nonsense", "not JSON")]
    [DataRow("null", "is not a JSON object")]
    [DataRow("{\"model_type\":\"gpt2\",\"layer_norm_epsilon\":0}", "the norm epsilon is 0; it must be a finite number greater than 0")]
    [DataRow("{\"model_type\":\"llama\",\"rms_norm_eps\":-1e-5}", "the norm epsilon is -1E-05; it must be")]
    [DataRow("{\"model_type\":\"gpt2\",\"embd_pdrop\":1}", "the embedding dropout is 1; it must be at least 0 and below 1")]
    [DataRow("{\"model_type\":\"gpt2\",\"resid_pdrop\":-0.1}", "the residual dropout is -0.1; it must be at least 0 and below 1")]
    [DataRow("{\"model_type\":\"llama\",\"attention_dropout\":1.5}", "the attention dropout is 1.5; it must be at least 0")]
    [DataRow("{\"model_type\":\"gpt2\",\"initializer_range\":-0.02}", "the initializer range is -0.02; it must be a finite number, 0 or")]
    [DataRow("{\"model_type\":\"gpt2\",\"eos_token_id\":50257}", "eos_token_id is 50257, but the vocabulary has the tokens 0 to 50256")]
    [DataRow("{\"model_type\":\"gpt2\",\"eos_token_id\":[1,-1]}", "eos_token_id is -1, but the vocabulary has the tokens 0 to 50256")]
    [DataRow("{\"model_type\":\"gpt2\",\"bos_token_id\":60000}", "bos_token_id is 60000, but the vocabulary has the tokens 0 to 50256")]
    [DataRow("{\"model_type\":\"gpt2\",\"pad_token_id\":50257}", "pad_token_id is 50257, but the vocabulary has the tokens 0 to 50256")]
    public void A_configuration_that_does_not_make_sense_is_explained(string json, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), json);
        Exception error = Assert.Throws<Exception>(() => HuggingFaceFolder.LoadModel(_folder));
        StringAssert.Contains(error.Message, message);
    }

    [TestMethod]
    public void End_tokens_of_the_generation_configuration_count()
    {
        CopyFolder("gpt2");
        File.WriteAllText(Path.Combine(_folder, "generation_config.json"), "{\"eos_token_id\":[2,7]}");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(_folder);
        CollectionAssert.AreEqual(new[] { 2, 7 }, model.Config.EosTokenIds.ToArray());
    }

    [TestMethod]
    public void End_tokens_of_the_generation_configuration_are_checked_too()
    {
        CopyFolder("gpt2");
        string path = Path.Combine(_folder, "generation_config.json");
        File.WriteAllText(path, "{\"eos_token_id\":[2,256]}");
        string message = Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, $"{path}: eos_token_id is 256, but the vocabulary has the tokens 0 to 255");
        File.WriteAllText(path, "null");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "is not a JSON object");
    }

    [TestMethod]
    public void A_negative_padding_token_means_none_and_is_written_back()
    {
        ModelConfig config = ModelConfig.Parse("{\"model_type\":\"llama\",\"pad_token_id\":-1}", "here");
        Assert.IsNull(config.PadTokenId);
        StringAssert.Contains(config.ToJson(), "\"pad_token_id\": -1");
        StringAssert.Contains((config with { PadTokenId = 3 }).ToJson(), "\"pad_token_id\": 3");
    }

    [TestMethod]
    public void Folders_without_a_model_are_explained()
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "no config.json");
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => HuggingFaceFolder.LoadModel(Path.Combine(_folder, "none")));
        File.Copy(Fixtures.Path("models", "gpt2", "config.json"), Path.Combine(_folder, "config.json"));
        StringAssert.Contains(
            Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, "none of model.safetensors");
    }

    private static string Normal(System.Text.Json.JsonElement value) => value.ValueKind == System.Text.Json.JsonValueKind.Number
        ? value.GetDouble().ToString(System.Globalization.CultureInfo.InvariantCulture)
        : value.ValueKind == System.Text.Json.JsonValueKind.Object
            ? string.Join(';', value.EnumerateObject().OrderBy(field => field.Name).Select(field => $"{field.Name}={Normal(field.Value)}"))
            : value.ToString();

    private void CopyFolder(string name)
    {
        foreach (string file in Directory.GetFiles(Fixtures.Path("models", name)))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
    }

    private void CopyModel(string name, Func<IEnumerable<(string Name, Tensor Value)>, IEnumerable<(string Name, Tensor Value)>> change)
    {
        using var scope = NewDisposeScope();
        CopyFolder(name);
        string path = Path.Combine(_folder, "model.safetensors");
        List<(string, Tensor)> tensors;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
            tensors = [.. change([.. file.Entries.Keys.Select(key => (key, file.Read(key)))])];
        SafetensorsWriter.Write(path, tensors);
    }
}
