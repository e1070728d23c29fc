using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Tests.Templates;

[TestClass]
public sealed class ChatTemplateTests
{
    private const string ChatMl = "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}."
        + "{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}";

    private static readonly ChatMessage[] Conversation = [new(ChatRole.User, "Hi"), new(ChatRole.Assistant, " Ho ")];

    [TestMethod]
    public void Messages_texts_and_nodes_are_rendered_alike()
    {
        var template = ChatTemplate.Parse(ChatMl);
        const string json = """[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": " Ho "}]""";

        RenderedChat chat = template.Render(Conversation);

        Assert.AreEqual("<user>Hi\n<assistant> Ho .\n", chat.Text);
        Assert.AreEqual(new ChatSpan(20, 25), chat.GenerationSpans.Single());
        Assert.AreEqual(chat.Text, template.Render(json).Text);
        Assert.AreEqual(chat.Text, template.Render(JsonNode.Parse(json)!.AsArray()).Text);
        Assert.AreEqual(ChatMl, template.Text);
    }

    [TestMethod]
    public void A_generation_prompt_is_for_the_template_to_add()
    {
        RenderedChat chat = ChatTemplate.Parse(ChatMl).Render(Conversation, new() { AddGenerationPrompt = true });

        Assert.AreEqual("<user>Hi\n<assistant> Ho .\n<assistant>", chat.Text);
    }

    [TestMethod]
    public void A_final_message_is_continued_where_its_content_ends()
    {
        RenderedChat chat = ChatTemplate.Parse(ChatMl).Render(Conversation, new() { ContinueFinalMessage = true });

        Assert.AreEqual("<user>Hi\n<assistant> Ho ", chat.Text);
        Assert.AreEqual(new ChatSpan(20, 24), chat.GenerationSpans.Single());
    }

    [TestMethod]
    public void Where_the_template_strips_contents_a_continued_one_ends_without_blanks()
    {
        var template = ChatTemplate.Parse("[{{ messages[-1].content|trim }}]");

        Assert.AreEqual("[Ho", template.Render(Conversation, new() { ContinueFinalMessage = true }).Text);
    }

    [TestMethod]
    public void The_last_part_with_a_text_is_continued()
    {
        var template = ChatTemplate.Parse("{% for p in messages[0].content %}[{{ p.text }}]{% endfor %}");
        const string json = """[{"role": "user", "content": [{"text": "a"}, {"text": "b"}, {"type": "image"}]}]""";

        Assert.AreEqual("[a][b", template.Render(json, new() { ContinueFinalMessage = true }).Text);
    }

    [TestMethod]
    [DataRow("[]", "the last message has no \"content\"")]
    [DataRow("""[{"role": "user"}]""", "the last message has no \"content\"")]
    [DataRow("""[{"role": "user", "content": null}]""", "content is no text and has no part with a \"text\"")]
    [DataRow("""[{"role": "user", "content": [{"type": "image"}]}]""", "content is no text and has no part with a \"text\"")]
    public void Nothing_cannot_be_continued(string messages, string expected)
    {
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(
            () => ChatTemplate.Parse(ChatMl).Render(messages, new() { ContinueFinalMessage = true }));

        Assert.Contains(expected, error.Message);
        Assert.EndsWith("there is nothing to continue. Give the last message a text, or set it to false.", error.Message);
    }

    [TestMethod]
    public void A_content_that_the_template_leaves_out_cannot_be_continued()
    {
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(
            () => ChatTemplate.Parse("a").Render(Conversation, new() { ContinueFinalMessage = true }));

        Assert.Contains("the final message does not appear in the chat after applying the chat template!", error.Message);
    }

    [TestMethod]
    public void A_new_message_and_the_last_one_cannot_both_follow()
    {
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(
            () => ChatTemplate.Parse(ChatMl).Render(Conversation, new() { ContinueFinalMessage = true, AddGenerationPrompt = true }));

        Assert.StartsWith("AddGenerationPrompt and ContinueFinalMessage are both true;", error.Message);
        Assert.EndsWith("Set one of them to false.", error.Message);
    }

