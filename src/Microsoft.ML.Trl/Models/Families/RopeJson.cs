using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Rotary positions in <c>config.json</c>. transformers 5 has one object <c>rope_parameters</c>; 4 has <c>rope_theta</c> beside an optional
/// <c>rope_scaling</c>.
/// </summary>
internal static class RopeJson
{
    /// <param name="fields">The whole configuration.</param>
    /// <param name="thetaKey">Name of the base in transformers 4.</param>
    /// <param name="otherwise">The base where the file has none.</param>
    public static RopeSettings Read(JsonFields fields, string thetaKey = "rope_theta", double otherwise = 10_000)
    {
        JsonFields nested = fields.Nested("rope_parameters") ?? fields.Nested("rope_scaling") ?? fields.Nothing();
        string type = nested.Text("rope_type") ?? nested.Text("type") ?? "default";
        int context = fields.Integer("max_position_embeddings", 2048);
        if (nested.Object["mscale"] is not null || nested.Object["mscale_all_dim"] is not null)
            throw new NotSupportedException($"{fields.Source}: rotary positions with mscale are not supported; set attention_factor.");
        return new RopeSettings
        {
            Theta = nested.Number("rope_theta", fields.Number(thetaKey, otherwise)),
            Type = type,
            Factor = nested.Number("factor", 1),
            LowFrequencyFactor = nested.Number("low_freq_factor", 1),
            HighFrequencyFactor = nested.Number("high_freq_factor", 4),
            OriginalContextLength = nested.Integer("original_max_position_embeddings", type == "yarn" ? context : 8192),
            BetaFast = nested.Number("beta_fast", 32),
            BetaSlow = nested.Number("beta_slow", 1),
            AttentionFactor = nested.Object["attention_factor"] is null ? null : nested.Number("attention_factor", 1),
        };
    }

    /// <summary>The share of a head's dimensions that is turned, by its names in transformers 5 and 4.</summary>
    public static double Share(JsonFields fields, string key, double otherwise) =>
        fields.Nested("rope_parameters")?.Number("partial_rotary_factor", double.NaN) is { } share && !double.IsNaN(share)
            ? share
            : fields.Number(key, otherwise);

    public static void Write(RopeSettings rope, JsonObject json, string thetaKey = "rope_theta")
    {
        JsonObject? settings = rope.Type == "default" ? null : new JsonObject { ["rope_type"] = rope.Type, ["factor"] = rope.Factor };
        if (rope.Type == "llama3")
        {
            settings!["low_freq_factor"] = rope.LowFrequencyFactor;
            settings["high_freq_factor"] = rope.HighFrequencyFactor;
        }
        if (rope.Type == "yarn")
        {
            settings!["beta_fast"] = rope.BetaFast;
            settings["beta_slow"] = rope.BetaSlow;
            if (rope.AttentionFactor is { } factor)
                settings["attention_factor"] = factor;
        }
        if (rope.Type is "llama3" or "yarn")
            settings!["original_max_position_embeddings"] = rope.OriginalContextLength;
        if (json["rope_parameters"] is JsonObject before)
        {
            settings ??= new JsonObject { ["rope_type"] = rope.Type };
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
        }
    }
}
