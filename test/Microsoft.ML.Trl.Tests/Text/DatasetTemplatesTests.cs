using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>
/// Rows of conversations as texts. The template is small enough to write what it makes by hand: (user), [assistant], and [ where the
/// assistant begins.
/// </summary>
[TestClass]
public sealed class DatasetTemplatesTests
{
    private const string User = """{"role": "user", "content": "q"}""", Good = """{"role": "assistant", "content": "good"}""";
    private const string Bad = """{"role": "assistant", "content": "bad"}""";

    [TestMethod]
    [DataRow($$"""{"messages": [{{User}}, {{Good}}]}""", """{"text": "(q)[good]"}""")]
    [DataRow($$"""{"prompt": [{{User}}]}""", """{"prompt": "(q)["}""")]
    [DataRow($$"""{"prompt": [{{User}}, {{Good}}]}""", """{"prompt": "(q)[good"}""", DisplayName = "a prompt that is continued")]
    [DataRow($$"""{"prompt": [{{User}}], "completion": [{{Good}}]}""", """{"prompt": "(q)[", "completion": "good]"}""")]
    [DataRow(
        $$"""{"prompt": [{{User}}], "chosen": [{{Good}}], "rejected": [{{Bad}}]}""",
        """{"prompt": "(q)[", "chosen": "good]", "rejected": "bad]"}""")]
    [DataRow(
        $$"""{"chosen": [{{User}}, {{Good}}], "rejected": [{{User}}, {{Bad}}]}""",
        """{"chosen": "(q)[good]", "rejected": "(q)[bad]"}""")]
    [DataRow(
        $$"""{"prompt": [{{User}}], "completion": [{{Good}}], "label": false}""",
        """{"prompt": "(q)[", "completion": "good]", "label": false}""")]
    [DataRow(
        $$"""{"messages": [{{User}}], "tools": [{"function": {"name": "f"} }], "chat_template_kwargs": {"mood": "glad "}, "id": 1}""",
        """{"text": "f glad (q)"}""", DisplayName = "tools and variables")]
    public void Messages_become_texts_as_by_apply_chat_template(string row, string expected)
    {
        Same(expected, Talk.Tokenizer.ApplyChatTemplate(Row(row)));
        Same(expected, Talk.Tokenizer.MaybeApplyChatTemplate(Row(row)));
    }

    [TestMethod]
    public void Texts_stay_as_they_are() => Same(
        """{"prompt": "q", "completion": "a", "id": 1}""",
        Talk.Tokenizer.MaybeApplyChatTemplate(Row("""{"prompt": "q", "completion": "a", "id": 1}""")));

    /// <summary>A template that begins the assistant otherwise than it goes on: the prompt ends where both are the same.</summary>
    [TestMethod]
    public void A_prompt_ends_where_the_completion_goes_on_otherwise()
    {
        TextTokenizer tokenizer = Talk.With(
            Tiny.Tokenizer,
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant><think>{% endif %}");
        Same(
            """{"prompt": "<user>q<assistant>", "completion": "good"}""",
            tokenizer.ApplyChatTemplate(Row($$"""{"prompt": [{{User}}], "completion": [{{Good}}]}""")));
    }

    private static JsonObject Row(string json) => JsonNode.Parse(json)!.AsObject();

    private static void Same(string expected, JsonNode actual) =>
        Assert.IsTrue(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"expected {expected}, got {actual.ToJsonString()}");
}