    [TestMethod]
    [DataRow("{", "The messages are not JSON that can be read: ")]
    [DataRow("{}", "The messages are a JSON Object. ")]
    [DataRow("[\"\\ud800\"]", "The messages are not JSON that can be read: The text at 2 has half of a surrogate pair")]
    public void Texts_that_are_no_messages_are_told(string messages, string expected)
    {
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => ChatTemplate.Parse(ChatMl).Render(messages));

        Assert.StartsWith(expected, error.Message);
        Assert.EndsWith("They must be an array of objects with \"role\" and \"content\".", error.Message);
    }

    [TestMethod]
    public void Tools_documents_and_variables_reach_the_template()
    {
        var template = ChatTemplate.Parse(
            "{{ tools[0].name }}{{ documents[0].text }}{{ bos_token }}{{ enable_thinking }}{{ pad_token is defined }}"
            + "{{ big }}{{ one }}{{ two }}");
        var options = new ChatTemplateOptions
        {
            Tools = [new JsonObject { ["name"] = "f" }],
            Documents = [new JsonObject { ["text"] = "d" }],
            Variables = new Dictionary<string, JsonNode?>
            {
                ["bos_token"] = "<s>", ["enable_thinking"] = false, ["big"] = JsonNode.Parse("123456789012345678901234567890"),
                ["one"] = 1, ["two"] = 2.0,
            },
        };

        Assert.AreEqual("fd<s>FalseFalse12345678901234567890123456789012.0", template.Render("[]", options).Text);
        Assert.AreEqual("True True", ChatTemplate.Parse("{{ tools is none }} {{ documents is none }}").Render("[]").Text);
    }

    [TestMethod]
    public void Calls_results_reasoning_and_further_fields_reach_the_template()
    {
        ChatMessage call = new(ChatRole.Assistant, [
            new TextReasoningContent("hm"), new TextContent("well"),
            new FunctionCallContent("c1", "f", new Dictionary<string, object?> { ["x"] = 1.5 }),
        ]);
        ChatMessage result = new(ChatRole.Tool, [new FunctionResultContent("c1", "warm"), new FunctionResultContent("c2", new[] { 1, 2 })]);
        ChatMessage named = new(ChatRole.User, "Hi") { AuthorName = "Ann", AdditionalProperties = new() { ["mood"] = "good" } };
        const string template = "{{ messages[0].content }} {{ messages[0].reasoning_content }} {{ messages[0].tool_calls[0].id }} "
            + "{{ messages[0].tool_calls[0].function.name }} {{ messages[0].tool_calls[0].function.arguments|tojson }}|"
            + "{% for m in messages[1:3] %}{{ m.role }} {{ m.tool_call_id }} {{ m.content }}|{% endfor %}"
            + "{{ messages[3].name }} {{ messages[3].mood }} {{ messages[3].tool_calls is undefined }}";

        Assert.AreEqual(
            """well hm c1 f {"x": 1.5}|tool c1 warm|tool c2 [1,2]|Ann good True""",
            ChatTemplate.Parse(template).Render([call, result, named]).Text);
    }

    [TestMethod]
    public void Data_that_is_nested_too_deeply_is_told()
    {
        JsonNode nested = new JsonArray();
        for (int i = 0; i < 300; i++)
            nested = new JsonArray(nested);

        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(() => ChatTemplate.Parse("a").Render((JsonArray)nested));

        Assert.AreEqual(
            "The JSON is nested in more than 256 levels; give messages, tools and documents as they are meant.", error.Message);
    }

    [TestMethod]
    public void One_template_serves_many_threads()
    {
        var template = ChatTemplate.Parse(ChatMl);
        string expected = template.Render(Conversation).Text;

        Assert.IsTrue(Enumerable.Range(0, 200).AsParallel().All(_ => template.Render(Conversation).Text == expected));
    }
}
