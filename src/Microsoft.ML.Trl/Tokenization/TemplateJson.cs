using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "post_processor" of tokenizer.json: the special tokens around a text and a pair of texts.</summary>
internal static class TemplateJson
{
    private const string Supported = "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing and Sequence";

    public static TokenTemplate Read(JsonElement? processor, string source)
    {
        if (processor is not { } json)
            return TokenTemplate.None;
        switch (json.Text("type"))
        {
            case "ByteLevel":
                return TokenTemplate.None;
            case "RobertaProcessing":
                return Around(json, pairIsTwice: true);
            case "BertProcessing":
                return Around(json, pairIsTwice: false);
            case "TemplateProcessing":
                return new TokenTemplate(Parts(json, "single", source), json.Get("pair") is null ? null : Parts(json, "pair", source));
            case "Sequence":
                return json.GetProperty("processors").EnumerateArray()
                    .Aggregate(TokenTemplate.None, (inner, part) => inner.Within(Read(part, source)));
            case { } other:
                throw TokenizerJson.Unsupported(source, "post-processor", other, Supported);
            default:
                throw TokenizerJson.Unsupported(source, "post-processor", null, Supported);
        }
    }

    // [CLS] a [SEP] b [SEP], or <s> a </s></s> b </s> where nothing but zeros are type ids
    private static TokenTemplate Around(JsonElement json, bool pairIsTwice)
    {
        TemplatePart cls = Token("cls", 0), sep = Token("sep", 0);
        TemplatePart[] single = [cls, TemplatePart.First(0), sep];
        return new TokenTemplate(single, pairIsTwice
            ? [.. single, sep, TemplatePart.Second(0), sep]
            : [.. single, TemplatePart.Second(1), Token("sep", 1)]);

        TemplatePart Token(string name, int type) => TemplatePart.Special([Id(json, name)], type);
    }

    private static int Id(JsonElement json, string name) => json.GetProperty(name) is var pair && pair.GetArrayLength() == 2
        ? pair[1].GetInt32()
        : throw new FormatException($"\"{name}\" is {pair.GetRawText()}; a token and its id are needed.");

    private static List<TemplatePart> Parts(JsonElement json, string name, string source)
    {
        var parts = new List<TemplatePart>();
        foreach (JsonElement part in json.GetProperty(name).EnumerateArray())
        {
            if (part.Get("Sequence") is { } sequence)
            {
                int type = sequence.Get("type_id")?.GetInt32() ?? 0;
                parts.Add(sequence.Text("id") == "B" ? TemplatePart.Second(type) : TemplatePart.First(type));
            }
            else
                parts.Add(SpecialToken(json, part.GetProperty("SpecialToken"), source));
        }
        Check(parts, isPair: name == "pair", source);
        return parts;
    }

    private static TemplatePart SpecialToken(JsonElement json, JsonElement part, string source)
    {
        string name = part.Text("id") ?? throw new InvalidDataException($"{source}: a special token of the template has no \"id\".");
        JsonElement token = json.GetProperty("special_tokens").Get(name) ?? throw new InvalidDataException(
            $"{source}: the template names the special token \"{name}\" but does not define it.");
        int[] ids = [.. token.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        return TemplatePart.Special(ids, part.Get("type_id")?.GetInt32() ?? 0);
    }

    private static void Check(List<TemplatePart> parts, bool isPair, string source)
    {
        (int first, int second) = (parts.Count(part => part.Text == 1), parts.Count(part => part.Text == 2));
        if (!isPair && (first, second) != (1, 0))
            throw new InvalidDataException($"{source}: the template for a single text contains the text {first} times; once is needed.");
        if (isPair && (first, second) != (1, 1))
            throw new InvalidDataException($"{source}: the template for a pair of texts contains the first {first} times and the second "
                + $"{second} times; once each is needed.");
    }
}

/// <summary>A piece of a template: special tokens, or one of the texts.</summary>
/// <param name="Ids">Those of the special tokens.</param>
/// <param name="Text">1 for the first text, 2 for the second, 0 for special tokens.</param>
/// <param name="TypeId">What BERT-like models add to the ids.</param>
internal sealed record TemplatePart(IReadOnlyList<int> Ids, int Text, int TypeId)
{
    public static TemplatePart Special(IReadOnlyList<int> ids, int type) => new(ids, 0, type);

    public static TemplatePart First(int type) => new([], 1, type);

    public static TemplatePart Second(int type) => new([], 2, type);
}

/// <summary>The special tokens around one text, and around two.</summary>
internal sealed class TokenTemplate
{
    private readonly IReadOnlyList<TemplatePart> _single;
    private readonly IReadOnlyList<TemplatePart>? _pair;

    /// <param name="single">Contains the first text once.</param>
    /// <param name="pair">Contains both texts once; null where the tokenizer has no template for two.</param>
    public TokenTemplate(IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart>? pair)
    {
        (_single, _pair) = (single, pair);
        int[] place = [.. single.Select(part => part.Text)];
        Prefix = [.. single.Take(Array.IndexOf(place, 1)).SelectMany(part => part.Ids)];
        Suffix = [.. single.Skip(Array.IndexOf(place, 1) + 1).SelectMany(part => part.Ids)];
    }

    /// <summary>Nothing but the texts.</summary>
    public static TokenTemplate None { get; } = new([TemplatePart.First(0)], [TemplatePart.First(0), TemplatePart.Second(1)]);

    /// <summary>All ids that the templates add.</summary>
    public IEnumerable<int> Ids => _single.Concat(_pair ?? []).SelectMany(part => part.Ids);

    /// <summary>Ids before a single text.</summary>
    public IReadOnlyList<int> Prefix { get; }

    /// <summary>Ids behind it.</summary>
    public IReadOnlyList<int> Suffix { get; }

    /// <summary>The ids of two texts with the special tokens around them, and their type ids; null where there is no template.</summary>
    public (int[] Ids, int[] TypeIds)? Pair(IReadOnlyList<int> first, IReadOnlyList<int> second)
    {
        if (_pair is null)
            return null;
        List<int> ids = [], types = [];
        foreach (TemplatePart part in _pair)
        {
            ids.AddRange(part.Text switch { 1 => first, 2 => second, _ => part.Ids });
            types.AddRange(Enumerable.Repeat(part.TypeId, ids.Count - types.Count));
        }
        return ([.. ids], [.. types]);
    }

    /// <summary>A template whose text is what this one makes.</summary>
    public TokenTemplate Within(TokenTemplate outer)
    {
        if (ReferenceEquals(this, None))
            return outer;
        if (ReferenceEquals(outer, None))
            return this;
        return new TokenTemplate([.. outer._single.SelectMany(part => part.Text == 1 ? _single : [part])], null);
    }
}
