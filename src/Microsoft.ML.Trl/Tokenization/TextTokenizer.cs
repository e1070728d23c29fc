using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl;

/// <summary>
/// Text to token ids and back, as the Hugging Face tokenizer of the same files does it: byte-level BPE, SentencePiece's BPE and Unigram,
/// WordPiece. With byte-level BPE every text comes back unchanged (after Unicode normalization, where the tokenizer asks for it); the
/// others may lose white space, case or characters that they do not know. Immutable; may be used by several threads.
/// </summary>
/// <remarks>
/// A lone surrogate is no character and is encoded as U+FFFD. Padding and truncation settings of tokenizer.json are not applied.
/// Unicode normalization is the one of the ICU library that .NET runs with.
/// </remarks>
public sealed partial class TextTokenizer
{
    private readonly IReadOnlyDictionary<string, string> _files;
    private readonly TokenizerDefinition _definition;
    private readonly TextEncoder _encoder;
    private readonly Lazy<TextEncoder> _ordinary; // takes special tokens for text
    private readonly TokenTable _tokens;
    private readonly Lazy<TokenTrie> _trie;
    private volatile Reader? _lastReader;

    private TextTokenizer(IReadOnlyDictionary<string, string> files, TokenizerDefinition definition, SpecialTokenNames names, string source)
    {
        _files = files;
        _definition = definition;
        _tokens = new TokenTable(definition);
        _trie = new Lazy<TokenTrie>(_tokens.Trie);
        _encoder = new TextEncoder(definition);
        _ordinary = new(() => new TextEncoder(
            definition with { AddedTokens = [.. definition.AddedTokens.Where(token => !token.Special)] }));
        Chat = new TokenizerChat(files, source);
        (BosToken, EosToken, PadToken, UnknownToken) = names;
        (BosTokenId, EosTokenId) = (Required(BosToken, "bos_token", source), Required(EosToken, "eos_token", source));
        (PadTokenId, UnknownTokenId) = (Required(PadToken, "pad_token", source), Required(UnknownToken, "unk_token", source));
    }

    /// <summary>Highest id + 1: the number of rows that an embedding needs. Ids in between may be unused.</summary>
    public int VocabularySize => _tokens.Count;

    /// <summary>Text of the token that begins a sequence, or null.</summary>
    public string? BosToken { get; }

    /// <summary>Text of the token that ends a sequence, or null.</summary>
    public string? EosToken { get; }

    /// <summary>Text of the token that fills up batches, or null.</summary>
    public string? PadToken { get; }

    /// <summary>Text of the token for what cannot be encoded, or null.</summary>
    public string? UnknownToken { get; }

    /// <summary>Id of <see cref="BosToken"/>.</summary>
    public int? BosTokenId { get; }

    /// <summary>Id of <see cref="EosToken"/>.</summary>
    public int? EosTokenId { get; }

    /// <summary>Id of <see cref="PadToken"/>.</summary>
    public int? PadTokenId { get; }

    /// <summary>Id of <see cref="UnknownToken"/>.</summary>
    public int? UnknownTokenId { get; }

    /// <summary>
    /// The model's chat template: chat_template.jinja, or "chat_template" of tokenizer_config.json (of several, the one named "default";
    /// conversations with tools are rendered by the one named "tool_use", where there is one). Null where there is none. It is read when it
    /// is first asked for.
    /// </summary>
    /// <exception cref="InvalidDataException">It is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here, which the message names.</exception>
    public ChatTemplate? ChatTemplate => Chat.Default;

    /// <summary>All that conversations are rendered with.</summary>
    internal TokenizerChat Chat { get; }

    /// <summary>
    /// The tokenizer of Microsoft.ML.Tokenizers that does the work (byte-level BPE, WordPiece), for code that wants that type. It knows
    /// the vocabulary, the merges, the cuts and the special tokens, but not what only this class does: prefix blanks, added tokens with
    /// white space around them, pieces that are not merged (ignore_merges), cuts within characters (Falcon's digits).
    /// </summary>
    /// <exception cref="NotSupportedException">
    /// SentencePiece tokenizers, for which that library gives other ids: use <see cref="Encode"/> and <see cref="Decode"/>.
    /// </exception>
    public Tokenizer Inner => _encoder.Inner;

