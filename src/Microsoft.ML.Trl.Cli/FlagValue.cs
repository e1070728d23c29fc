using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Trl.Cli;

/// <summary>From the words behind a flag to the value of a property.</summary>
internal static class FlagValue
{
    private const string None = "none";

    private static readonly Type[] Singles = [typeof(bool), typeof(int), typeof(long), typeof(double), typeof(string)];

    /// <summary>Whether a property of this type can be a flag.</summary>
    public static bool IsKnown(Type type) => IsSingle(Names.Bare(type)) || IsList(type) || IsMap(type);

    /// <summary>Whether the flag takes several words.</summary>
    public static bool IsList(Type type) => ItemOf(type) is { } item && IsSingle(item);

    /// <summary>What may stand behind the flag.</summary>
    public static string Allowed(Type type)
    {
        Type bare = Names.Bare(type);
        string one = ItemOf(type) is { } item ? $"one or more of: {Allowed(item)}"
            : IsMap(type) ? "a JSON object of numbers"
            : bare == typeof(bool) ? "true or false; true where nothing follows"
            : bare == typeof(int) || bare == typeof(long) ? "a whole number"
            : bare == typeof(double) ? "a number"
            : bare.IsEnum ? string.Join(", ", Enum.GetNames(bare).Select(Names.Snake))
            : "a text";
        return Nullable.GetUnderlyingType(type) is null ? one : one + ", or none";
    }

    /// <summary>The value.</summary>
    /// <param name="flag">Its name, for messages.</param>
    /// <param name="type">Of the property.</param>
    /// <param name="words">What was given.</param>
    /// <exception cref="ArgumentException">It is none; the message says what is allowed.</exception>
    public static object? Of(string flag, Type type, IReadOnlyList<string> words)
    {
        Type bare = Names.Bare(type);
        if (ItemOf(type) is { } item)
        {
            Array list = Array.CreateInstance(item, words.Count);
            for (int i = 0; i < words.Count; i++)
                list.SetValue(Single(item, words[i]) ?? throw Wrong(flag, type, words[i]), i);
            return list;
        }
        if (words.Count == 0)
            return bare == typeof(bool) ? true : throw Wrong(flag, type, "");
        bool mayBeNull = !type.IsValueType || bare != type;
        if (mayBeNull && words[0].Equals(None, StringComparison.OrdinalIgnoreCase))
            return null;
        return (IsMap(type) ? Map(type, words[0]) : Single(bare, words[0])) ?? throw Wrong(flag, type, words[0]);
    }

    private static bool IsSingle(Type type) => type.IsEnum || Singles.Contains(type);

    private static Type? ItemOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    private static bool IsMap(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>);

    private static object? Single(Type type, string word)
    {
        if (type == typeof(string))
            return word;
        if (type == typeof(bool))
            return bool.TryParse(word, out bool flag) ? flag : null;
        if (type == typeof(int))
            return int.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out int whole) ? whole : null;
        if (type == typeof(long))
            return long.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out long large) ? large : null;
        if (type == typeof(double))
            return double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
        string plain = Plain(word);
        return Enum.GetNames(type).FirstOrDefault(name => Plain(name) == plain) is { } found ? Enum.Parse(type, found) : null;
    }

    /// <summary>
    /// A name of a value however it is spelt; optimizers in TRL may have PyTorch's suffix, bitsandbytes' mark, 32 for float32 moments and
    /// "paged" for moments that a GPU may swap: <c>adamw_torch</c>, <c>paged_adamw_8bit</c>, <c>lion_32bit</c>.
    /// </summary>
    private static string Plain(string name)
    {
        string plain = name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
        if (plain.StartsWith("paged", StringComparison.Ordinal))
            plain = plain["paged".Length..];
        plain = plain.Replace("bnb8bit", "8bit", StringComparison.Ordinal);
        foreach (string suffix in new[] { "torchfused", "torch", "32bit", "bnb" })
            if (plain.EndsWith(suffix, StringComparison.Ordinal))
                return plain[..^suffix.Length];
        return plain;
    }

    private static object? Map(Type type, string word)
    {
        try
        {
            return JsonSerializer.Deserialize(word, typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ArgumentException Wrong(string flag, Type type, string word) =>
        new($"--{flag} is '{word}'; allowed is {Allowed(type)}.");
}
