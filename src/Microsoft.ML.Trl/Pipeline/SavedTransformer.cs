using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The small facts of a saved transformer; unknown or missing ones are an error.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record SavedTransformer
{
    public const string Entry = "transformer.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, RespectNullableAnnotations = true };

    private static readonly ScalarType[] WeightTypes =
        [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];

    /// <summary>Null where no prompt is read.</summary>
    public required string? PromptColumnName { get; init; }

    /// <summary>What is written or scored; the text of a classifier.</summary>
    public required string CompletionColumnName { get; init; }

    /// <summary>Null in a text generator that takes the name from the reward model upstream.</summary>
    public string? ScoreColumnName { get; init; }

    /// <summary>Of a classifier.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PredictedLabelColumnName { get; init; }

    /// <summary>Of a classifier.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ProbabilityColumnName { get; init; }

    /// <summary>Of a process reward model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StepSeparator { get; init; }

    public required int BatchSize { get; init; }

    /// <summary>Completions of a prompt, of which the best is kept; null = one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SampleSize { get; init; }

    /// <summary>TorchSharp's name of the weights' type in memory.</summary>
    public required string WeightType { get; init; }

    /// <summary>How matrices were held in memory; they are saved so, but for those of a base that is stored by where it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault), JsonConverter(typeof(JsonStringEnumConverter<WeightQuantization>))]
    public WeightQuantization Quantization { get; init; }

    /// <summary>Null where the model has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StoredAdapters? Adapters { get; init; }

    public bool HasValueHead { get; init; }

    public bool ReadsWholeTexts { get; init; }

    /// <summary>Null where texts are read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ConversationOptions? Conversations { get; init; }

    public required string[] TokenizerFiles { get; init; }

    [JsonIgnore]
    public ScalarType Type => Enum.Parse<ScalarType>(WeightType);

    /// <summary>Makes the network on a device. On a GPU quantized weights are widened.</summary>
    /// <param name="device">Where it is to be.</param>
    /// <param name="build">Makes it on a device.</param>
    /// <param name="copy">Makes a widened copy on the device.</param>
    public T On<T>(Device device, Func<Device, T> build, Func<T, T> copy)
        where T : DecoderModel
    {
        if (Quantization == WeightQuantization.None || device.type == TorchSharp.DeviceType.CPU)
            return build(device);
        using T held = build(CPU);
        return copy(held);
    }

    public void WriteTo(ModelWriter writer) => writer.Text(Entry, ToText(this));

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public static string ToText<T>(T facts) => JsonSerializer.Serialize(facts, Json);

    /// <summary>Reads and checks them.</summary>
    /// <param name="reader">The saved transformer.</param>
    /// <param name="required">A column name that this kind of transformer cannot do without.</param>
    /// <param name="requiredName">What it is called.</param>
    /// <exception cref="InvalidDataException">A fact is missing or makes no sense; the message names entry and fact.</exception>
    public static SavedTransformer ReadFrom(ModelReader reader, Func<SavedTransformer, string?> required, string requiredName)
    {
        SavedTransformer saved = Parse<SavedTransformer>(reader, Entry);
        if (required(saved) is null)
            throw reader.Senseless(Entry, $"{requiredName} is missing.");
        if (saved.BatchSize < 1)
            throw reader.Senseless(Entry, $"BatchSize is {saved.BatchSize}; it must be at least 1.");
        if (saved.SampleSize < 1)
            throw reader.Senseless(Entry, $"SampleSize is {saved.SampleSize}; it must be at least 1.");
        if (!WeightTypes.Any(type => type.ToString() == saved.WeightType))
            throw reader.Senseless(Entry, $"WeightType is '{saved.WeightType}'; allowed are {string.Join(", ", WeightTypes)}.");
        if (saved.TokenizerFiles.Any(string.IsNullOrEmpty) || saved.TokenizerFiles.Distinct().Count() != saved.TokenizerFiles.Length)
            throw reader.Senseless(
                Entry, $"TokenizerFiles are [{string.Join(", ", saved.TokenizerFiles)}]; each must have a name of its own.");
        reader.Sensible(Entry, () => saved.Conversations?.Validated());
        return saved;
    }

    /// <summary>Checks that conversations can be rendered.</summary>
    /// <exception cref="InvalidDataException">They are read, and the tokenizer has no chat template.</exception>
    public void CheckChatTemplate(ModelReader reader, TextTokenizer tokenizer)
    {
        if (Conversations is not null && tokenizer.ChatTemplate is null)
            throw reader.Senseless(Entry, "Conversations are read, but the tokenizer has no chat template.");
    }

    /// <summary>A JSON entry.</summary>
    /// <exception cref="InvalidDataException">It is no such object; the message names the entry.</exception>
    public static T Parse<T>(ModelReader reader, string entry)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(reader.Text(entry), Json) ?? throw reader.Senseless(entry, "it is null.");
        }
        catch (JsonException cause)
        {
            throw reader.Senseless(entry, cause.Message, cause);
        }
    }
}
