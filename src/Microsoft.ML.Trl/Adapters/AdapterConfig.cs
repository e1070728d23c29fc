using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>PEFT's <c>adapter_config.json</c>.</summary>
internal static class AdapterConfig
{
    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // initializations that change the base, or that only say how the values that are in the file were found
    private static readonly string[] Harmless = ["gaussian", "eva", "orthogonal"];

    // keys that mean nothing where the adapter is only used, or that have a value although they mean nothing
    private static readonly string[] Ignored =
    [
        "base_model_name_or_path", "revision", "peft_version", "inference_mode", "task_type", "auto_mapping", "fan_in_fan_out",
        "megatron_core", "qalora_group_size", "loftq_config",
    ];

    /// <summary>The configuration of an adapter.</summary>
    /// <param name="adapter">Its options.</param>
    /// <param name="model">What it stands beside.</param>
    /// <param name="baseModel">Where the base is; null = not said.</param>
    public static string Write(LoraAdapter adapter, DecoderModel model, string? baseModel)
    {
        LoraOptions options = adapter.Options;
        bool isDoubled = options.InitLoraWeights == LoraInitialization.Pissa; // what it began with is saved as a part of it
        int times = isDoubled ? 2 : 1;
        double alphas = isDoubled ? (options.UseRslora ? Math.Sqrt(2) : 2) : 1;
        JsonObject json = new()
        {
            ["alora_invocation_tokens"] = null,
            ["alpha_pattern"] = Dictionary(options.AlphaPattern, alpha => Number(alpha * alphas)),
            ["arrow_config"] = null,
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = baseModel,
            ["bias"] = Name(options.Bias),
            ["corda_config"] = null,
            ["ensure_weight_tying"] = false,
            ["eva_config"] = null,
            ["exclude_modules"] = List(options.ExcludeModules),
            ["fan_in_fan_out"] = adapter.Parts.Any(at => at.Layer.Layout == WeightLayout.InputsByOutputs),
            ["inference_mode"] = true,
            ["init_lora_weights"] = options.InitLoraWeights switch
            {
                LoraInitialization.Gaussian => "gaussian",
                LoraInitialization.Random => false,
                _ => true,
            },
            ["layer_replication"] = null,
            ["layers_pattern"] = null,
            ["layers_to_transform"] =
                options.LayersToTransform is { } layers ? new JsonArray([.. layers.Select(layer => (JsonNode)layer)]) : null,
            ["loftq_config"] = new JsonObject(),
            ["lora_alpha"] = Number(options.LoraAlpha * alphas),
            ["lora_bias"] = false,
            ["lora_dropout"] = options.LoraDropout,
            ["lora_ga_config"] = null,
            ["megatron_config"] = null,
            ["megatron_core"] = "megatron.core",
            ["modules_to_save"] = List(options.ModulesToSave),
            ["monteclora_config"] = null,
            ["peft_type"] = "LORA",
            ["peft_version"] = "0.20.0",
            ["qalora_group_size"] = 16,
            ["r"] = options.R * times,
            ["rank_pattern"] = Dictionary(options.RankPattern, rank => rank * times),
            ["revision"] = null,
            ["target_modules"] = Targets(adapter, model),
            ["target_parameters"] = null,
            ["task_type"] = model.Config.IsEncoderDecoder ? "SEQ_2_SEQ_LM"
                : model is CausalLanguageModel || options.ModulesToSave is null ? "CAUSAL_LM" : "SEQ_CLS",
            ["trainable_token_indices"] = null,
            ["use_bdlora"] = null,
            ["use_dora"] = options.UseDora,
            ["use_qalora"] = false,
            ["use_rslora"] = options.UseRslora,
            ["velora_config"] = null,
        };
        return json.ToJsonString(Indented);
    }

    /// <summary>Reads one.</summary>
    /// <param name="text">The file.</param>
    /// <param name="source">What it is, for messages.</param>
    /// <exception cref="InvalidDataException">It is no such file, or a number is out of range.</exception>
    /// <exception cref="NotSupportedException">It is of another kind of adapter, or asks for what is not supported.</exception>
    public static LoraOptions Read(string text, string source)
    {
        JsonFields fields = JsonFields.Parse(text, source);
        if (fields.Text("peft_type") is var kind && kind != "LORA")
            throw new NotSupportedException($"{source}: adapters of type '{kind}' are not supported (peft_type); LORA is.");
        RequireKnown(fields);
        JsonNode? targets = fields.Object["target_modules"];
        string? pattern = targets is JsonValue && fields.Text("target_modules") is var one && one != LoraOptions.AllLinear ? one : null;
        LoraOptions options = new()
        {
            R = fields.Integer("r", 8),
            LoraAlpha = fields.Number("lora_alpha", 8),
            LoraDropout = fields.Number("lora_dropout", 0),
            TargetModules = pattern is not null ? null : targets is JsonValue ? [LoraOptions.AllLinear] : Names(fields, "target_modules"),
            TargetPattern = pattern,
            ExcludeModules = Names(fields, "exclude_modules"),
            LayersToTransform = fields.Integers("layers_to_transform") is { Count: > 0 } layers ? layers : null,
            RankPattern = Patterns(fields, "rank_pattern", (numbers, key) => numbers.Integer(key, 0)),
            AlphaPattern = Patterns(fields, "alpha_pattern", (numbers, key) => numbers.Number(key, 0)),
            Bias = fields.Text("bias") switch
            {
                null or "none" => LoraBias.None,
                "all" => LoraBias.All,
                "lora_only" => LoraBias.LoraOnly,
                string other => throw new InvalidDataException($"{source}: bias is '{other}'; none, all and lora_only are allowed."),
            },
            ModulesToSave = Names(fields, "modules_to_save"),
            UseRslora = fields.Flag("use_rslora", false),
            UseDora = fields.Flag("use_dora", false),
            InitLoraWeights = Initialization(fields),
        };
        try
        {
            return options.Validated();
        }
        catch (ArgumentException cause)
        {
            throw new InvalidDataException($"{source}: {cause.Message}", cause);
        }
    }

