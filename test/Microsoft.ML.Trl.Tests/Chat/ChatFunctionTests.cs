using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Chat;

/// <summary>Calls of functions in the answers of a chat client. What the model writes is held to a schema, so that it is a call.</summary>
[TestClass]
public sealed class ChatFunctionTests
{
    private const string Template =
        "{% for m in messages %}<{{ m.role }}>{% if m.tool_calls %}{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": "
        + "{{ m.tool_calls[0].function.arguments | tojson }}}{% else %}{{ m.content }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}";

    private static readonly ChatMessage Asks = new(ChatRole.User, "the film");

    private static readonly AITool Lamp = AIFunctionFactory.Create(() => "on", "lamp");

    [TestMethod]
    public async Task A_call_comes_as_one_and_its_result_goes_back()
    {
        using LanguageModel model = ChatModel.Make(Template);
        using IChatClient client = model.AsChatClient();
        ChatOptions options = Says("""{"const": "lamp"}""", Lamp);
        ChatResponse response = await client.GetResponseAsync([Asks], options);
        FunctionCallContent call = response.Messages.Single().Contents.OfType<FunctionCallContent>().Single();
        Assert.AreEqual(("lamp", 0, null, ""), (call.Name, call.Arguments!.Count, call.Exception, response.Text));
        Assert.AreEqual(ChatFinishReason.ToolCalls, response.FinishReason);
        Assert.IsGreaterThan(10, response.Usage!.OutputTokenCount!.Value);

        ChatMessage result = new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "on")]);
        ChatResponse next = await client.GetResponseAsync([Asks, .. response.Messages, result], options);
        Assert.AreNotEqual(call.CallId, next.Messages.Single().Contents.OfType<FunctionCallContent>().Single().CallId);
    }

    [TestMethod]
    public async Task Without_functions_or_a_template_that_writes_calls_it_is_text()
    {
        using LanguageModel model = ChatModel.Make(Template);
        ChatResponse alone = await model.AsChatClient().GetResponseAsync([Asks], Says("""{"const": "lamp"}"""));
        using LanguageModel mute = ChatModel.Make("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>");
        ChatResponse told = await mute.AsChatClient().GetResponseAsync([Asks], Says("""{"const": "lamp"}""", Lamp));
        foreach (ChatResponse response in new[] { alone, told })
            Assert.AreEqual("lamp", JsonDocument.Parse(response.Text).RootElement.GetProperty("name").GetString());
        Assert.AreNotEqual(ChatFinishReason.ToolCalls, told.FinishReason);
    }

    [TestMethod]
    public async Task What_is_no_call_is_said_in_one_piece()
    {
        using LanguageModel model = ChatModel.Make(Template);
        ChatOptions plain = new() { Temperature = 0, MaxOutputTokens = 6 }, told = plain.Clone();
        told.Tools = [Lamp];
        string expected = (await model.AsChatClient().GetResponseAsync([Asks], plain)).Text;
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in model.AsChatClient().GetStreamingResponseAsync([Asks], told))
            updates.Add(update);
        Assert.HasCount(2, updates);
        Assert.AreEqual(expected, updates[0].Text);
        Assert.AreEqual(ChatFinishReason.Length, updates[1].FinishReason);
    }

    private static ChatOptions Says(string name, params AITool[] tools)
    {
        using var schema = JsonDocument.Parse($$"""
            {
              "type": "object", "required": ["name", "parameters"], "additionalProperties": false,
              "properties": {
                "name": {{name}}, "parameters": {"type": "object", "properties": {}, "additionalProperties": false}
              }
            }
            """);
        return new ChatOptions
        {
            Temperature = 0, MaxOutputTokens = 60, Tools = tools,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema.RootElement.Clone()),
        };
    }
}
