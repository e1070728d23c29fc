using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>A tokenizer.json small enough to work out by hand: the letters a b c d, a blank, x, and "ab", "abc" made by merges.</summary>
internal static class TinyTokenizer
{
    public const int A = 0, B = 1, C = 2, D = 3, Blank = 4, X = 5, Ab = 6, Abc = 7, BlankAb = 8, Mark = 9;

    private const string Json = """
        {
          "added_tokens": [
            {"id": 9, "content": "<m>", "special": true, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false}
          ],
          "normalizer": null,
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
          "post_processor": null,
          "decoder": {"type": "ByteLevel"},
          "model": {
            "type": "BPE",
            "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "Ġ": 4, "x": 5, "ab": 6, "abc": 7, "Ġab": 8},
            "merges": ["a b", "ab c", "Ġ ab"]
          }
        }
        """;

    /// <summary>The files after a change to tokenizer.json.</summary>
    public static Dictionary<string, string> Files(Action<JsonObject>? change = null)
    {
        JsonObject json = JsonNode.Parse(Json)!.AsObject();
        change?.Invoke(json);
        return new Dictionary<string, string> { ["tokenizer.json"] = json.ToJsonString() };
    }

    public static TextTokenizer Create(Action<JsonObject>? change = null) => TextTokenizer.FromFiles(Files(change));

    /// <summary>The tokenizer whose only added token has these properties set.</summary>
    public static TextTokenizer WithMark(params string[] properties) => Create(json =>
    {
        foreach (string property in properties)
            json["added_tokens"]![0]![property] = true;
    });
}
