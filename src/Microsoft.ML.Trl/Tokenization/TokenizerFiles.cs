using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The text files of a tokenizer, by name, from a Hugging Face folder and back to one.</summary>
internal static class TokenizerFiles
{
    public const string Tokenizer = "tokenizer.json", Config = "tokenizer_config.json", SpecialTokens = "special_tokens_map.json";
    public const string Vocab = "vocab.json", Merges = "merges.txt", Added = "added_tokens.json", WordPiece = "vocab.txt";

    private static readonly string[] Wanted = [Tokenizer, Config, SpecialTokens, Vocab, Merges, Added, WordPiece, TokenizerChat.File];

    private static readonly string[] SentencePiece = ["tokenizer.model", "spiece.model"];

    private static readonly (string File, string Kind)[] Others =
        [("sentencepiece.bpe.model", "SentencePiece (with the ids of fairseq)"), ("tekken.json", "Tekken")];

    private const string Tiktoken = "tokenizer.tiktoken";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It holds no tokenizer.</exception>
    /// <exception cref="NotSupportedException">It holds another kind of tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is too long, or no text.</exception>
    public static Dictionary<string, string> ReadFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The tokenizer folder '{folder}' does not exist.");
        var files = new Dictionary<string, string>();
        foreach (string name in Wanted)
            if (Path.Combine(folder, name) is var path && File.Exists(path))
                files[name] = BoundedText.ReadFile(path, BoundedText.Large);
        TokenizerChat.Collect(folder, files);
        if (files.ContainsKey(Tokenizer) || (files.ContainsKey(Vocab) && files.ContainsKey(Merges)))
            return files;
        if (SentencePiece.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } model)
        {
            byte[] bytes = BoundedText.ReadFileBytes(model, BoundedText.Large);
            if (TiktokenFile.IsOne(bytes))
                throw NeedsEncoding(model);
            SentencePieceJson.Complete(files, bytes, $"'{model}'");
            return files;
        }
        if (files.ContainsKey(WordPiece))
            return files;
        if (File.Exists(Path.Combine(folder, Tiktoken)))
            throw NeedsEncoding(Path.Combine(folder, Tiktoken));
        foreach ((string file, string kind) in Others)
            if (File.Exists(Path.Combine(folder, file)))
                throw TokenizerJson.OtherKind(Path.Combine(folder, file), kind);
        throw new FileNotFoundException(
            $"The folder '{folder}' holds no tokenizer: neither {Tokenizer}, {Vocab} with {Merges}, {SentencePiece[0]}, {SentencePiece[1]} "
            + $"nor {WordPiece}.",
            Path.Combine(folder, Tokenizer));
    }

    private static NotSupportedException NeedsEncoding(string path) => new(
        $"'{path}' is a tiktoken file, which does not say how text is cut. Load it with TextTokenizer.FromTiktoken and the name of "
        + "its encoding.");

    /// <summary>Makes tokenizer.json of the files of older tokenizers, where there is none, and takes those away.</summary>
    /// <exception cref="FileNotFoundException">There are none of these either.</exception>
    public static void Complete(Dictionary<string, string> files, string source)
    {
        if (!files.ContainsKey(Tokenizer))
        {
            if (files.ContainsKey(Vocab) && files.ContainsKey(Merges))
                LegacyVocabulary.Complete(files, source);
            else if (files.ContainsKey(WordPiece))
                WordPieceVocabulary.Complete(files, source);
            else
                throw new FileNotFoundException($"There is no tokenizer in {source}: neither {Tokenizer} nor {Vocab} with {Merges} nor "
                    + $"{WordPiece}. A {SentencePiece[0]} is no text; load it from its folder.");
        }
        foreach (string folded in new[] { Vocab, Merges, Added, WordPiece })
            files.Remove(folded); // tokenizer.json says it all
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
            using JsonDocument document = StrictJson.Document(json);
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
