namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The named values of a GGUF file, read with their kind checked.</summary>
internal sealed class GgufMetadata(IReadOnlyDictionary<string, object> values, string source)
{
    /// <summary>What it is of, for messages.</summary>
    public string Source => source;

    public bool Has(string key) => values.ContainsKey(key);

    public string? Text(string key) => Optional<string>(key, "a text");

    public bool? Flag(string key) => values.ContainsKey(key) ? Required<bool>(key, "true or false") : null;

    public string[]? Texts(string key) => Optional<string[]>(key, "a list of texts");

    public long[]? Numbers(string key) => Optional<long[]>(key, "a list of whole numbers");

    public double[]? Reals(string key) => Optional<double[]>(key, "a list of numbers");

    /// <summary>A whole number from 0 to the largest int; null where it is absent.</summary>
    public int? Integer(string key) => values.ContainsKey(key)
        ? Required<long>(key, "a whole number") is >= 0 and <= int.MaxValue and long number
            ? (int)number
            : throw Wrong(key, $"a number from 0 to {int.MaxValue}")
        : null;

    /// <exception cref="InvalidDataException">The value is absent or of another kind.</exception>
    public int RequiredInteger(string key) => Integer(key)
        ?? throw new InvalidDataException($"'{source}' has no {key} in its metadata; is it a whole model? Convert or download it again.");

    /// <summary>A finite number; null where it is absent.</summary>
    public double? Number(string key) => !values.TryGetValue(key, out object? value) ? null : value switch
    {
        double number when double.IsFinite(number) => number,
        long number => number,
        _ => throw Wrong(key, "a finite number"),
    };

    private T? Optional<T>(string key, string kind)
        where T : class => values.ContainsKey(key) ? Required<T>(key, kind) : null;

    private T Required<T>(string key, string kind) => values[key] is T value ? value : throw Wrong(key, kind);

    private InvalidDataException Wrong(string key, string kind)
    {
        object value = values[key];
        string given = value is Array many ? $"a list of {many.Length}" : FormattableString.Invariant($"{value}");
        return new InvalidDataException($"'{source}': {key} is {given}; {kind} is needed. Convert or download the file again.");
    }
}
