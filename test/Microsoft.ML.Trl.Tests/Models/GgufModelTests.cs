using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Checkpoints;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>
/// Models in GGUF. The files that are read are put together here from a model of the reference stack, by the names, the order of rows and
/// the norms of llama.cpp as its documentation has them; the logits are those of transformers.
/// </summary>
[TestClass]
public sealed class GgufModelTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private string File => Path.Combine(_folder, "x.gguf");

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow("llama")]
    [DataRow("llama_linear_rope")] // with biases, tied
    [DataRow("llama3_rope")]
    [DataRow("qwen2")]
    [DataRow("gemma")]
    [DataRow("phi3")]
    public void A_file_in_llama_cpps_layout_gives_the_logits_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        System.IO.File.WriteAllBytes(File, Converted(fixture.Folder).Done());
        using GgufFile file = GgufFile.Open(File);
        using CausalLanguageModel model = GgufModel.Load(file, null, null);
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, fixture["a.input_ids"]), 1e-4, $"{name} a.logits");
        ModelConfig expected = HuggingFaceFolder.LoadConfig(fixture.Folder);
        Assert.AreEqual(expected.ContextLength, model.Config.ContextLength);
        Assert.AreEqual(expected.KeyValueHeadCount, model.Config.KeyValueHeadCount);
        Close.Relative(expected.NormEpsilon, model.Config.NormEpsilon, 1e-6, "epsilon");
    }

    /// <summary>The logits are those of a model whose matrices are rounded here, by the formulas; tolerance 1e-4 absolute.</summary>
    [TestMethod]
    [DataRow("llama", GgufType.F16)]
    [DataRow("llama", GgufType.Q8_0)] // rows of 88 are stored in float16
    [DataRow("llama_linear_rope", GgufType.F16)]
    [DataRow("llama3_rope", GgufType.F16)]
    [DataRow("qwen2", GgufType.Q8_0)]
    [DataRow("gemma", GgufType.F16)]
    [DataRow("gemma", GgufType.Q8_0)]
    [DataRow("phi3", GgufType.Q8_0)]
    public void A_model_that_is_written_comes_back_but_for_rounding(string name, GgufType type)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        GgufModel.Save(File, model, type, []);
        using GgufFile file = GgufFile.Open(File);
        using CausalLanguageModel read = GgufModel.Load(file, null, null);
        using (no_grad())
            foreach ((_, Tensor weight) in model.Weights().Where(weight => weight.Value.dim() == 2))
                weight.copy_(type == GgufType.Q8_0 && weight.shape[1] % 32 == 0 ? InBlocks(weight) : weight.to_type(ScalarType.Float16));
        Tensor ids = fixture["a.input_ids"];
        Close.Absolute(ModelFixture.Logits(model, ids), ModelFixture.Logits(read, ids), 1e-4, $"{name} logits of {type}");
    }

    /// <summary>Q8_0: of 32 numbers the largest becomes 127, the others are rounded, and the scale is a float16.</summary>
    private static Tensor InBlocks(Tensor weight)
    {
        Tensor blocks = weight.view(-1, 32), scale = blocks.abs().amax([1], keepdim: true) / 127;
        Tensor whole = (blocks.abs() / scale + 0.5).floor() * blocks.sign();
        return (whole * scale.to_type(ScalarType.Float16).to_type(ScalarType.Float32)).view_as(weight);
    }

    /// <summary>Every tensor of the file that is written equals, but for the type, the one that is put together here.</summary>
    [TestMethod]
    [DataRow("llama")]
    [DataRow("llama_linear_rope")]
    [DataRow("llama3_rope")]
    [DataRow("qwen2")]
    [DataRow("gemma")]
    [DataRow("phi3")]
    public void The_written_tensors_are_those_of_llama_cpps_layout(string name)
    {
        string folder = Fixtures.Path("models", name), expectedPath = Path.Combine(_folder, "expected.gguf");
        System.IO.File.WriteAllBytes(expectedPath, Converted(folder).Done());
        using (CausalLanguageModel model = HuggingFaceFolder.LoadModel(folder))
            GgufModel.Save(File, model, GgufType.F16, []);
        using GgufFile expected = GgufFile.Open(expectedPath), written = GgufFile.Open(File);
        CollectionAssert.AreEquivalent(expected.Names.ToArray(), written.Names.ToArray());
        using var scope = NewDisposeScope();
        foreach (string tensor in expected.Names)
            Close.Absolute(
                expected.Take(tensor, ScalarType.Float32), written.Take(tensor, ScalarType.Float32), tensor.Contains("freqs") ? 1e-5 : 2e-3,
                tensor);
        Assert.IsTrue(written.Names.All(tensor => (written.Find(tensor)!.Shape.Count == 1) == (written.Find(tensor)!.TypeName == "F32")));
    }

    [TestMethod]
    public void Rows_of_queries_alternate_between_the_halves_of_a_head()
    {
        using var scope = NewDisposeScope();
        ModelConfig config = ModelConfig.Llama(8, 8, 1, 2, 8, keyValueHeads: 1);
        GgufArchitecture llama = GgufArchitecture.Of(config);
        Tensor rows = arange(8, ScalarType.Float32);
        Tensor there = llama.Writing("model.layers.0.self_attn.q_proj.weight", config)!(rows.unsqueeze(1));
        CollectionAssert.AreEqual(new float[] { 0, 2, 1, 3, 4, 6, 5, 7 }, there.squeeze(1).data<float>().ToArray());
        Tensor back = llama.Reading("model.layers.0.self_attn.q_proj.weight", config)!(there);
        Close.Absolute(rows, back.squeeze(1), 0);
        Assert.IsNull(llama.Writing("model.layers.0.self_attn.v_proj.weight", config));
        Assert.IsNull(GgufArchitecture.Named("qwen2", "here").Writing("model.layers.0.self_attn.q_proj.weight", config));
    }

    [TestMethod]
    [DataRow("general.architecture", "\"mamba\"", "of the architecture 'mamba'; read are llama, qwen2, gemma, phi3")]
    [DataRow("llama.expert_count", "8", "a model with experts")]
    [DataRow("llama.rope.scaling.type", "\"longrope\"", "rotary scaling of type 'longrope'")]
    [DataRow("llama.rope.dimension_count", "4", "llama.rope.dimension_count is 4, but a head has 8 dimensions")]
    [DataRow("llama.block_count", null, "has no llama.block_count")]
    [DataRow("llama.block_count", "3", "has 3 layers, but the weights hold 2")]
    [DataRow("llama.block_count", "\"x\"", "llama.block_count is x; a whole number is needed")]
    [DataRow("llama.attention.head_count_kv", "3", "cannot share 3 key-value heads")]
    [DataRow("llama.embedding_length", "36", "do not fit its configuration")]
    [DataRow("general.architecture", null, "has no general.architecture")]
    public void What_cannot_be_read_is_named(string key, string? value, string message)
    {
        System.IO.File.WriteAllBytes(File, Converted(Fixtures.Path("models", "llama"), key, value).Done());
        using GgufFile file = GgufFile.Open(File);
        Exception error = Assert.Throws<Exception>(() => GgufModel.Load(file, null, null));
        Assert.IsTrue(error is InvalidDataException or NotSupportedException, error.ToString());
        StringAssert.Contains(error.Message, message);
        StringAssert.Contains(error.Message, File);
    }

    [TestMethod]
    public void Rotary_factors_of_other_settings_are_refused()
    {
        Refused<NotSupportedException>("llama3_rope", "rope_freqs.weight", tensor(new float[] { 1, 2, 3, 4 }), "is not what LLaMA 3's");
        Refused<InvalidDataException>("llama3_rope", "rope_freqs.weight", ones(3), "has 3 values instead of 4 numbers");
        Refused<NotSupportedException>(
            "phi3", "rope_factors_long.weight", ones(4), "rotary factors of longrope, which are not read from GGUF");
        Refused<InvalidDataException>("llama", "blk.0.attn_sinks.weight", ones(4), "Not part of the model: blk.0.attn_sinks.weight");

        void Refused<T>(string name, string tensor, Tensor value, string message)
            where T : Exception
        {
            GgufBytes bytes = Converted(Fixtures.Path("models", name), leftOut: tensor);
            System.IO.File.WriteAllBytes(File, bytes.Tensor(tensor, value).Done());
            using GgufFile file = GgufFile.Open(File);
            StringAssert.Contains(Assert.ThrowsExactly<T>(() => GgufModel.Load(file, null, null)).Message, message);
        }
    }

    [TestMethod]
    public void Models_that_llama_cpp_would_compute_otherwise_are_not_written()
    {
        Refused("gpt2", config => config, "A 'gpt2' model cannot be written as GGUF; llama, mistral, qwen2, gemma, phi3 can");
        Refused("mistral", config => config, "it has a window of 6 tokens in a context of 128");
        Refused("llama", config => config with { Activation = "relu" }, "the activation relu instead of silu");
        Refused("llama", config => config with { Rope = new() { Type = "yarn", AttentionFactor = 2 } }, "an attention factor");
        Refused("llama", config => config with { Rope = new() { Type = "yarn", Truncate = false } }, "mscale or truncate of rotary");
        Refused("llama", config => config with { Rope = new() { Type = "yarn", Mscale = 1 } }, "an attention factor, mscale or truncate");
        double[] factors = [1, 2, 3, 4];
        Refused(
            "llama", config => config with { Rope = new() { Type = "longrope", ShortFactor = factors, LongFactor = factors } },
            "rotary positions of the type longrope");
        Assert.IsEmpty(Directory.GetFiles(_folder));
        using CausalLanguageModel mistral = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "mistral"));
        using CausalLanguageModel shorter = new(mistral.Config with { ContextLength = 6 }, new CopiedWeights(mistral.Weights()));
        GgufModel.Save(File, shorter, GgufType.F16, []);

        void Refused(string name, Func<ModelConfig, ModelConfig> change, string message)
        {
            using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("models", name));
            using CausalLanguageModel changed = new(change(model.Config), new CopiedWeights(model.Weights()));
            StringAssert.Contains(
                Assert.ThrowsExactly<NotSupportedException>(() => GgufModel.Save(File, changed, GgufType.F16, [])).Message, message);
        }
    }

    /// <summary>What llama.cpp's converter makes of a folder.</summary>
    private static GgufBytes Converted(string folder, string? key = null, string? value = null, string? leftOut = null)
    {
        using var scope = NewDisposeScope();
        JsonObject config = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        string name = (string)config["model_type"]!;
        int heads = (int)config["num_attention_heads"]!, keyHeads = (int)config["num_key_value_heads"]!;
        SortedDictionary<string, object> values = Metadata(config, name);
        if (key is not null)
            values[key] = value is null ? "" : value.StartsWith('"') ? value.Trim('"') : uint.Parse(value, CultureInfo.InvariantCulture);
        GgufBytes bytes = new();
        foreach ((string name2, object given) in values)
            _ = given switch
            {
                "" => bytes,
                uint number => bytes.Value(name2, number),
                float number => bytes.Value(name2, number),
                _ => bytes.Value(name2, (string)given),
            };
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        foreach (string tensor in file.Entries.Keys)
        {
            Tensor read = file.Read(tensor);
            if (name == "llama" && tensor.Contains(".q_proj."))
                read = Permuted(read, heads);
            if (name == "llama" && tensor.Contains(".k_proj."))
                read = Permuted(read, keyHeads);
            bytes.Tensor(Renamed(tensor), name == "gemma" && tensor.EndsWith("norm.weight", StringComparison.Ordinal) ? read + 1 : read);
        }
        if ((string?)config["rope_parameters"]!["rope_type"] == "llama3" && leftOut != "rope_freqs.weight")
            bytes.Tensor("rope_freqs.weight", tensor(new float[] { 1, 8, 8, 8 })); // the waves are 6.3, 167, ... of 32 tokens
        return bytes;
    }

    private static SortedDictionary<string, object> Metadata(JsonObject config, string name)
    {
        uint Whole(string key) => (uint)(int)config[key]!;
        uint headSize = config["head_dim"] is { } given ? (uint)(int)given : Whole("hidden_size") / Whole("num_attention_heads");
        JsonNode rope = config["rope_parameters"]!;
        SortedDictionary<string, object> values = new(StringComparer.Ordinal)
        {
            ["general.architecture"] = name,
            [$"{name}.context_length"] = Whole("max_position_embeddings"),
            [$"{name}.embedding_length"] = Whole("hidden_size"),
            [$"{name}.block_count"] = Whole("num_hidden_layers"),
            [$"{name}.feed_forward_length"] = Whole("intermediate_size"),
            [$"{name}.attention.head_count"] = Whole("num_attention_heads"),
            [$"{name}.attention.head_count_kv"] = Whole("num_key_value_heads"),
            [$"{name}.attention.key_length"] = headSize,
            [$"{name}.attention.layer_norm_rms_epsilon"] = (float)(double)config["rms_norm_eps"]!,
            [$"{name}.rope.freq_base"] = (float)(double)rope["rope_theta"]!,
            [$"{name}.rope.dimension_count"] = headSize,
        };
        if ((string?)rope["rope_type"] == "linear")
            (values[$"{name}.rope.scaling.type"], values[$"{name}.rope.scaling.factor"]) = ("linear", (float)(double)rope["factor"]!);
        if (rope["original_max_position_embeddings"] is { } original)
            values[$"{name}.rope.scaling.original_context_length"] = (uint)(int)original;
        return values;
    }

    /// <summary>The specification's permute: reshape to [heads, 2, half], swap the last two, reshape back.</summary>
    private static Tensor Permuted(Tensor rows, int heads)
    {
        long half = rows.shape[0] / heads / 2;
        long[] order = [.. from head in Enumerable.Range(0, heads) from i in LongRange(half) from part in LongRange(2)
            select (head * 2 * half) + (part * half) + i];
        return rows[tensor(order)];

        static IEnumerable<long> LongRange(long count) => Enumerable.Range(0, (int)count).Select(i => (long)i);
    }

    private static string Renamed(string name)
    {
        foreach ((string from, string to) in new[]
        {
            ("model.layers.", "blk."), ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
            ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.qkv_proj", "attn_qkv"),
            ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"), ("mlp.gate_up_proj", "ffn_up"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down"),
        })
            name = name.Replace(from, to);
        return name;
    }
}
