using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The metadata of a GGUF file that say what <c>config.json</c> says.</summary>
internal static class GgufConfig
{
    public const string ArchitectureKey = "general.architecture";
    public const string BosKey = "tokenizer.ggml.bos_token_id", EosKey = "tokenizer.ggml.eos_token_id";
    public const string PadKey = "tokenizer.ggml.padding_token_id", EotKey = "tokenizer.ggml.eot_token_id";
    private const string OriginalContext = "rope.scaling.original_context_length";

    /// <summary>LLaMA 3's bounds; a file holds only what they lead to.</summary>
    private const double LowFactor = 1, HighFactor = 4;

    private const int Llama3Context = 8192;
    private const double FactorTolerance = 1e-3;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="InvalidDataException">A value is missing or makes no sense; the message names it.</exception>
    /// <exception cref="NotSupportedException">The model has parts that this library does not.</exception>
    public static ModelConfig Read(GgufFile file, GgufArchitecture architecture)
    {
        GgufMetadata data = file.Metadata;
        string Key(string key) => $"{architecture.Name}.{key}";
        if (data.Integer(Key("expert_count")) > 0)
            throw new NotSupportedException(
                $"'{file.Source}' holds a model with experts, which are not read from GGUF; take the folder of the same model from "
                + "Hugging Face.");
        if (file.Find(GgufArchitecture.Embedding) is not { Shape: [long tokens, _] } || tokens > int.MaxValue)
            throw new InvalidDataException($"'{file.Source}' has no matrix {GgufArchitecture.Embedding}; is it a whole model?");
        int hidden = data.RequiredInteger(Key("embedding_length")), heads = data.RequiredInteger(Key("attention.head_count"));
        JsonObject json = new()
        {
            ["model_type"] = architecture.ModelType,
            ["vocab_size"] = tokens,
            ["hidden_size"] = hidden,
            ["num_hidden_layers"] = data.RequiredInteger(Key("block_count")),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = data.Integer(Key("attention.head_count_kv")) ?? heads,
            ["intermediate_size"] = data.RequiredInteger(Key("feed_forward_length")),
            ["max_position_embeddings"] = data.RequiredInteger(Key("context_length")),
            ["rms_norm_eps"] = data.Number(Key("attention.layer_norm_rms_epsilon")),
            ["tie_word_embeddings"] = file.Find(GgufArchitecture.Output) is null,
            [architecture.NormsCountFromOne ? "hidden_activation" : "hidden_act"] = architecture.Activation,
            ["attention_bias"] = file.Find("blk.0.attn_q.bias") is not null,
            ["mlp_bias"] = file.Find("blk.0.ffn_up.bias") is not null,
            ["sliding_window"] = data.Integer(Key("attention.sliding_window")) is > 0 and int window ? window : null,
            ["rope_theta"] = data.Number(Key("rope.freq_base")) ?? 10_000,
            ["bos_token_id"] = data.Integer(BosKey),
            ["pad_token_id"] = data.Integer(PadKey),
            ["eos_token_id"] = new JsonArray(
                [.. new[] { data.Integer(EosKey), data.Integer(EotKey) }.OfType<int>().Distinct().Select(id => (JsonNode)id)]),
        };
        int headSize = data.Integer(Key("attention.key_length")) ?? (heads > 0 ? hidden / heads : 0);
        if (headSize * (long)heads != hidden || architecture.NormsCountFromOne)
            json["head_dim"] = headSize;
        AddRotated(json, data, Key("rope.dimension_count"), headSize, architecture);
        if (RopeScaling(file, Key, headSize) is { } scaling)
            json["rope_scaling"] = scaling;
        return ModelConfig.Parse(json.ToJsonString(), $"The metadata of '{file.Source}'");
    }

    /// <summary>The metadata of a configuration.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would compute something else; the message says what.</exception>
    public static List<KeyValuePair<string, object>> Write(ModelConfig config, GgufArchitecture architecture)
    {
        CheckKnown(config, architecture);
        List<KeyValuePair<string, object>> data = [new(ArchitectureKey, architecture.Name)];
        void Add(string key, object value) => data.Add(new($"{architecture.Name}.{key}", value));
        Add("vocab_size", (uint)config.VocabularySize);
        Add("context_length", (uint)config.ContextLength);
        Add("embedding_length", (uint)config.HiddenSize);
        Add("block_count", (uint)config.LayerCount);
        Add("feed_forward_length", (uint)config.IntermediateSize);
        Add("attention.head_count", (uint)config.HeadCount);
        Add("attention.head_count_kv", (uint)config.KeyValueHeadCount);
        Add("attention.key_length", (uint)config.HeadSize);
        Add("attention.value_length", (uint)config.HeadSize);
        Add("attention.layer_norm_rms_epsilon", (float)config.NormEpsilon);
        if (architecture.HasWindows)
            Add("attention.sliding_window", (uint)(config.SlidingWindow ?? 0));
        RopeSettings rope = config.Rope!;
        Add("rope.dimension_count", (uint)(config.RotaryDimensions ?? config.HeadSize));
        Add("rope.freq_base", (float)rope.Theta);
        if (rope.Type is "linear" or "yarn")
        {
            Add("rope.scaling.type", rope.Type);
            Add("rope.scaling.factor", (float)rope.Factor);
        }
        if (rope.Type is "llama3" or "yarn")
            Add(OriginalContext, (uint)rope.OriginalContextLength);
        return data;
    }

