using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Gives the files of a tokenizer a pad token, as <c>add_special_tokens</c> of transformers does.</summary>
internal static class PadTokenWriter
{
    /// <summary>The files with a special token that fills up batches.</summary>
    /// <param name="files">Those of a tokenizer; they stay as they are.</param>
    /// <param name="token">Its text.</param>
    /// <param name="id">Its number: the one that the tokenizer has for the text, else the first above all others.</param>
    public static Dictionary<string, string> Add(IReadOnlyDictionary<string, string> files, string token, int id)
    {
        JsonObject tokenizer = Parse(files, TokenizerFiles.Tokenizer);
        JsonObject config = Parse(files, TokenizerFiles.Config);
        JsonObject names = Parse(files, TokenizerFiles.SpecialTokens);
        AddToken(tokenizer, new AddedToken(id, token, Special: true));
        if (tokenizer["padding"] is JsonObject padding)
            (padding["pad_id"], padding["pad_token"]) = (id, token);
        if (config["added_tokens_decoder"] is JsonObject listed)
        {
            JsonObject entry = Node(new AddedToken(id, token, Special: true));
            entry.Remove("id"); // it is the key there
            listed[id.ToString(CultureInfo.InvariantCulture)] = entry;
        }
        (config["pad_token"], names["pad_token"]) = (token, token);
        return new Dictionary<string, string>(files)
        {
            [TokenizerFiles.Tokenizer] = tokenizer.ToJsonString(TokenizerWriter.Options),
            [TokenizerFiles.Config] = config.ToJsonString(TokenizerWriter.Indented),
            [TokenizerFiles.SpecialTokens] = names.ToJsonString(TokenizerWriter.Indented),
        };
    }

    /// <remarks>
    /// Hugging Face's tokenizers number an added token by the size of the model's vocabulary and the added tokens before it, whatever id
    /// the file gives it. So the new one comes last, and the vocabulary grows only where that renumbers no other token.
    /// </remarks>
    private static void AddToken(JsonObject tokenizer, AddedToken token)
    {
        if (tokenizer["added_tokens"] is not JsonArray added)
            tokenizer["added_tokens"] = added = [];
        if (tokenizer["model"]!["vocab"] is JsonObject vocab && added.All(other => vocab.ContainsKey((string)other!["content"]!)))
            vocab[token.Content] = token.Id; // a Unigram's vocabulary is a list of tokens and scores, and stays as it is
        if (added.FirstOrDefault(other => (string)other!["content"]! == token.Content) is JsonObject known)
            known["special"] = true;
        else
            added.Add(Node(token));
    }

    private static JsonObject Node(AddedToken token) => JsonSerializer.SerializeToNode(token, TokenizerWriter.Options)!.AsObject();

    private static JsonObject Parse(IReadOnlyDictionary<string, string> files, string name) => StrictJson.Object(files[name]);
}
