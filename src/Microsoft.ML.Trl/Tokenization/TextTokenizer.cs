using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl;

/// <summary>
/// Text to token ids and back, as the Hugging Face tokenizer of the same files does it. Byte-level BPE only: every text can be encoded,
/// and comes back unchanged (after Unicode normalization, where the tokenizer asks for it). Immutable; may be used by several threads.
/// </summary>
/// <remarks>
/// A lone surrogate is no character and is encoded as U+FFFD. Padding and truncation settings of tokenizer.json are not applied.
/// Unicode normalization is the one of the ICU library that .NET runs with.
/// </remarks>
public sealed class TextTokenizer
{
    private readonly IReadOnlyDictionary<string, string> _files;
    private readonly TokenizerDefinition _definition;
    private readonly TextEncoder _encoder;
    private readonly TokenTable _tokens;
    private readonly Lazy<TokenTrie> _trie;
    private volatile Reader? _lastReader;

    private TextTokenizer(IReadOnlyDictionary<string, string> files, TokenizerDefinition definition, SpecialTokenNames names, string source)
    {
        _files = files;
        _definition = definition;
        _tokens = new TokenTable(definition);
        _trie = new Lazy<TokenTrie>(() => new TokenTrie(
            [.. Enumerable.Range(0, _tokens.Count).Select(id => _tokens.Bytes(id, skipSpecialTokens: true).ToArray())]));
        _encoder = new TextEncoder(definition);
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
    /// The byte-pair encoder of Microsoft.ML.Tokenizers that does the work, for code that wants that type. It knows the vocabulary, the
    /// merges, the cuts and the special tokens, but not what only this class does: prefix blanks, added tokens with white space around
    /// them, pieces that are not merged (ignore_merges), cuts within characters (Falcon's digits).
    /// </summary>
    public Tokenizer Inner => _encoder.Inner;

    /// <summary>
    /// Loads tokenizer.json, or vocab.json with merges.txt, and the names of special tokens from
    /// tokenizer_config.json and special_tokens_map.json.
    /// </summary>
    /// <param name="folder">A folder in Hugging Face's layout.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">It holds no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or contradicts itself.</exception>
    /// <exception cref="NotSupportedException">
    /// The tokenizer is of another kind (SentencePiece, WordPiece, Unigram), which the message names.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">It normalizes text, and the process runs without ICU.</exception>
    public static TextTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Create(TokenizerFiles.ReadFolder(folder), $"'{folder}'");
    }

    /// <summary>The tokenizer of files that <see cref="Files"/> gave.</summary>
    /// <param name="files">File name to content. Other names are kept and otherwise left alone.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer.json and no vocab.json with merges.txt.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or contradicts itself.</exception>
    /// <exception cref="NotSupportedException">The tokenizer is of another kind.</exception>
    /// <exception cref="PlatformNotSupportedException">It normalizes text, and the process runs without ICU.</exception>
    public static TextTokenizer FromFiles(IReadOnlyDictionary<string, string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach ((string name, string text) in files)
            if (text is null)
                throw new InvalidDataException($"{name} of the given files is null; give its text, or leave it out.");
        return Create(new Dictionary<string, string>(files), "the given files");
    }

    /// <summary>
    /// The text files from which <see cref="FromFiles"/> makes this tokenizer again: tokenizer.json, tokenizer_config.json,
    /// special_tokens_map.json, and what else belongs to them.
    /// </summary>
    /// <returns>File name to content.</returns>
    public IReadOnlyDictionary<string, string> Files() => _files;

    /// <summary>
    /// Writes a folder that <see cref="Load"/> and Hugging Face's transformers can read: what
    /// <see cref="Files"/> gives, vocab.json and merges.txt.
    /// </summary>
    /// <param name="folder">Made when it does not exist; files of the same names are overwritten.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        TokenizerFiles.WriteFolder(folder, new Dictionary<string, string>(_files)
        {
            [TokenizerFiles.Vocab] = TokenizerWriter.Vocab(_definition.Vocab),
            [TokenizerFiles.Merges] = TokenizerWriter.Merges(_definition.Merges),
        });
    }

    /// <summary>Token ids of a text. Special tokens written in the text become their ids.</summary>
    /// <param name="text">Any text, also an empty one.</param>
    /// <param name="addSpecialTokens">
    /// Put the tokens around it that the tokenizer's template asks for (often a begin token, often none).
    /// </param>
    /// <returns>Ids in [0, <see cref="VocabularySize"/>).</returns>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3);
        if (addSpecialTokens)
            ids.AddRange(_definition.Prefix);
        _encoder.Encode(text, ids);
        if (addSpecialTokens)
            ids.AddRange(_definition.Suffix);
        return [.. ids];
    }

    /// <summary>Text of token ids. Bytes that are no UTF-8 become U+FFFD; ids without a token say nothing.</summary>
    /// <param name="ids">Ids, at least 0.</param>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _tokens.Decode(ids, skipSpecialTokens);
    }

    /// <summary>
    /// Text of a finished completion: as <see cref="Decode"/>, but where generation stopped inside a character, the bytes of that
    /// character are left out instead of becoming U+FFFD. Bytes that no further ones could complete are not.
    /// </summary>
    /// <param name="ids">Ids, at least 0.</param>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string DecodeCompletion(IReadOnlyList<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        TokenStreamDecoder decoder = CreateStreamDecoder(skipSpecialTokens); // never flushed
        return string.Concat(ids.Select(decoder.Append));
    }

    /// <summary>A decoder that takes ids one by one and gives text as soon as its characters are complete.</summary>
    /// <param name="skipSpecialTokens">Leave out tokens that the tokenizer marks as special.</param>
    public TokenStreamDecoder CreateStreamDecoder(bool skipSpecialTokens = true) => new(_tokens, skipSpecialTokens);

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

    /// <summary>Id of a token as the vocabulary writes it ("Ġthe" for " the"), or null when there is none.</summary>
    /// <param name="token">Token of the vocabulary or added token.</param>
    public int? IdOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _definition.AddedTokens.FirstOrDefault(added => added.Content == token)?.Id
            ?? (_definition.Vocab.TryGetValue(token, out int id) ? id : null);
    }

    /// <summary>A tokenizer of the same tokens with a special one, new or known, that fills up batches.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="id"><see cref="IdOf"/> of the text; <see cref="VocabularySize"/> where there is none.</param>
    internal TextTokenizer WithPadToken(string token, int id) => FromFiles(PadTokenWriter.Add(_files, token, id));

    private static TextTokenizer Create(Dictionary<string, string> files, string source)
    {
        if (!files.TryGetValue(TokenizerFiles.Tokenizer, out string? json))
        {
            if (!files.ContainsKey(TokenizerFiles.Vocab) || !files.ContainsKey(TokenizerFiles.Merges))
                throw new FileNotFoundException($"There is no tokenizer in {source}: "
                    + $"neither {TokenizerFiles.Tokenizer} nor {TokenizerFiles.Vocab} with {TokenizerFiles.Merges}.");
            LegacyVocabulary.Complete(files, source);
            json = files[TokenizerFiles.Tokenizer];
        }
        foreach (string folded in new[] { TokenizerFiles.Vocab, TokenizerFiles.Merges, TokenizerFiles.Added })
            files.Remove(folded); // tokenizer.json says it all
        TokenizerDefinition definition = TokenizerJson.Read(json, $"{TokenizerFiles.Tokenizer} of {source}");
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
