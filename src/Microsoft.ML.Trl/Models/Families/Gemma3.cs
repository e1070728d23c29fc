using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>
/// The text model of Gemma 3: Gemma 2's parts with norms on queries and keys in place of soft caps, five blocks with a window and a rotary
/// base of their own to one that sees everything: arXiv:2503.19786.
/// </summary>
internal static class Gemma3Family
{
    private const string Whole = "full_attention", Windowed = "sliding_attention", LocalTheta = "rope_local_base_freq";

    public static ModelFamily Definition { get; } = GemmaFamily.Create(
        "gemma3_text", "Gemma3", Read, Write, new GemmaFamily.Layout(HasNormsBehind: true, HasHeadNorms: true)) with
    {
        ClassifierArchitecture = "Gemma3TextForSequenceClassification",
    };

    private static ModelConfig Read(JsonFields fields)
    {
        if (fields.Flag("use_bidirectional_attention", false))
            throw new NotSupportedException(
                $"{fields.Source}: attention in both directions (use_bidirectional_attention) is not supported; set it to false.");
        int layers = fields.Integer("num_hidden_layers", 26), pattern = Pattern(fields);
        (RopeSettings whole, RopeSettings windowed) = ReadRope(fields);
        return GemmaFamily.ReadShared(fields, Definition, intermediate: 9216) with
        {
            VocabularySize = fields.Integer("vocab_size", 262_208),
            HiddenSize = fields.Integer("hidden_size", 2304),
            LayerCount = layers,
            HeadCount = fields.Integer("num_attention_heads", 8),
            KeyValueHeadCount = fields.Integer("num_key_value_heads", 4),
            ContextLength = fields.Integer("max_position_embeddings", 131_072),
            SlidingWindow = fields.Has("sliding_window") ? fields.OptionalInteger("sliding_window") : 4096,
            WindowedLayers = fields.LayerTypes() ?? new LayerPattern(layers, layer => (layer + 1) % pattern != 0),
            AttentionSoftCap = fields.OptionalNumber("attn_logit_softcapping"),
            LogitSoftCap = fields.OptionalNumber("final_logit_softcapping"),
            Rope = whole,
            Own = new GemmaFamily.Settings(GemmaFamily.ScoreScalar(fields), windowed),
        };
    }

    private static int Pattern(JsonFields fields)
    {
        int pattern = fields.OptionalInteger("sliding_window_pattern") ?? fields.Integer("_sliding_window_pattern", 6);
        return pattern > 0 ? pattern : throw new InvalidDataException(
            $"{fields.Source}: sliding_window_pattern is {pattern}; it must be at least 1: every so many blocks one has no window.");
    }

    /// <summary>transformers 5 has an object for each kind of block; 4 a base for each, and a scaling of those without a window.</summary>
    private static (RopeSettings Whole, RopeSettings Windowed) ReadRope(JsonFields fields)
    {
        JsonFields? both = fields.Nested("rope_parameters");
        JsonFields whole = both?.Nested(Whole) ?? fields.Nested("rope_scaling") ?? fields.Nothing();
        return (
            RopeJson.Read(fields, whole, fields.Number("rope_theta", 1_000_000)),
            RopeJson.Read(fields, both?.Nested(Windowed) ?? fields.Nothing(), fields.Number(LocalTheta, 10_000)));
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        JsonObject? both = json["rope_parameters"] as JsonObject;
        json.Remove("rope_parameters");
        GemmaFamily.WriteGemma2(config, json);
        RopeSettings windowed = ((GemmaFamily.Settings)config.Own!).WindowedRope!;
        if (both is not null || windowed.Type != "default")
        {
            foreach (string key in new[] { "rope_theta", "rope_scaling" })
                json.Remove(key);
            json["rope_parameters"] = new JsonObject { [Windowed] = Settings(windowed), [Whole] = Settings(config.Rope!) };
        }
        else
        {
            json[LocalTheta] = windowed.Theta;
        }
    }

    private static JsonObject Settings(RopeSettings rope)
    {
        JsonObject settings = RopeJson.Settings(rope);
        settings["rope_theta"] = rope.Theta;
        return settings;
    }
}
