using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>Reads <c>config.json</c>; what is absent gets the default of the transformers library.</summary>
internal static class ModelConfigReader
{
    private static readonly string[] Activations = ["gelu_new", "gelu_pytorch_tanh", "gelu", "relu", "silu"];
    private static readonly string[] RopeTypes = ["default", "linear", "llama3"];

    public static ModelConfig Read(string json, string source)
    {
        Fields fields = Fields.Parse(json, source);
        string family = fields.Text("model_type")
            ?? throw new InvalidDataException($"{source} has no model_type; give the config.json of a causal language model.");
        ModelConfig config = family switch
        {
            "gpt2" => Gpt2(fields),
            "llama" or "mistral" or "qwen2" => Llama(fields, family),
            _ => throw new NotSupportedException($"{source} describes a '{family}' model; supported are gpt2, llama, mistral and qwen2."),
        };
        if (!Activations.Contains(config.Activation))
            throw new NotSupportedException($"{source}: the activation '{config.Activation}' is not supported; supported are {string.Join(", ", Activations)}.");
        return (config with
        {
            InitializerRange = fields.Number("initializer_range", 0.02),
            BosTokenId = fields.OptionalInteger("bos_token_id"),
            PadTokenId = fields.OptionalInteger("pad_token_id"),
            EosTokenIds = fields.Integers("eos_token_id"),
            Source = json,
        }).Validated(source);
    }

    /// <summary>The end tokens of a configuration file of any kind; none when it names none.</summary>
    public static IReadOnlyList<int> EndTokens(string json, string source) => Fields.Parse(json, source).Integers("eos_token_id");

    private static ModelConfig Gpt2(Fields fields)
    {
        if (fields.Flag("add_cross_attention", false))
            throw new NotSupportedException($"{fields.Source} asks for cross attention; only decoders without an encoder are supported.");
        int hidden = fields.Integer("n_embd", 768);
        int heads = fields.Integer("n_head", 12);
        return new ModelConfig
        {
            ModelType = "gpt2",
            VocabularySize = fields.Integer("vocab_size", 50257),
            HiddenSize = hidden,
            LayerCount = fields.Integer("n_layer", 12),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.OptionalInteger("n_inner") ?? (4 * hidden),
            ContextLength = fields.Integer("n_positions", 1024),
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation_function") ?? "gelu_new",
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            EmbeddingDropout = fields.Number("embd_pdrop", 0.1),
            AttentionDropout = fields.Number("attn_pdrop", 0.1),
            ResidualDropout = fields.Number("resid_pdrop", 0.1),
            ScaleAttention = fields.Flag("scale_attn_weights", true),
            ScaleAttentionByLayer = fields.Flag("scale_attn_by_inverse_layer_idx", false),
        };
    }

