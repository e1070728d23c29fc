using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "normalizer" of tokenizer.json.</summary>
internal static class NormalizerJson
{
    private const string Supported =
        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, BertNormalizer, Replace, Prepend, Precompiled, Nmt and Sequence";

    /// <returns>Null where text stays as it is.</returns>
    public static Normalizer? Read(JsonElement? normalizer, string source)
    {
        var steps = new List<Func<string, string>>();
        if (normalizer is { } json)
            Add(json, source, steps);
        return steps.Count > 0 ? new StepNormalizer(steps) : null;
    }

    private static void Add(JsonElement json, string source, List<Func<string, string>> steps)
    {
        string? type = json.Text("type");
        if (type is "Sequence")
            foreach (JsonElement part in json.GetProperty("normalizers").EnumerateArray())
                Add(part, source, steps);
        else
            steps.Add(Step(type, json, source));
    }

    private static Func<string, string> Step(string? type, JsonElement json, string source) => type switch
    {
        "NFC" => Form(NormalizationForm.FormC, source),
        "NFD" => Form(NormalizationForm.FormD, source),
        "NFKC" => Form(NormalizationForm.FormKC, source),
        "NFKD" => Form(NormalizationForm.FormKD, source),
        "Lowercase" => NormalizerSteps.Lowercase,
        "StripAccents" => NormalizerSteps.WithoutMarks,
        "Strip" => Strip(json.Flag("strip_left", absent: true), json.Flag("strip_right", absent: true)),
        "BertNormalizer" => Bert(json, source),
        "Replace" => Replace(json.GetProperty("pattern"), json.Text("content") ?? throw Missing("Replace", "content")),
        "Prepend" => Prepend(json.Text("prepend") ?? throw Missing("Prepend", "prepend")),
        "Precompiled" => PrecompiledCharsMap.Read(
            Convert.FromBase64String(json.Text("precompiled_charsmap") ?? throw Missing("Precompiled", "precompiled_charsmap"))).Normalize,
        "Nmt" => NormalizerSteps.Nmt,
        _ => throw TokenizerJson.Unsupported(source, "normalizer", type, Supported),
    };

    private static Func<string, string> Form(NormalizationForm form, string source)
    {
        UnicodeNormalizer.CheckSupport(source, text => text.Normalize());
        return new UnicodeNormalizer(form).Normalize;
    }

    private static Func<string, string> Strip(bool left, bool right) => (left, right) switch
    {
        (true, true) => text => text.Trim(),
        (true, false) => text => text.TrimStart(),
        (false, true) => text => text.TrimEnd(),
        _ => text => text,
    };

    private static Func<string, string> Bert(JsonElement json, string source)
    {
        bool lowers = json.Flag("lowercase", absent: true), stripsAccents = json.Flag("strip_accents", absent: lowers);
        Func<string, string>? decompose = stripsAccents ? Form(NormalizationForm.FormD, source) : null;
        return new BertNormalization(
            json.Flag("clean_text", absent: true), json.Flag("handle_chinese_chars", absent: true), decompose, lowers).Normalize;
    }

    /// <summary>Replaces what "pattern" finds.</summary>
    public static Func<string, string> Replace(JsonElement pattern, string content)
    {
        if (pattern.Text("Regex") is { } expression)
            return NormalizerSteps.Replace(OnigurumaPattern.ToRegex(expression), content);
        if (pattern.Text("String") is { Length: > 0 } text)
            return original => original.Replace(text, content, StringComparison.Ordinal);
        throw new FormatException("the normalizer Replace has neither a Regex nor a String that is not empty.");
    }

    private static Func<string, string> Prepend(string prefix) => text => text.Length == 0 ? text : prefix + text;

    private static FormatException Missing(string type, string member) => new($"the normalizer {type} has no \"{member}\".");

    private sealed class StepNormalizer(List<Func<string, string>> steps) : Normalizer
    {
        public override string Normalize(string original) => steps.Aggregate(original, (text, step) => step(text));

        public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
    }
}

/// <summary>Normalizers of Hugging Face's tokenizers that are plain functions.</summary>
internal static class NormalizerSteps
{
    /// <summary>Lower case of each character by itself: no final sigma, no language.</summary>
    public static string Lowercase(string text)
    {
        if (!text.Contains('\u0130'))
            return text.ToLowerInvariant();
        return text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant(); // the only one that becomes two characters
    }

    /// <summary>Leaves out combining marks of every kind.</summary>
    public static string WithoutMarks(string text) => Filter(text, rune => Rune.GetUnicodeCategory(rune) is not (
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark
        or System.Globalization.UnicodeCategory.EnclosingMark));

    /// <summary>Leaves out control characters and makes blanks of other white space, as for machine translation.</summary>
    public static string Nmt(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (char letter in text)
            switch ((int)letter)
            {
                case (>= 0x1 and <= 0x8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F:
                    break;
                case 0x9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD:
                    result.Append(' ');
                    break;
                default:
                    result.Append(letter);
                    break;
            }
        return result.ToString();
    }

    /// <summary>Replaces what a pattern finds by a text that is taken as it is.</summary>
    public static Func<string, string> Replace(Regex pattern, string content) => text =>
    {
        var plain = new BmpText(text);
        var result = new StringBuilder(text.Length);
        int done = 0;
        List<(int Start, int End)> found = [];
        OnigurumaPattern.Find(pattern, plain.Text, found);
        foreach ((int from, int to) in found)
        {
            (int start, int length) = plain.Original(from, to);
            result.Append(text, done, start - done).Append(content);
            done = start + length;
        }
        return result.Append(text, done, text.Length - done).ToString();
    };

    public static string Filter(string text, Func<Rune, bool> wanted)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            if (wanted(rune))
                result.Append(rune.ToString());
        return result.ToString();
    }
}
