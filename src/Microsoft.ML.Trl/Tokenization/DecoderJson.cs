using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "decoder" of tokenizer.json.</summary>
internal static class DecoderJson
{
    private const string Supported = "ByteLevel, Metaspace, WordPiece, Replace, ByteFallback, Fuse, Strip and Sequence";

    /// <returns>Makes the steps for a new text; null where tokens are bytes in the byte alphabet and nothing else is done.</returns>
    public static Func<IDecoderStep[]>? Read(JsonElement? decoder, bool isByteLevel, string source)
    {
        JsonElement[] parts = decoder is { } json ? [.. Parts(json)] : [];
        if (isByteLevel && parts.All(part => part.Text("type") is "ByteLevel" or "Fuse"))
            return null;
        if (parts.Length == 0)
            return () => [new JoinStep()];
        var steps = new List<Func<IDecoderStep>>();
        bool isFused = false;
        for (int i = 0; i < parts.Length; i++)
        {
            string? type = parts[i].Text("type");
            if (type == "Fuse" && !parts[(i + 1)..].All(IsStreamed))
                steps.Add(() => new FuseStep());
            else if (type != "Fuse")
                steps.Add(Step(type, parts[i], isFused, source));
            isFused |= type is "Fuse" or "ByteLevel";
        }
        return () => [.. steps.Select(make => make())];
    }

    private static IEnumerable<JsonElement> Parts(JsonElement decoder) => decoder.Text("type") == "Sequence"
        ? decoder.GetProperty("decoders").EnumerateArray().SelectMany(Parts)
        : [decoder];

    // Works on a text that comes in parts as on the whole of it.
    private static bool IsStreamed(JsonElement part) => part.Text("type") is "Fuse" or "Strip"
        || (part.Text("type") == "Replace" && part.GetProperty("pattern").Text("String") is { Length: 1 });

    private static Func<IDecoderStep> Step(string? type, JsonElement json, bool isFused, string source)
    {
        switch (type)
        {
            case "ByteLevel":
                return () => new ByteLevelStep();
            case "ByteFallback":
                return () => new ByteFallbackStep();
            case "Metaspace":
                Metaspace metaspace = Metaspace.Read(json);
                return () => new MetaspaceStep(metaspace);
            case "WordPiece":
                (string prefix, bool cleans) = (json.Text("prefix") ?? "##", json.Flag("cleanup", absent: true));
                return () => new WordPieceStep(prefix, cleans);
            case "Replace":
                Func<string, string> replace = NormalizerJson.Replace(json.GetProperty("pattern"), json.Text("content") ?? "");
                return () => new ReplaceStep(replace);
            case "Strip":
                string content = json.Text("content") is { Length: 1 } letter ? letter : throw new FormatException(
                    $"the decoder Strip has the content \"{json.Text("content")}\"; one letter is needed.");
                (int start, int stop) = (json.GetProperty("start").GetInt32(), json.GetProperty("stop").GetInt32());
                return isFused ? () => new FusedStripStep(content[0], start, stop) : () => new StripStep(content[0], start, stop);
            default:
                throw TokenizerJson.Unsupported(source, "decoder", type, Supported);
        }
    }
}