    private static ModelConfig Llama(Fields fields, string family)
    {
        int hidden = fields.Integer("hidden_size", 4096);
        int heads = fields.Integer("num_attention_heads", 32);
        bool attentionBias = fields.Flag("attention_bias", false);
        (int? window, IReadOnlyList<bool> windowed) = Window(fields, family);
        return new ModelConfig
        {
            ModelType = family,
            VocabularySize = fields.Integer("vocab_size", family == "qwen2" ? 151_936 : 32_000),
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 32),
            HeadCount = heads,
            KeyValueHeadCount = fields.OptionalInteger("num_key_value_heads") ?? (family == "mistral" ? 8 : heads),
            HeadSize = fields.OptionalInteger("head_dim") ?? (heads > 0 ? hidden / heads : 0),
            IntermediateSize = fields.Integer("intermediate_size", family switch { "llama" => 11_008, "mistral" => 14_336, _ => 22_016 }),
            ContextLength = fields.Integer("max_position_embeddings", family switch { "llama" => 2048, "mistral" => 131_072, _ => 32_768 }),
            NormEpsilon = fields.Number("rms_norm_eps", 1e-6),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
            Activation = fields.Text("hidden_act") ?? "silu",
            AttentionInputBias = family == "qwen2" || attentionBias,
            AttentionOutputBias = family != "qwen2" && attentionBias,
            FeedForwardBias = fields.Flag("mlp_bias", false),
            AttentionDropout = fields.Number("attention_dropout", 0),
            Rope = Rope(fields),
            SlidingWindow = window,
            WindowedLayers = windowed,
        };
    }

    private static (int? Window, IReadOnlyList<bool> Windowed) Window(Fields fields, string family)
    {
        int? window = family switch
        {
            "mistral" => fields.Has("sliding_window") ? fields.OptionalInteger("sliding_window") : 4096,
            "qwen2" when fields.Flag("use_sliding_window", false) => fields.OptionalInteger("sliding_window") ?? 4096,
            _ => null,
        };
        if (window is null || family == "mistral")
            return (window, []);
        if (fields.Object["layer_types"] is JsonArray types)
            return (window, [.. types.Select(type => type?.ToString() == "sliding_attention")]);
        int first = fields.Integer("max_window_layers", 28);
        return (window, [.. Enumerable.Range(0, fields.Integer("num_hidden_layers", 32)).Select(layer => layer >= first)]);
    }

    /// <summary>transformers 5 has one object <c>rope_parameters</c>; 4 has <c>rope_theta</c> beside an optional <c>rope_scaling</c>.</summary>
    private static RopeSettings Rope(Fields fields)
    {
        Fields nested = fields.Nested("rope_parameters") ?? fields.Nested("rope_scaling") ?? fields.Nothing();
        string type = nested.Text("rope_type") ?? nested.Text("type") ?? "default";
        if (!RopeTypes.Contains(type))
            throw new NotSupportedException($"{fields.Source}: rotary positions of type '{type}' are not supported; supported are {string.Join(", ", RopeTypes)}.");
        RopeSettings rope = new()
        {
            Theta = nested.Number("rope_theta", fields.Number("rope_theta", 10_000)),
            Type = type,
            Factor = nested.Number("factor", 1),
            LowFrequencyFactor = nested.Number("low_freq_factor", 1),
            HighFrequencyFactor = nested.Number("high_freq_factor", 4),
            OriginalContextLength = nested.Integer("original_max_position_embeddings", 8192),
        };
        if (rope.Theta <= 0 || rope.Factor <= 0 || rope.HighFrequencyFactor <= rope.LowFrequencyFactor || rope.LowFrequencyFactor <= 0)
            throw new InvalidDataException($"{fields.Source}: the rotary settings {rope} need positive numbers and a high_freq_factor above the low_freq_factor.");
        return rope;
    }

    /// <summary>A JSON object whose fields are read with their kind checked.</summary>
    private sealed record Fields(JsonObject Object, string Source)
    {
        public static Fields Parse(string json, string source)
        {
            try
            {
                return new Fields(JsonNode.Parse(json, documentOptions: new() { AllowDuplicateProperties = false }) as JsonObject ?? throw new InvalidDataException($"{source} is not a JSON object."), source);
            }
            catch (JsonException error)
            {
                throw new InvalidDataException($"{source} is not JSON: {error.Message}", error);
            }
        }

        public bool Has(string key) => Object.ContainsKey(key);

        public Fields Nothing() => new([], Source);

        public Fields? Nested(string key) => Object[key] switch
        {
            null => null,
            JsonObject nested => new Fields(nested, $"{Source}, {key}"),
            JsonNode other => throw Wrong(key, other, "an object"),
        };

        public string? Text(string key) => Object[key] switch
        {
            null => null,
            JsonValue value when value.TryGetValue(out string? text) => text,
            JsonNode other => throw Wrong(key, other, "a text"),
        };

        public bool Flag(string key, bool otherwise) => Object[key] switch
        {
            null => otherwise,
            JsonValue value when value.TryGetValue(out bool flag) => flag,
            JsonNode other => throw Wrong(key, other, "true or false"),
        };

        public double Number(string key, double otherwise) => Object[key] switch
        {
            null => otherwise,
            JsonValue value when value.TryGetValue(out double number) && double.IsFinite(number) => number,
            JsonNode other => throw Wrong(key, other, "a number"),
        };

        public int Integer(string key, int otherwise) => OptionalInteger(key) ?? otherwise;

        public int? OptionalInteger(string key) => Object[key] is { } node ? Whole(key, node) : null;

        public IReadOnlyList<int> Integers(string key) => Object[key] switch
        {
            null => [],
            JsonArray many => [.. many.Select(node => Whole(key, node ?? throw Wrong(key, many, "whole numbers")))],
            JsonNode one => [Whole(key, one)],
        };

        private int Whole(string key, JsonNode node)
        {
            if (node is JsonValue value)
            {
                if (value.TryGetValue(out int whole))
                    return whole;
                if (value.TryGetValue(out double number) && number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue)
                    return (int)number; // some files write 8192.0
            }
            throw Wrong(key, node, "a whole number");
        }

        private InvalidDataException Wrong(string key, JsonNode node, string allowed) =>
            new($"{Source}: {key} is {node.ToJsonString()}; {allowed} is allowed.");
    }
}
