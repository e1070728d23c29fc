using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The text files of a tokenizer, by name, from a Hugging Face folder and back to one.</summary>
internal static class TokenizerFiles
{
    public const string Tokenizer = "tokenizer.json", Config = "tokenizer_config.json", SpecialTokens = "special_tokens_map.json";
    public const string Vocab = "vocab.json", Merges = "merges.txt", Added = "added_tokens.json";

    private static readonly string[] Wanted = [Tokenizer, Config, SpecialTokens, Vocab, Merges, Added, TokenizerChat.File];

    private static readonly (string File, string Kind)[] Others =
    [
        ("tokenizer.model", "SentencePiece"), ("spiece.model", "SentencePiece"), ("sentencepiece.bpe.model", "SentencePiece"),
        ("vocab.txt", "WordPiece"), ("tekken.json", "Tekken"), ("tokenizer.tiktoken", "tiktoken"),
    ];

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It holds no tokenizer.</exception>
    /// <exception cref="NotSupportedException">It holds another kind of tokenizer.</exception>
    public static Dictionary<string, string> ReadFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The tokenizer folder '{folder}' does not exist.");
        var files = new Dictionary<string, string>();
        foreach (string name in Wanted)
            if (Path.Combine(folder, name) is var path && File.Exists(path))
                files[name] = BoundedText.ReadFile(path, BoundedText.Large);
        if (files.ContainsKey(Tokenizer) || (files.ContainsKey(Vocab) && files.ContainsKey(Merges)))
            return files;
        foreach ((string file, string kind) in Others)
            if (File.Exists(Path.Combine(folder, file)))
                throw TokenizerJson.OtherKind(Path.Combine(folder, file), kind);
        throw new FileNotFoundException(
            $"The folder '{folder}' holds no tokenizer: neither {Tokenizer} nor {Vocab} with {Merges}.", Path.Combine(folder, Tokenizer));
    }

    public static void WriteFolder(string folder, IReadOnlyDictionary<string, string> files)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, string text) in files)
            File.WriteAllText(Path.Combine(folder, name), text, Strict);
    }
}

/// <summary>Which tokens play the parts of begin, end, padding and unknown.</summary>
internal sealed record SpecialTokenNames(string? Bos, string? Eos, string? Pad, string? Unk)
{
    /// <summary>Reads tokenizer_config.json and, for what that does not name, special_tokens_map.json.</summary>
    public static SpecialTokenNames Read(IReadOnlyDictionary<string, string> files, string source)
    {
        SpecialTokenNames config = Parse(files, TokenizerFiles.Config, source);
        SpecialTokenNames map = Parse(files, TokenizerFiles.SpecialTokens, source);
        return new SpecialTokenNames(config.Bos ?? map.Bos, config.Eos ?? map.Eos, config.Pad ?? map.Pad, config.Unk ?? map.Unk);
    }

    private static SpecialTokenNames Parse(IReadOnlyDictionary<string, string> files, string name, string source)
    {
        if (!files.TryGetValue(name, out string? json))
            return new SpecialTokenNames(null, null, null, null);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new SpecialTokenNames(Name("bos_token"), Name("eos_token"), Name("pad_token"), Name("unk_token"));

            string? Name(string key) => document.RootElement.Get(key) switch
            {
                { ValueKind: JsonValueKind.Object } token => token.Text("content"), // an added token, written out
                { } text => text.GetString(),
                null => null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{name} of {source} cannot be read: {e.Message}", e);
        }
    }
}