    /// <summary>How much slower LLaMA 3's scaling turns each pair of dimensions, for <c>rope_freqs</c>; null without it.</summary>
    public static float[]? RopeFactors(ModelConfig config)
    {
        if (config.Rope is not { Type: "llama3" } rope)
            return null;
        float[] plain = (rope with { Type = "default" }).Frequencies(config.HeadSize), slowed = rope.Frequencies(config.HeadSize);
        return [.. plain.Zip(slowed, (before, after) => before / after)];
    }

    private static void AddRotated(JsonObject json, GgufMetadata data, string key, int headSize, GgufArchitecture architecture)
    {
        if (data.Integer(key) is not { } turned || turned == headSize || headSize == 0)
            return;
        if (!architecture.HasWindows)
            throw new NotSupportedException(
                $"'{data.Source}': {key} is {turned}, but a head has {headSize} dimensions; '{architecture.Name}' models turn all.");
        double share = (double)turned / headSize;
        json["partial_rotary_factor"] = (int)(share * headSize) == turned ? share : Math.BitIncrement(share);
    }

    private static JsonObject? RopeScaling(GgufFile file, Func<string, string> key, int headSize)
    {
        GgufMetadata data = file.Metadata;
        double theta = data.Number(key("rope.freq_base")) ?? 10_000, factor = data.Number(key("rope.scaling.factor")) ?? 1;
        if (file.Find("rope_factors_long.weight") is not null)
            throw new NotSupportedException(
                $"'{file.Source}' has rotary factors of longrope, which are not read from GGUF; take the folder of the same model.");
        return data.Text(key("rope.scaling.type")) switch
        {
            null or "none" when file.Find(GgufArchitecture.RopeFactors) is not null =>
                Llama3(file, theta, data.Integer(key(OriginalContext)) ?? Llama3Context, headSize),
            null or "none" => data.Number(key("rope.scale_linear")) is { } linear && linear != 1
                ? new() { ["rope_type"] = "linear", ["factor"] = linear }
                : null,
            "linear" => new() { ["rope_type"] = "linear", ["factor"] = factor },
            "yarn" => new()
            {
                ["rope_type"] = "yarn",
                ["factor"] = factor,
                ["original_max_position_embeddings"] = data.Integer(key(OriginalContext)) ?? data.Integer(key("context_length")),
            },
            string other => throw new NotSupportedException(
                $"'{file.Source}': rotary scaling of type '{other}' is not supported; supported are none, linear, yarn and LLaMA 3's."),
        };
    }

    /// <summary>The settings that lead to the factors in the file, with the bounds of all published models.</summary>
    private static JsonObject Llama3(GgufFile file, double theta, int context, int headSize)
    {
        using Tensor stored = file.Take(GgufArchitecture.RopeFactors, ScalarType.Float32);
        float[] factors = stored.NumberOfElements is > 0 and <= RopeSettings.WidestHead ? stored.data<float>().ToArray() : [];
        if (factors.Length == 0 || factors.Length * 2 != headSize || !factors.All(float.IsFinite))
            throw new InvalidDataException(
                $"'{file.Source}': {GgufArchitecture.RopeFactors} has {stored.NumberOfElements} values instead of {headSize / 2} numbers.");
        RopeSettings rope = new()
        {
            Theta = theta,
            Type = "llama3",
            Factor = Math.Round(factors.Max(), 4),
            LowFrequencyFactor = LowFactor,
            HighFrequencyFactor = HighFactor,
            OriginalContextLength = context,
        };
        float[] plain = (rope with { Type = "default" }).Frequencies(headSize), slowed = rope.Frequencies(headSize);
        for (int i = 0; i < factors.Length; i++)
            if (!(Math.Abs((plain[i] / slowed[i]) - factors[i]) <= FactorTolerance * factors[i]))
                throw new NotSupportedException(
                    $"'{file.Source}': {GgufArchitecture.RopeFactors} is not what LLaMA 3's scaling by {rope.Factor} from {context} tokens "
                    + "gives; take the folder of the same model from Hugging Face.");
        JsonObject json = [];
        RopeJson.Write(rope, json);
        return (JsonObject)json["rope_scaling"]!.DeepClone();
    }

    private static void CheckKnown(ModelConfig config, GgufArchitecture architecture)
    {
        string? reason = config switch
        {
            { SlidingWindow: { } window } when !architecture.HasWindows && window < config.ContextLength =>
                $"a window of {window} tokens in a context of {config.ContextLength}; shorten the context (max_position_embeddings) to it",
            _ when config.Activation != architecture.Activation && !(config.Activation == "gelu_new" && architecture.NormsCountFromOne) =>
                $"the activation {config.Activation} instead of {architecture.Activation}",
            { Rope.Type: "longrope" } => "rotary positions of the type longrope",
            { Rope: { AttentionFactor: not null } or { Mscale: not null } or { Truncate: false } } =>
                "an attention factor, mscale or truncate of rotary positions of its own",
            _ => null,
        };
        if (reason is not null)
            throw new NotSupportedException(
                $"This '{config.ModelType}' model cannot be written as GGUF: it has {reason}, and llama.cpp would compute something else.");
    }
}
