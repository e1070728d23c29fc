using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The small facts of a saved transformer; unknown or missing ones are an error.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record SavedTransformer
{
    public const string Entry = "transformer.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>Null where no prompt is read.</summary>
    public required string? PromptColumnName { get; init; }

    public required string CompletionColumnName { get; init; }

    /// <summary>Null in a text generator that takes the name from the reward model upstream.</summary>
    public string? ScoreColumnName { get; init; }

    public required int BatchSize { get; init; }

    /// <summary>TorchSharp's name of the weights' type in memory.</summary>
    public required string WeightType { get; init; }

    public bool HasValueHead { get; init; }

    public bool ReadsWholeTexts { get; init; }

    public required string[] TokenizerFiles { get; init; }

    [JsonIgnore]
    public TorchSharp.torch.ScalarType Type => Enum.Parse<TorchSharp.torch.ScalarType>(WeightType);

    public void WriteTo(ModelWriter writer) => writer.Text(Entry, JsonSerializer.Serialize(this, Json));

    public static SavedTransformer ReadFrom(ModelReader reader) => Parse<SavedTransformer>(reader, Entry);

    /// <summary>A JSON entry.</summary>
    public static T Parse<T>(ModelReader reader, string entry)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(reader.Text(entry), Json)!;
        }
        catch (JsonException cause)
        {
            throw new InvalidDataException(
                $"Entry '{entry}' of the model file cannot be understood: {cause.Message} It was written by another version; save the "
                + "model again with this one.", cause);
        }
    }
}
