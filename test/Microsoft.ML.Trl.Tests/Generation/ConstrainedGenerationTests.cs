using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Whatever a model with random weights writes under a constraint matches it.</summary>
[TestClass]
public sealed class ConstrainedGenerationTests
{
    private const string Schema =
        """
        {"type":"object","required":["name","tags"],"properties":{
            "name":{"type":"string","maxLength":4},
            "age":{"type":"integer"},
            "tags":{"type":"array","maxItems":2,"items":{"enum":["good","bad",null]}},
            "inner":{"type":"object","properties":{"flag":{"type":"boolean"}}}}}
        """;

    private static readonly int[] Prompt = Tiny.Tokenizer.Encode("the film");

    private static readonly int End = Tiny.Tokenizer.IdOf("Z")!.Value; // a token of text may end texts, too

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("(the film was (good|bad)[.!]? ?){1,2}", false, 1)]
    [DataRow("(the film was (good|bad)[.!]? ?){1,2}", true, 1)]
    [DataRow("[a-f\u00e4\U0001F600]{1,12}", true, 1)]
    [DataRow(@"\d{1,3}(\.\d\d)?", true, 1)]
    [DataRow("(the film was (good|bad)[.!]? ?){1,2}", false, 3)]
    [DataRow(@"-?\d{1,3}", true, 3)]
    public void Every_text_matches_the_regular_expression(string pattern, bool draws, int beams)
    {
        using LanguageModel model = Tiny.Model();
        Regex expected = new($@"\A(?:{pattern})\z");
        GenerationOptions options = new()
        {
            MaxNewTokens = 26, DoSample = draws, Temperature = draws ? 3 : 1, NumBeams = beams, EosTokenIds = [End],
            Constraint = TextConstraint.Regex(pattern),
        };
        GenerationResult result = Generate(model, options, rows: 12);
        for (int row = 0; row < result.Tokens.Count; row++)
        {
            int[] tokens = result.Tokens[row];
            bool ended = tokens[^1] == End;
            Assert.DoesNotContain(End, tokens[..^1]);
            string text = model.Tokenizer.DecodeCompletion(ended ? tokens[..^1] : tokens);
            Assert.AreEqual(result.Finished[row], options.Constraint.Matches(text), $"'{text}'");
            if (!pattern.Contains('\u00e4', StringComparison.Ordinal))
                Assert.AreEqual(result.Finished[row], expected.IsMatch(text), $"'{text}'");
            Assert.IsTrue(result.Finished[row] || tokens.Length == 26, $"'{text}' was cut");
        }
        Assert.IsGreaterThan(6, result.Finished.Count(finished => finished), "most texts are complete");
    }

    [TestMethod]
    public void Every_text_is_json_that_is_valid_under_the_schema()
    {
        using LanguageModel model = Tiny.Source(1, context: 120).OpenPolicy(new Placement(CPU, ScalarType.Float32));
        GenerationOptions options = new()
        {
            MaxNewTokens = 110, Temperature = 2, EosTokenIds = [End], NumReturnSequences = 20,
            Constraint = TextConstraint.JsonSchema(Schema),
        };
        GenerationResult result = Generate(model, options, rows: 1);
        HashSet<string> seen = [];
        for (int row = 0; row < result.Tokens.Count; row++)
        {
            string text = model.Tokenizer.Decode([.. result.Tokens[row].Where(token => token != End)]);
            if (!result.Finished[row])
                continue;
            seen.Add(text);
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            Assert.IsTrue(root.EnumerateObject().All(IsValid), text);
            Assert.IsTrue(root.TryGetProperty("name", out _) && root.TryGetProperty("tags", out _), text);
        }
        Assert.IsGreaterThan(10, seen.Count, "most are complete, and differ");
    }

    [TestMethod]
    public void Without_end_tokens_a_text_ends_where_nothing_can_follow()
    {
        using LanguageModel model = Tiny.Model();
        GenerationOptions options = new() { EosTokenIds = [], Constraint = TextConstraint.Regex("the (film|plot)") };
        string text = model.Complete("a story", options, TestContext.CancellationToken);
        Assert.IsTrue(text is "the film" or "the plot", text);
        Assert.IsTrue(Generate(model, options, 1).Finished[0]);
        Assert.IsFalse(Generate(model, options with { MaxNewTokens = 1, Constraint = TextConstraint.Regex("q{20}") }, 1).Finished[0]);
        GenerationResult cut = Generate(model, options with { MaxNewTokens = 3, Constraint = TextConstraint.Regex("(q|x)*") }, 1);
        Assert.IsTrue(cut.Finished[0], "complete at its limit");
    }

    [TestMethod]
    public async Task Streams_are_constrained_too()
    {
        using LanguageModel model = Tiny.Model();
        GenerationOptions options = new() { EosTokenIds = [End], Constraint = TextConstraint.Regex("(good|bad){3}") };
        string text = "";
        await foreach (string piece in model.StreamAsync("the film was ", options, TestContext.CancellationToken))
            text += piece;
        Assert.AreEqual(model.Complete("the film was ", options, TestContext.CancellationToken), text);
        StringAssert.Matches(text, new Regex("^(good|bad){3}"));
    }

    /// <summary>Tokens say the blank that they begin with, but not at the beginning of a text, where the tokenizer puts it.</summary>
    [TestMethod]
    [DataRow("always", "(ab|abc|b)( ab| x){2}")]
    [DataRow("never", " ?(ab|abc|b)( ab| x){2}")]
    [DataRow("never", "( ab| x){3}")]
    public void Texts_of_tokens_that_depend_on_their_place_match(string scheme, string pattern)
    {
        TextTokenizer tokenizer = TinyTokenizer.Create(json =>
        {
            string settings = $$"""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "{{scheme}}"}""";
            JsonNode metaspace = JsonNode.Parse(settings)!;
            (json["pre_tokenizer"], json["decoder"]) = (metaspace, metaspace.DeepClone());
            json["model"]!["vocab"] = JsonNode.Parse("""{"a":0,"b":1,"c":2,"d":3,"▁":4,"x":5,"ab":6,"abc":7,"▁ab":8}""");
            json["model"]!["merges"] = JsonNode.Parse("""["a b", "ab c", "▁ ab"]""");
        });
        using LanguageModel model = new(CausalLanguageModel.Create(ModelConfig.Gpt2(12, 8, 1, 1, 32), 1), tokenizer);
        GenerationOptions options =
            new() { Constraint = TextConstraint.Regex(pattern), EosTokenIds = [11], MaxNewTokens = 12, Temperature = 3 };
        Regex expected = new($@"\A(?:{pattern})\z");
        string[] prompts = [.. Enumerable.Range(1, 12).Select(count => string.Concat(Enumerable.Repeat("ab ", count)))];
        HashSet<string> texts = [.. model.Complete(prompts, options, TestContext.CancellationToken)];
        Assert.IsGreaterThan(3, texts.Count);
        Assert.IsEmpty(texts.Where(text => !expected.IsMatch(text)), string.Join("|", texts));
    }

    [TestMethod]
    public void Nothing_is_left_behind()
    {
        using LanguageModel model = Tiny.Model();
        GenerationOptions options = new() { MaxNewTokens = 8, Constraint = TextConstraint.Regex("[ab]*") };
        Leaks.None(() => Generate(model, options, 2));
        Leaks.None(() => Generate(model, options with { NumBeams = 2 }, 2));
    }

    private static bool IsValid(JsonProperty property) => (property.Name, property.Value) switch
    {
        ("name", { ValueKind: JsonValueKind.String } name) => name.GetString()!.EnumerateRunes().Count() <= 4,
        ("age", { ValueKind: JsonValueKind.Number } age) => age.GetRawText().TrimStart('-').All(char.IsAsciiDigit),
        ("tags", { ValueKind: JsonValueKind.Array } tags) =>
            tags.GetArrayLength() <= 2 && tags.EnumerateArray().All(tag => tag.ToString() is "good" or "bad" or ""),
        ("inner", { ValueKind: JsonValueKind.Object } inner) =>
            inner.EnumerateObject().All(flag => flag.Name == "flag" && flag.Value.ValueKind is JsonValueKind.True or JsonValueKind.False),
        _ => false,
    };

    private static GenerationResult Generate(LanguageModel model, GenerationOptions options, int rows) =>
        new TokenGenerator(model.Network) { Tokenizer = model.Tokenizer }.Generate([.. Enumerable.Repeat(Prompt, rows)], options);
}
