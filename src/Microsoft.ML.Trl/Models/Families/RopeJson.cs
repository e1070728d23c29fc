using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Rotary positions in <c>config.json</c>. transformers 5 has one object <c>rope_parameters</c>; 4 has <c>rope_theta</c> beside an optional
/// <c>rope_scaling</c>.
/// </summary>
internal static class RopeJson
{
    private const string Original = "original_max_position_embeddings";

    /// <param name="fields">The whole configuration.</param>
    /// <param name="thetaKey">Name of the base in transformers 4.</param>
    /// <param name="otherwise">The base where the file has none.</param>
    public static RopeSettings Read(JsonFields fields, string thetaKey = "rope_theta", double otherwise = 10_000) => Read(
        fields, fields.Nested("rope_parameters") ?? fields.Nested("rope_scaling") ?? fields.Nothing(), fields.Number(thetaKey, otherwise));

    /// <param name="fields">The whole configuration.</param>
    /// <param name="nested">The settings in it.</param>
    /// <param name="theta">The base where they have none.</param>
    public static RopeSettings Read(JsonFields fields, JsonFields nested, double theta)
    {
        string type = nested.Text("rope_type") ?? nested.Text("type") ?? "default";
        if (type == "su" || (type == "yarn" && nested.Has("short_factor")))
            type = "longrope"; // what the first files of Phi-3 call it
        int context = fields.Integer("max_position_embeddings", 2048);
        int original = nested.OptionalInteger(Original) ?? type switch
        {
            "yarn" => context,
            "longrope" => fields.Integer(Original, context),
            _ => 8192,
        };
        return new RopeSettings
        {
            Theta = nested.Number("rope_theta", theta),
            Type = type,
            Factor = nested.Number("factor", type is "yarn" or "longrope" && original > 0 ? (double)context / original : 1),
            LowFrequencyFactor = nested.Number("low_freq_factor", 1),
            HighFrequencyFactor = nested.Number("high_freq_factor", 4),
            OriginalContextLength = original,
            BetaFast = nested.Number("beta_fast", 32),
            BetaSlow = nested.Number("beta_slow", 1),
            Truncate = nested.Flag("truncate", true),
            AttentionFactor = nested.OptionalNumber("attention_factor"),
            Mscale = nested.OptionalNumber("mscale"),
            MscaleAllDim = nested.OptionalNumber("mscale_all_dim"),
            ShortFactor = nested.Numbers("short_factor"),
            LongFactor = nested.Numbers("long_factor"),
        };
    }

    /// <summary>The share of a head's dimensions that is turned, by its names in transformers 5 and 4.</summary>
    public static double Share(JsonFields fields, string key, double otherwise) =>
        fields.Nested("rope_parameters")?.Number("partial_rotary_factor", double.NaN) is { } share && !double.IsNaN(share)
            ? share
            : fields.Number(key, otherwise);

    public static void Write(RopeSettings rope, JsonObject json, string thetaKey = "rope_theta")
    {
        JsonObject? settings = rope.Type == "default" ? null : Settings(rope);
        if (json["rope_parameters"] is JsonObject before)
        {
            settings ??= Settings(rope);
            settings["rope_theta"] = rope.Theta;
            if (before["partial_rotary_factor"] is { } share)
                settings["partial_rotary_factor"] = share.DeepClone();
            json["rope_parameters"] = settings;
        }
        else
        {
            json[thetaKey] = rope.Theta;
            if (settings is not null || json.ContainsKey("rope_scaling"))
                json["rope_scaling"] = settings;
            if (rope.Type == "longrope")
                json[Original] = rope.OriginalContextLength; // where transformers 4 looks for it
        }
    }

    /// <summary>The settings of a type in an object of their own, without the base.</summary>
    public static JsonObject Settings(RopeSettings rope)
    {
        JsonObject settings = new() { ["rope_type"] = rope.Type };
        if (rope.Type != "default")
            settings["factor"] = rope.Factor;
        void Add(string key, double? value)
        {
            if (value is { } number)
                settings[key] = number;
        }
        switch (rope.Type)
        {
            case "llama3":
                settings["low_freq_factor"] = rope.LowFrequencyFactor;
                settings["high_freq_factor"] = rope.HighFrequencyFactor;
                break;
            case "yarn":
                settings["beta_fast"] = rope.BetaFast;
                settings["beta_slow"] = rope.BetaSlow;
                if (!rope.Truncate)
                    settings["truncate"] = false;
                Add("attention_factor", rope.AttentionFactor);
                Add("mscale", rope.Mscale);
                Add("mscale_all_dim", rope.MscaleAllDim);
                break;
            case "longrope":
                settings["short_factor"] = Numbers(rope.ShortFactor);
                settings["long_factor"] = Numbers(rope.LongFactor);
                Add("attention_factor", rope.AttentionFactor);
                break;
        }
        if (rope.Type is "llama3" or "yarn" or "longrope")
            settings[Original] = rope.OriginalContextLength;
        return settings;
    }

    private static JsonArray Numbers(IReadOnlyList<double> values) => new([.. values.Select(value => (JsonNode)value)]);
}