    /// <summary>
    /// Loads tokenizer.json, or vocab.json with merges.txt, tokenizer.model (spiece.model) of SentencePiece or vocab.txt of BERT, and the
    /// names of special tokens from tokenizer_config.json and special_tokens_map.json.
    /// </summary>
    /// <param name="folder">A folder in Hugging Face's layout.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">It holds no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or contradicts itself.</exception>
    /// <exception cref="NotSupportedException">It is of another kind or has a part that is not known; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException">It normalizes text, and the process runs without ICU.</exception>
    public static TextTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Create(TokenizerFiles.ReadFolder(folder), $"'{folder}'");
    }

    /// <summary>The tokenizer of files that <see cref="Files"/> gave.</summary>
    /// <param name="files">File name to content. Other names are kept and otherwise left alone.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer.json, no vocab.json with merges.txt, and no vocab.txt.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or contradicts itself.</exception>
    /// <exception cref="NotSupportedException">The tokenizer is of another kind or has a part that is not known.</exception>
    /// <exception cref="PlatformNotSupportedException">It normalizes text, and the process runs without ICU.</exception>
    public static TextTokenizer FromFiles(IReadOnlyDictionary<string, string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach ((string name, string text) in files)
            if (text is null)
                throw new InvalidDataException($"{name} of the given files is null; give its text, or leave it out.");
        return Create(new Dictionary<string, string>(files), "the given files");
    }

    /// <summary>Loads a tiktoken file (o200k_base.tiktoken and their like): a line per token, its bytes in base64 and its rank.</summary>
    /// <param name="path">The file, not compressed.</param>
    /// <param name="encoding">How it cuts text: gpt2, r50k_base, p50k_base, cl100k_base (also Llama 3's) or o200k_base.</param>
    /// <param name="specialTokens">Special tokens and their ids. Null: those of the encoding.</param>
    /// <exception cref="ArgumentException">The encoding is not known.</exception>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="DirectoryNotFoundException">Its folder does not exist.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or a special token has the id of another.</exception>
    public static TextTokenizer FromTiktoken(string path, string encoding, IReadOnlyDictionary<string, int>? specialTokens = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(encoding);
        return FromFiles(TiktokenFile.Files(BoundedText.ReadFile(path, BoundedText.Large), encoding, specialTokens, $"'{path}'"));
    }

    /// <summary>
    /// The text files from which <see cref="FromFiles"/> makes this tokenizer again: tokenizer.json, tokenizer_config.json,
    /// special_tokens_map.json, and what else belongs to them.
    /// </summary>
    /// <returns>File name to content.</returns>
    public IReadOnlyDictionary<string, string> Files() => _files;

    /// <summary>
    /// Writes a folder that <see cref="Load"/> and Hugging Face's transformers can read: what <see cref="Files"/> gives, and of byte-level
    /// BPE vocab.json and merges.txt.
    /// </summary>
    /// <param name="folder">Made when it does not exist; files of the same names are overwritten.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var files = new Dictionary<string, string>(_files);
        if (_definition.IsByteLevel)
        {
            files[TokenizerFiles.Vocab] = TokenizerWriter.Vocab(_definition.Vocab);
            files[TokenizerFiles.Merges] = TokenizerWriter.Merges(_definition.Merges);
        }
        TokenizerFiles.WriteFolder(folder, files);
    }

    /// <summary>The bytes of all tokens but special ones.</summary>
    internal TokenTrie Trie => _trie.Value;

    /// <summary>Whether every token id of this tokenizer means the same to another, which may know more tokens.</summary>
    /// <param name="other">May be this one itself.</param>
    internal bool IsReadBy(TextTokenizer other)
    {
        if (ReferenceEquals(this, other) || _files[TokenizerFiles.Tokenizer] == other._files[TokenizerFiles.Tokenizer])
            return true;
        Reader? last = _lastReader;
        if (last?.Other != other)
            _lastReader = last = new Reader(other, _tokens.IsPartOf(other._tokens));
        return last!.Knows;
    }

    /// <summary>Which tokens of a text belong to stretches of it.</summary>
    internal bool[] Covered(string text, int[] ids, IReadOnlyList<ChatSpan> spans)
    {
        return TokenAlignment.Covered(_tokens, Spelled, text, ids, spans);

        string Spelled(string part)
        {
            string normalized = _definition.Normalizer?.Normalize(part) ?? part;
            return _tokens.Steps is null ? normalized : normalized.Replace('\u2581', ' '); // SentencePiece's blank
        }
    }

    /// <summary>Id of a token as the vocabulary writes it ("Ġthe" for " the"), or null when there is none.</summary>
    /// <param name="token">Token of the vocabulary or added token.</param>
    public int? IdOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _definition.AddedTokens.FirstOrDefault(added => added.Content == token)?.Id
            ?? (_definition.Vocab.TryGetValue(token, out int id) ? id : null);
    }

    /// <summary>A tokenizer of the same tokens with a chat template in the place of those that this one has.</summary>
    /// <param name="template">A Jinja template, as transformers reads them; it is saved as chat_template.jinja.</param>
    /// <exception cref="InvalidDataException">It is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here, which the message names.</exception>
    public TextTokenizer WithChatTemplate(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        ChatTemplate.Parse(template, "the given text");
        return FromFiles(new Dictionary<string, string>(_files) { [TokenizerChat.File] = template });
    }

    /// <summary>A tokenizer of the same tokens with a special one, new or known, that fills up batches.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="id"><see cref="IdOf"/> of the text; <see cref="VocabularySize"/> where there is none.</param>
    internal TextTokenizer WithPadToken(string token, int id) => FromFiles(PadTokenWriter.Add(_files, token, id));

    private static TextTokenizer Create(Dictionary<string, string> files, string source)
    {
        TokenizerFiles.Complete(files, source);
        TokenizerDefinition definition = TokenizerJson.Read(
            files[TokenizerFiles.Tokenizer], $"{TokenizerFiles.Tokenizer} of {source}");
        SpecialTokenNames names = SpecialTokenNames.Read(files, source);
        files.TryAdd(TokenizerFiles.Config, TokenizerWriter.Config(names));
        files.TryAdd(TokenizerFiles.SpecialTokens, TokenizerWriter.SpecialTokens(names));
        return new TextTokenizer(files.AsReadOnly(), definition, names, source);
    }

    private int? Required(string? token, string role, string source)
    {
        if (token is null)
            return null;
        return IdOf(token) ?? throw new InvalidDataException(
            $"The {role} \"{token}\" of {source} is not in the vocabulary. "
            + $"Correct {TokenizerFiles.Config}, or add the token to {TokenizerFiles.Tokenizer}.");
    }

    /// <summary>Another tokenizer, and whether it knows every token of this one.</summary>
    private sealed record Reader(TextTokenizer Other, bool Knows);
}
