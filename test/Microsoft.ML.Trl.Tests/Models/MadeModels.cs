using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Tiny models of families, and with options, for which the reference left no numbers; all weights are drawn here.</summary>
internal static class MadeModels
{
    private const string Sizes = """
        "vocab_size": 256, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 128, "initializer_range": 0.3
        """;

    private static readonly Dictionary<string, string> Configs = new()
    {
        ["mixtral"] = """
            "model_type": "mixtral", "sliding_window": 6, "num_local_experts": 4, "num_experts_per_tok": 2
            """,
        ["qwen2_moe"] = """
            "model_type": "qwen2_moe", "num_experts": 5, "num_experts_per_tok": 3, "moe_intermediate_size": 20,
            "shared_expert_intermediate_size": 28
            """,
        ["qwen2_moe_mixed"] = """
            "model_type": "qwen2_moe", "num_experts": 3, "num_experts_per_tok": 2, "moe_intermediate_size": 20, "norm_topk_prob": true,
            "shared_expert_intermediate_size": 28, "decoder_sparse_step": 2, "use_sliding_window": true, "sliding_window": 5
            """,
        ["qwen3_moe"] = """
            "model_type": "qwen3_moe", "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20, "head_dim": 16,
            "norm_topk_prob": true, "tie_word_embeddings": true
            """,
        ["gemma3_text"] = """
            "model_type": "gemma3_text", "num_hidden_layers": 3, "head_dim": 8, "sliding_window": 4, "sliding_window_pattern": 2,
            "query_pre_attn_scalar": 20
            """,
        ["phi_qk_layernorm"] = """
            "model_type": "phi", "qk_layernorm": true
            """,
        ["phi3_longrope"] = """
            "model_type": "phi3", "max_position_embeddings": 64, "original_max_position_embeddings": 32, "pad_token_id": null,
            "rope_scaling": {"type": "longrope", "short_factor": [1, 1.5, 2, 3], "long_factor": [2, 4, 8, 16]}
            """,
        ["bloom_post_layernorm"] = """
            "model_type": "bloom", "n_head": 4, "apply_residual_connection_post_layernorm": true
            """,
        ["opt_plain_norms"] = """
            "model_type": "opt", "ffn_dim": 48, "layer_norm_elementwise_affine": false, "dropout": 0
            """,
    };

    /// <summary>Their names.</summary>
    public static IEnumerable<object[]> All => Configs.Keys.Select(name => new object[] { name });

    /// <summary>The decoders with numbers of the reference, and these.</summary>
    public static IEnumerable<object[]> AllDecoders => [.. ModelFixture.Decoders, .. All];

    /// <summary>All models that write.</summary>
    public static IEnumerable<object[]> AllWriters => [.. ModelFixture.Writers, .. All];

    /// <summary>The configuration of one of these, with further settings in place of its own.</summary>
    public static ModelConfig Config(string name, string more = "")
    {
        JsonObject json = [];
        foreach (string settings in new[] { Sizes, Configs[name], more })
            foreach ((string key, JsonNode? value) in JsonNode.Parse($"{{{settings}}}")!.AsObject())
                json[key] = value?.DeepClone();
        return ModelConfig.Parse(json.ToJsonString(), name);
    }

    /// <summary>A model in evaluation; norms and biases are drawn too.</summary>
    public static CausalLanguageModel Create(string name, string more = "", int seed = 3)
    {
        CausalLanguageModel model = CausalLanguageModel.Create(Config(name, more), seed);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Generator rng = new((ulong)seed);
        foreach ((_, Tensor weight) in model.Weights().Where(weight => weight.Value.dim() == 1))
            weight.add_(randn(weight.shape, generator: rng), 0.2);
        model.eval();
        return model;
    }

    /// <summary>One of <see cref="AllDecoders"/>.</summary>
    public static CausalLanguageModel Load(string name) =>
        Configs.ContainsKey(name) ? Create(name) : HuggingFaceFolder.LoadModel(Fixtures.Path("models", name));
}
