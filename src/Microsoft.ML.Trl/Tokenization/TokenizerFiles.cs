using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The text files of a tokenizer, by name, from a Hugging Face folder and back to one.</summary>
internal static class TokenizerFiles
{
    public const string Tokenizer = "tokenizer.json", Config = "tokenizer_config.json", SpecialTokens = "special_tokens_map.json";
    public const string Vocabulary = "vocab.json", Merges = "merges.txt", AddedTokens = "added_tokens.json";

    private static readonly string[] Wanted = [Tokenizer, Config, SpecialTokens, Vocabulary, Merges, AddedTokens, "chat_template.jinja"];

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
                files[name] = ReadText(path);
        if (files.ContainsKey(Tokenizer) || (files.ContainsKey(Vocabulary) && files.ContainsKey(Merges)))
            return files;
        foreach ((string file, string kind) in Others)
            if (File.Exists(Path.Combine(folder, file)))
                throw TokenizerJson.OtherKind(Path.Combine(folder, file), kind);
        throw new FileNotFoundException($"The folder '{folder}' holds no tokenizer: neither {Tokenizer} nor {Vocabulary} with {Merges}.", Path.Combine(folder, Tokenizer));
    }

    public static void WriteFolder(string folder, IReadOnlyDictionary<string, string> files)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, string text) in files)
            File.WriteAllText(Path.Combine(folder, name), text, Strict);
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path, Strict);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"'{path}' is not UTF-8 text: {e.Message}", e);
        }
    }
}