    private static LoraInitialization Initialization(JsonFields fields) => fields.Object["init_lora_weights"] switch
    {
        null => LoraInitialization.Default,
        JsonValue value when value.TryGetValue(out bool usual) => usual ? LoraInitialization.Default : LoraInitialization.Random,
        JsonValue value when value.TryGetValue(out string? how) && Harmless.Contains(how) => LoraInitialization.Default,
        JsonValue value when value.TryGetValue(out string? how) && how == "pissa" => LoraInitialization.Pissa,
        JsonNode other => throw new NotSupportedException(
            $"{fields.Source}: init_lora_weights {other.ToJsonString()} changed the base when the adapter was made, which cannot be done "
            + "again here; convert the adapter to LoRA with PEFT (path_initial_model_for_weight_conversion) and save it again."),
    };

    /// <summary>Refuses a key that asks for something and is not read.</summary>
    private static void RequireKnown(JsonFields fields)
    {
        string[] read =
        [
            "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform", "rank_pattern",
            "alpha_pattern", "bias", "modules_to_save", "use_rslora", "use_dora", "init_lora_weights", .. Ignored,
        ];
        foreach ((string key, JsonNode? value) in fields.Object)
            if (!read.Contains(key) && !IsNothing(value))
                throw new NotSupportedException(
                    $"{fields.Source}: {key} is {value!.ToJsonString()}, which is not supported; merge the adapter into its base with PEFT "
                    + "(merge_and_unload) and load the whole model.");
    }

    private static bool IsNothing(JsonNode? value) => value switch
    {
        null => true,
        JsonObject nested => nested.Count == 0,
        JsonArray many => many.Count == 0,
        JsonValue one => one.TryGetValue(out bool flag) && !flag,
        _ => false,
    };

    private static IReadOnlyList<string>? Names(JsonFields fields, string key) => fields.Object[key] switch
    {
        null => null,
        JsonArray { Count: 0 } => null,
        JsonArray many when many.All(name => name is JsonValue text && text.TryGetValue(out string? _)) =>
            [.. many.Select(name => name!.GetValue<string>())],
        JsonNode other => throw new NotSupportedException(
            $"{fields.Source}: {key} is {other.ToJsonString()}; a list of names is supported."),
    };

    private static Dictionary<string, T>? Patterns<T>(JsonFields fields, string key, Func<JsonFields, string, T> number) =>
        fields.Nested(key) is { Object.Count: > 0 } numbers
            ? numbers.Object.ToDictionary(pair => pair.Key, pair => number(numbers, pair.Key))
            : null;

    /// <summary>The names that were given; of layers that were chosen otherwise, their paths, as PEFT writes them.</summary>
    private static JsonNode? Targets(LoraAdapter adapter, DecoderModel model)
    {
        if (adapter.Options.TargetPattern is { } pattern)
            return pattern;
        IReadOnlyList<string> names = adapter.Options.TargetModules ?? model.Config.Family.AdapterTargets;
        return List(names.Contains(LoraOptions.AllLinear) ? [.. adapter.Parts.Select(at => at.Path)] : names);
    }

    private static JsonArray? List(IReadOnlyList<string>? names) =>
        names is null ? null : new JsonArray([.. names.Select(name => (JsonNode)name)]);

    private static JsonObject Dictionary<T>(IReadOnlyDictionary<string, T>? values, Func<T, JsonNode> write) =>
        new((values ?? new Dictionary<string, T>()).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)write(pair.Value))));

    private static JsonNode Number(double value) => value == Math.Floor(value) && Math.Abs(value) < int.MaxValue ? (int)value : value;

    private static string Name(LoraBias bias) => bias switch
    {
        LoraBias.All => "all",
        LoraBias.LoraOnly => "lora_only",
        _ => "none",
    };
}
