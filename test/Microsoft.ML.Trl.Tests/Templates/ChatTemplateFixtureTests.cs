using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Templates of real models on fixed conversations, against what transformers made of them.</summary>
[TestClass]
public sealed class ChatTemplateFixtureTests
{
    private const string Folder = "chat_templates";

    private static readonly string[] Tokens = ["bos_token", "eos_token", "unk_token", "pad_token"];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Texts_and_spans_equal_those_of_transformers()
    {
        using JsonDocument conversations = Fixtures.SharedJson(Folder, "conversations.json");
        int passed = 0;
        List<string> wrong = [];
        foreach (string file in Directory.EnumerateFiles(Fixtures.Shared(Folder), "*__*.json").Order(StringComparer.Ordinal))
        {
            using var fixture = JsonDocument.Parse(File.ReadAllBytes(file));
            string name = fixture.RootElement.GetProperty("template").GetString()!;
            var template = ChatTemplate.Parse(File.ReadAllText(Fixtures.Shared(Folder, name)), name);
            foreach (JsonElement item in fixture.RootElement.GetProperty("cases").EnumerateArray())
                if (Difference(template, item, conversations.RootElement) is { } difference)
                    wrong.Add($"{name}, {item.GetProperty("case")}, prompt {Flag(item, "add_generation_prompt")}: {difference}");
                else
                    passed++;
        }
        TestContext.WriteLine($"{passed} renderings are equal, {wrong.Count} are not");
        Assert.IsEmpty(wrong, string.Join('\n', wrong.Take(20)));
        Assert.IsGreaterThan(0, passed);
    }

    private static string? Difference(ChatTemplate template, JsonElement item, JsonElement conversations)
    {
        string messages = conversations.GetProperty("messages").GetProperty(item.GetProperty("messages").GetString()!).GetRawText();
        RenderedChat chat;
        try
        {
            chat = template.Render(messages, Options(item, conversations));
        }
        catch (Exception e) when (e is ChatTemplateException or ArgumentException && item.TryGetProperty("error_message", out _))
        {
            string expected = item.GetProperty("error_message").GetString()!.Split('!')[0];
            return e.Message.Contains(expected, StringComparison.Ordinal) ? null : $"the error is {e.Message}, not {expected}";
        }
        if (item.TryGetProperty("error", out JsonElement missing))
            return $"no {missing}";
        string text = item.GetProperty("rendered").GetString()!;
        if (text != chat.Text)
            return $"\n{JsonSerializer.Serialize(chat.Text)} is not\n{JsonSerializer.Serialize(text)}";
        if (!item.TryGetProperty("generation_spans", out JsonElement spans))
            return null;
        string wanted = string.Join(' ', spans.EnumerateArray().Select(span => $"{span[0]}-{span[1]}"));
        string got = string.Join(' ', chat.GenerationSpans.Select(span => $"{CodePoints(text, span.Start)}-{CodePoints(text, span.End)}"));
        return wanted == got ? null : $"the spans are {got}, not {wanted}";
    }

    private static ChatTemplateOptions Options(JsonElement item, JsonElement conversations)
    {
        Dictionary<string, JsonNode?> variables = Tokens.ToDictionary(
            name => name, name => JsonNode.Parse(conversations.GetProperty(name).GetRawText()));
        if (item.TryGetProperty("kwargs", out JsonElement more))
            foreach (JsonProperty variable in more.EnumerateObject())
                variables[variable.Name] = JsonNode.Parse(variable.Value.GetRawText());
        return new ChatTemplateOptions
        {
            Tools = item.TryGetProperty("tools", out JsonElement tools)
                ? JsonNode.Parse(conversations.GetProperty(tools.GetString()!).GetRawText())!.AsArray()
                : null,
            AddGenerationPrompt = Flag(item, "add_generation_prompt"),
            ContinueFinalMessage = Flag(item, "continue_final_message"),
            Variables = variables,
            Clock = new FrozenClock(),
        };
    }

    private static bool Flag(JsonElement item, string name) => item.TryGetProperty(name, out JsonElement flag) && flag.GetBoolean();

    private static int CodePoints(string text, int offset) => text[..offset].EnumerateRunes().Count();
}
