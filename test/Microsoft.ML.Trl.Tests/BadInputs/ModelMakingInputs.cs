using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Models that cannot be made: shapes, files of shapes, places and types of weights.</summary>
internal static class ModelMakingInputs
{
    private const string Parse = "ModelFamilies.Parse", Create = "CausalLanguageModel.Create";

    public static IEnumerable<BadInput> All() =>
        [.. Families(), .. Changed(), .. ParsedTexts(), .. ParsedNumbers(), .. Copies(), .. References()];

    private static IEnumerable<BadInput> Families() =>
    [
        Gpt2(() => ModelConfig.Gpt2(0, 16, 2, 2, 32), "vocabulary size is 0", "at least 1"),
        Gpt2(() => ModelConfig.Gpt2(-40, 16, 2, 2, 32), "vocabulary size is -40", "at least 1"),
        Gpt2(() => ModelConfig.Gpt2(40, 0, 2, 2, 32), "hidden size is 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 0, 2, 32), "number of layers is 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, -1, 2, 32), "number of layers is -1"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 0, 32), "number of heads is 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, -2, 32), "number of heads is -2"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 3, 32), "hidden size 16 is not a multiple of the 3 heads"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 32, 32), "head size is 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 2, 0), "context length is 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 2, 32, 1), "dropout is 1", "below 1"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 2, 32, -0.1), "dropout is -0.1", "at least 0"),
        Gpt2(() => ModelConfig.Gpt2(40, 16, 2, 2, 32, double.NaN), "dropout is NaN"),
        Llama(() => ModelConfig.Llama(40, 16, 2, 2, 32, keyValueHeads: 3), "2 heads cannot share 3 key-value heads", "a divisor of 2"),
        Llama(() => ModelConfig.Llama(40, 16, 2, 2, 32, keyValueHeads: -1), "number of key-value heads is -1"),
        Llama(() => ModelConfig.Llama(40, 6, 2, 2, 32), "head size is 3", "an even number"),
        Llama(() => ModelConfig.Llama(40, 16, 2, 2, 32, intermediateSize: -5), "intermediate size is -5"),
        Llama(() => ModelConfig.Llama(0, 16, 2, 2, 32), "vocabulary size is 0"),
        Llama(() => ModelConfig.Llama(40, 16, 2, 2, -1), "context length is -1"),
        Llama(() => ModelConfig.Llama(40, 262_144, 2, 1, 32), "head size is 262144", "65536"),
    ];

    private static IEnumerable<BadInput> Changed()
    {
        ModelConfig llama = ModelConfig.Llama(40, 16, 2, 2, 32);
        return
        [
            Null(Create, "config", () => CausalLanguageModel.Create(null!, 1)),
            Null("RewardModel.Create", "config", () => RewardModel.Create(null!, 1)),
            Null("RewardModel.FromPolicy", "policy", () => RewardModel.FromPolicy(null!, 1)),
            Made(Config with { HiddenSize = 17 }, "hidden size 17", "2 heads"),
            Made(Config with { IntermediateSize = 0 }, "intermediate size is 0"),
            Made(Config with { KeyValueHeadCount = 1 }, "gpt2", "1 key-value heads", "as many as heads: 2"),
            Made(Config with { NormEpsilon = 0 }, "norm epsilon is 0", "greater than 0"),
            Made(Config with { NormEpsilon = double.NaN }, "norm epsilon is NaN"),
            Made(Config with { InitializerRange = -1 }, "initializer range is -1"),
            Made(Config with { AttentionDropout = 2 }, "attention dropout is 2"),
            Made(Config with { EosTokenIds = [40] }, "eos_token_id is 40", "0 to 39"),
            Made(Config with { EosTokenIds = null! }, "eos_token_id is null", "an empty list"),
            Made(Config with { BosTokenId = -1 }, "bos_token_id is -1", "0 to 39"),
            Made(Config with { PadTokenId = 99 }, "pad_token_id is 99", "0 to 39"),
            Made(Config with { SlidingWindow = 0 }, "sliding window is 0", "at least 1"),
            Made(Config with { SlidingWindow = -4 }, "sliding window is -4", "at least 1"),
            Made(Config with { WindowedLayers = [true] }, "layer_types names 1 layers", "2"),
            Made(Config with { WindowedLayers = null! }, "layer_types is null", "an empty list"),
            Made(Config with { Rope = new() }, "gpt2", "rotary"),
            Made(llama with { Rope = null }, "llama", "rotary"),
            Made(llama with { Rope = new() { Theta = 0 } }, "Theta = 0", "positive numbers"),
            Made(llama with { Rope = new() { Theta = double.NaN } }, "Theta = NaN", "positive numbers"),
            Made(llama with { Rope = new() { Factor = -1 } }, "Factor = -1", "positive numbers"),
            Made(llama with { Rope = new() { HighFrequencyFactor = 1 } }, "HighFrequencyFactor = 1", "above the low_freq_factor"),
            Made(llama with { Rope = new() { OriginalContextLength = 0 } }, "OriginalContextLength = 0", "positive numbers"),
            Made(llama with { Rope = new() { BetaSlow = 0 } }, "BetaSlow = 0", "positive numbers"),
            Made(llama with { Rope = new() { BetaFast = 1 } }, "BetaFast = 1", "above beta_slow"),
            Made(llama with { Rope = new() { AttentionFactor = -1 } }, "AttentionFactor = -1", "positive numbers"),
            Made(llama with { RotaryDimensions = 3 }, "turn 3 dimensions", "an even number"),
            Made(llama with { RotaryDimensions = 1000 }, "turn 1000 dimensions", "an even number"),
            Made(llama with { EmbeddingSize = 0 }, "embedding size is 0"),
            Made(llama with { AttentionSoftCap = 0 }, "attention soft cap is 0", "greater than 0"),
            Made(llama with { LogitSoftCap = double.NaN }, "logit soft cap is NaN", "greater than 0"),
            Made<NotSupportedException>(
                llama with { Rope = new() { Type = "ntk" } }, "'ntk'", "default, linear, dynamic, llama3, yarn, longrope"),
            Made(llama with { Rope = new() { Type = "longrope" } }, "short_factor has 0 numbers", "each needs"),
            Made(llama with { Rope = new() { ShortFactor = null! } }, "short_factor or long_factor is null"),
            Made(llama with { Rope = new() { Type = "yarn", Factor = 9, Mscale = -9, MscaleAllDim = 1 } }, "mscale", "greater than 0"),
            Made<NotSupportedException>(llama with { Rope = new() { Type = null! } }, "''", "default, linear, dynamic, llama3, yarn"),
            Made<NotSupportedException>(Config with { Activation = "swish" }, "'swish'", "gelu_new"),
            Made<NotSupportedException>(Config with { Activation = null! }, "''", "gelu_new"),
            Made<ArgumentException>(
                ModelConfig.Gpt2(int.MaxValue, 2048, 2, 2, 32), "vocabulary 2147483647", "GB of memory", "smaller sizes"),
            Made<ArgumentException>(Config with { LayerCount = int.MaxValue }, "layers 2147483647", "GB of memory"),
            Made<ArgumentException>(Config with { ContextLength = int.MaxValue, HeadSize = 1024, HiddenSize = 2048 }, "GB of memory"),
        ];
    }

    private static IEnumerable<BadInput> ParsedTexts() =>
    [
        Null(Parse, "json", () => ModelConfig.Parse(null!, "a.json")),
        Null(Parse, "source", () => ModelConfig.Parse("{}", null!)),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("", "a.json"), ["a.json is not JSON"]),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("{", "a.json"), ["a.json is not JSON"]),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("[]", "a.json"), ["a.json is not a JSON object"]),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("null", "a.json"), ["a.json is not a JSON object"]),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("3", "a.json"), ["a.json is not a JSON object"]),
        Of<InvalidDataException>(Parse, () => ModelConfig.Parse("{}", "a.json"), ["a.json has no model_type"]),
        Of<InvalidDataException>(
            Parse, () => ModelConfig.Parse("""{"model_type": 3}""", "a.json"), ["model_type is 3", "a text is allowed"]),
        Of<InvalidDataException>(
            Parse, () => ModelConfig.Parse("""{"model_type": "gpt2", "model_type": "llama"}""", "a.json"), ["a.json is not JSON"]),
        Of<NotSupportedException>(
            Parse, () => ModelConfig.Parse("""{"model_type": "mamba"}""", "a.json"), ["'mamba'", "gpt2, gpt_neo", "distilbert"]),
        Of<NotSupportedException>(Parse, () => ModelConfig.Parse("""{"model_type": ""}""", "a.json"), ["''", "gpt2, gpt_neo"]),
        Of<NotSupportedException>(
            Parse, () => ModelConfig.Parse("""{"model_type": "gpt2", "add_cross_attention": true}""", "a.json"), ["cross attention"]),
    ];

    private static IEnumerable<BadInput> ParsedNumbers()
    {
        (string Family, string Key, string Value, string[] Words)[] wrong =
        [
            ("gpt2", "vocab_size", "0", ["vocabulary size is 0"]),
            ("gpt2", "vocab_size", "\"many\"", ["vocab_size is \"many\"", "a whole number"]),
            ("gpt2", "vocab_size", "1.5", ["vocab_size is 1.5", "a whole number"]), ("gpt2", "vocab_size", "1e99", ["vocab_size is 1e99"]),
            ("gpt2", "n_embd", "-768", ["hidden size is -768"]), ("gpt2", "n_embd", "[768]", ["n_embd is [768]", "a whole number"]),
            ("gpt2", "n_head", "0", ["number of heads is 0"]), ("gpt2", "n_head", "true", ["n_head is true"]),
            ("gpt2", "n_layer", "{}", ["n_layer is {}"]), ("gpt2", "n_layer", "-1", ["number of layers is -1"]),
            ("gpt2", "n_positions", "0", ["context length is 0"]), ("gpt2", "n_inner", "-1", ["intermediate size is -1"]),
            ("gpt2", "layer_norm_epsilon", "0", ["norm epsilon is 0"]), ("gpt2", "layer_norm_epsilon", "\"x\"", ["a number is allowed"]),
            ("gpt2", "embd_pdrop", "1", ["embedding dropout is 1"]), ("gpt2", "attn_pdrop", "-0.1", ["attention dropout is -0.1"]),
            ("gpt2", "resid_pdrop", "2", ["residual dropout is 2"]), ("gpt2", "initializer_range", "-1", ["initializer range is -1"]),
            ("gpt2", "tie_word_embeddings", "1", ["tie_word_embeddings is 1", "true or false"]),
            ("gpt2", "eos_token_id", "99999", ["eos_token_id is 99999", "0 to 50256"]),
            ("gpt2", "eos_token_id", "[1, null]", ["eos_token_id"]),
            ("gpt2", "bos_token_id", "-1", ["bos_token_id is -1"]), ("gpt2", "eos_token_id", "[-2]", ["eos_token_id is -2"]),
            ("llama", "num_key_value_heads", "5", ["32 heads cannot share 5", "a divisor of 32"]),
            ("llama", "head_dim", "3", ["head size is 3", "an even number"]), ("llama", "head_dim", "-2", ["head size is -2"]),
            ("llama", "rms_norm_eps", "-1", ["norm epsilon is -1"]), ("llama", "rope_theta", "-1", ["Theta = -1", "positive numbers"]),
            ("llama", "rope_scaling", "3", ["rope_scaling is 3", "an object"]),
            ("llama", "rope_scaling", """{"rope_type": "linear", "factor": 0}""", ["Factor = 0", "positive numbers"]),
            ("llama", "rope_scaling", """{"rope_type": "llama3", "high_freq_factor": 1}""", ["above the low_freq_factor"]),
            ("mistral", "sliding_window", "-1", ["sliding window is -1"]), ("mistral", "sliding_window", "0", ["sliding window is 0"]),
            ("qwen2", "max_window_layers", "\"all\"", ["max_window_layers is \"all\""]),
            ("gpt_neo", "attention_types", "[[[\"global\"], 3]]", ["attention_types is", "24 in all"]),
            ("gpt_neo", "attention_types", "3", ["attention_types", "a list"]), ("gpt_neo", "window_size", "0", ["sliding window is 0"]),
            ("gptj", "rotary_dim", "3", ["turn 3 dimensions"]), ("gptj", "n_head", "0", ["number of heads is 0"]),
            ("gpt_neox", "rotary_pct", "7", ["turn 672 dimensions"]), ("opt", "word_embed_proj_dim", "0", ["embedding size is 0"]),
            ("falcon", "num_attention_heads", "0", ["number of heads is 0"]), ("falcon", "alibi", "1", ["alibi is 1", "true or false"]),
            ("bloom", "n_head", "0", ["number of heads is 0"]), ("gemma", "head_dim", "3", ["head size is 3"]),
            ("gemma2", "final_logit_softcapping", "-1", ["logit soft cap is -1"]),
            ("gemma2", "query_pre_attn_scalar", "0", ["query_pre_attn_scalar"]),
            ("phi", "partial_rotary_factor", "-1", ["turn -64 dimensions"]), ("phi3", "sliding_window", "0", ["sliding window is 0"]),
            ("bert", "hidden_size", "-1", ["hidden size is -1"]), ("bert", "type_vocab_size", "0", ["type_vocab_size is 0"]),
            ("bert", "classifier_dropout", "1", ["classifier dropout is 1"]),
            ("bert", "id2label", "{\"1\": \"good\"}", ["id2label", "\"1\"", "0 to 0"]), ("bert", "id2label", "3", ["id2label is 3"]),
            ("bert", "id2label", "{\"0\": 3}", ["id2label", "each with a text"]),
            ("roberta", "pad_token_id", "-7", ["no pad_token_id below"]),
            ("roberta", "max_position_embeddings", "2", ["context length is 0"]),
            ("distilbert", "n_heads", "0", ["number of heads is 0"]), ("distilbert", "dim", "7", ["head size is 0"]),
            ("qwen3", "layer_types", "[\"sliding_attention\"]", ["layer_types names 1 layers"]),
            ("llama", "rope_scaling", """{"rope_type": "longrope", "short_factor": 3}""", ["short_factor is 3", "a list of numbers"]),
            ("llama", "rope_scaling", """{"rope_type": "longrope", "short_factor": [1]}""", ["has 1 numbers", "long_factor 0", "needs 64"]),
            ("llama", "rope_scaling", """{"rope_type": "longrope", "short_factor": [0], "long_factor": [1]}""", ["[0]", "greater than 0"]),
            ("gemma3_text", "sliding_window_pattern", "0", ["sliding_window_pattern is 0", "at least 1"]),
            ("gemma3_text", "query_pre_attn_scalar", "-1", ["query_pre_attn_scalar is -1"]),
            ("gemma3_text", "rope_local_base_freq", "\"x\"", ["rope_local_base_freq is \"x\"", "a number"]),
            ("gemma3_text", "sliding_window", "0", ["sliding window is 0"]),
            ("mixtral", "num_local_experts", "0", ["num_local_experts is 0", "at least 1"]),
            ("mixtral", "num_experts_per_tok", "9", ["num_experts_per_tok is 9", "has 8 experts", "from 1 to 8"]),
            ("mixtral", "num_experts_per_tok", "0", ["num_experts_per_tok is 0", "from 1 to 8"]),
            ("mixtral", "router_aux_loss_coef", "-1", ["router_aux_loss_coef is -1", "0 or greater"]),
            ("mixtral", "output_router_logits", "2", ["output_router_logits is 2", "true or false"]),
            ("qwen2_moe", "num_experts", "-1", ["num_experts is -1", "at least 1"]),
            ("qwen2_moe", "moe_intermediate_size", "0", ["width of an expert is 0"]),
            ("qwen2_moe", "shared_expert_intermediate_size", "-5", ["width of the shared expert is -5"]),
            ("qwen2_moe", "decoder_sparse_step", "0", ["decoder_sparse_step is 0", "at least 1"]),
            ("qwen2_moe", "mlp_only_layers", "[\"a\"]", ["mlp_only_layers", "a whole number"]),
            ("qwen3_moe", "num_experts_per_tok", "129", ["num_experts_per_tok is 129", "from 1 to 128"]),
        ];
        foreach ((string family, string key, string value, string[] words) in wrong)
        {
            string extra = key is "max_window_layers" or "layer_types" ? "\"use_sliding_window\": true, " : "";
            string json = $$"""{"model_type": "{{family}}", {{extra}}"{{key}}": {{value}}}""";
            yield return Of<InvalidDataException>(
                Parse, () => ModelConfig.Parse(json, "a.json"), ["a.json", .. words], $"{family}: {key} is {value}");
        }
        string[] unsupported = ["activation_function", "hidden_act"];
        foreach ((string key, string family) in unsupported.Zip(["gpt2", "llama"]))
            yield return Of<NotSupportedException>(
                Parse, () => ModelConfig.Parse($$"""{"model_type": "{{family}}", "{{key}}": "tanh"}""", "a.json"), ["'tanh'", "gelu_new"],
                $"{family}: {key}");
        (string Family, string Setting, string Words)[] lacking =
        [
            ("bert", "\"position_embedding_type\": \"relative_key\"", "'relative_key' are not supported"),
            ("gemma3_text", "\"use_bidirectional_attention\": true", "(use_bidirectional_attention) is not supported; set it to false"),
            ("mixtral", "\"router_jitter_noise\": 0.1", "(router_jitter_noise) is not supported; set it to 0"),
        ];
        foreach ((string family, string setting, string words) in lacking)
            yield return Of<NotSupportedException>(
                Parse, () => ModelConfig.Parse($$"""{"model_type": "{{family}}", {{setting}}}""", "a.json"), ["a.json", words],
                $"{family}: {setting}");
        yield return Of<NotSupportedException>(
            Parse, () => ModelConfig.Parse("""{"model_type": "llama", "rope_scaling": {"rope_type": "ntk"}}""", "a.json"),
            ["'ntk'", "llama3"]);
    }

    private static IEnumerable<BadInput> Copies() =>
    [
        .. new[] { ScalarType.Int64, ScalarType.Bool, ScalarType.Byte, ScalarType.ComplexFloat32, (ScalarType)99 }.Select(
            type => Of<ArgumentException>(
                "CausalLanguageModel.Copy", () => Network.Copy(type: type), [$"type is {type}", "Float32", "BFloat16"], $"as {type}")),
        Of<ArgumentException>("CausalLanguageModel.Copy", () => Network.Copy(META), ["device is meta", "cpu"]),
        Of<ArgumentException>(
            "CausalLanguageModel.Copy", () => Network.Copy(new Device(TorchSharp.DeviceType.CUDA, 99)), ["device is cuda:99", "cpu"]),
        Of<ArgumentException>("RewardModel.Copy", () => Scorer.Copy(type: ScalarType.Int32), ["type is Int32", "Float32"]),
        Of<ArgumentException>("RewardModel.Copy", () => Scorer.Copy(META), ["device is meta", "cpu"]),
        Of<ArgumentException>("ValueHead.Copy", () => Head.Copy(META), ["device is meta", "cpu"]),
        Of<ArgumentException>("LanguageModel.Copy", () => Language.Copy(META), ["device is meta", "cpu"]),
        Of<ArgumentException>("LanguageModel.Copy", () => Language.Copy(type: ScalarType.Int16), ["type is Int16", "Float32"]),
        Of<ArgumentException>(
            "TextRewardModel.Copy", () => Reward.Copy(new Device(TorchSharp.DeviceType.CUDA, 99)), ["device is cuda:99", "cpu"]),
        Of<ArgumentException>("TextRewardModel.Copy", () => Reward.Copy(type: ScalarType.Int8), ["type is Int8", "Float32"]),
        .. new[] { -0.1, 1, double.NaN }.Select(x => Of<ArgumentOutOfRangeException>(
            "CausalLanguageModel.SetDropout", () => Network.SetDropout(x, null), [$"probability ({Number(x)})", "below 1"], $"{x}")),
        .. new[] { -0.1, 1, double.NaN }.Select(x => Of<ArgumentOutOfRangeException>(
            "ValueHead.SetDropout", () => Head.SetDropout(x, null), [$"probability ({Number(x)})", "below 1"], $"{x}")),
        Of<ArgumentOutOfRangeException>("ValueHead.Create", () => ValueHead.Create(0, 1), ["hiddenSize", "'0'"]),
        Of<ArgumentOutOfRangeException>("ValueHead.Create", () => ValueHead.Create(-16, 1), ["hiddenSize", "'-16'"]),
        Of<ArgumentOutOfRangeException>(
            "ValueHead.Create", () => ValueHead.Create(16, 1, null, -1), ["initializerRange (-1)", "0 or greater"]),
        Of<ArgumentOutOfRangeException>("ValueHead.Create", () => ValueHead.Create(16, 1, null, double.NaN), ["initializerRange (NaN)"]),
        Of<ArgumentException>(
            "ValueHead.Create", () => ValueHead.Create(16, 1, (VHeadInitStrategy)7), ["initStrategy (7)", "one of Normal"]),
    ];

    private static IEnumerable<BadInput> References() =>
    [
        Null("ReferenceModelExtensions.CreateReferenceModel", "model", () => ((CausalLanguageModel)null!).CreateReferenceModel()),
        Reference<ArgumentOutOfRangeException>(() => Network.CreateReferenceModel(-1), "numSharedLayers (-1)", "0 and 1"),
        Reference<ArgumentOutOfRangeException>(() => Network.CreateReferenceModel(2), "numSharedLayers (2)", "0 and 1", "2 layers"),
        Reference<ArgumentException>(() => Network.CreateReferenceModel(null, "h.1"), "pattern ('h.1')", "set numSharedLayers too"),
        Reference<ArgumentException>(() => Network.CreateReferenceModel(1, "layers.{layer}"), "'layers.1'", "transformer."),
        Reference<ArgumentException>(() => Network.CreateReferenceModel(1, ""), "pattern", "empty"),
    ];

    private static BadInput Gpt2(Action act, params string[] words) =>
        Of<InvalidDataException>("Gpt2Family.Gpt2", act, words, string.Join(", ", words));

    private static BadInput Llama(Action act, params string[] words) =>
        Of<InvalidDataException>("LlamaFamily.Llama", act, words, string.Join(", ", words));

    private static BadInput Made(ModelConfig config, params string[] words) => Made<InvalidDataException>(config, words);

    private static BadInput Made<T>(ModelConfig config, params string[] words)
        where T : Exception => Of<T>(Create, () => CausalLanguageModel.Create(config, 1), words, string.Join(", ", words));

    private static BadInput Reference<T>(Action act, params string[] words)
        where T : ArgumentException => Of<T>("ReferenceModelExtensions.CreateReferenceModel", act, words, string.Join(", ", words));
}
