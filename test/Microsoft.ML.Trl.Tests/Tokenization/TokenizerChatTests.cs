using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>The chat template among a tokenizer's files.</summary>
[TestClass]
public sealed class TokenizerChatTests
{
    private const string Template = "{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}";

    [TestMethod]
    public void A_tokenizer_without_a_template_says_so()
    {
        TextTokenizer tokenizer = With(null, null);

        Assert.IsNull(tokenizer.ChatTemplate);
        InvalidOperationException error = Assert.ThrowsExactly<InvalidOperationException>(() => tokenizer.ApplyChatTemplate("[]"));
        Assert.AreEqual(
            "The tokenizer has no chat template: no \"chat_template\" in tokenizer_config.json and no chat_template.jinja. Use a model "
            + "that was trained on conversations, or give it a template of your own: TextTokenizer.WithChatTemplate.", error.Message);
    }

    [TestMethod]
    public void The_configuration_has_one_template_or_several_with_names()
    {
        var several = new JsonArray(Named("tool_use", "b"), Named("default", Template));

        Assert.AreEqual(Template, With(Template, null).ChatTemplate!.Text);
        Assert.AreEqual(Template, With(several, null).ChatTemplate!.Text);
        Assert.AreEqual(Template, With(new JsonArray(Named("only", Template)), null).ChatTemplate!.Text);
    }

    [TestMethod]
    public void Tools_have_a_template_of_their_own_where_there_is_one()
    {
        var tools = new ChatTemplateOptions { Tools = new JsonArray(new JsonObject { ["name"] = "f" }) };
        TextTokenizer both = With(new JsonArray(Named("tool_use", "with {{ tools[0].name }}"), Named("default", Template)), null);

        Assert.AreEqual("with f", both.ApplyChatTemplate("[]", tools).Text);
        Assert.AreEqual("<|endoftext|>", both.ApplyChatTemplate("[]").Text);
        Assert.AreEqual("<|endoftext|>", With(Template, null).ApplyChatTemplate("[]", tools).Text);
        Assert.AreEqual("b", With(both.Files()["tokenizer_config.json"], "b").ApplyChatTemplate("[]", tools).Text);
    }

    [TestMethod]
    public void Named_templates_stand_in_a_folder_of_their_own()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            With(null, "plain").Save(folder);
            Directory.CreateDirectory(Path.Combine(folder, "additional_chat_templates"));
            File.WriteAllText(Path.Combine(folder, "additional_chat_templates", "tool_use.jinja"), "tools");
            TextTokenizer tokenizer = TextTokenizer.Load(folder);
            TextTokenizer again = TextTokenizer.FromFiles(tokenizer.Files());

            foreach (TextTokenizer one in new[] { tokenizer, again })
            {
                Assert.AreEqual("plain", one.ApplyChatTemplate("[]").Text);
                Assert.AreEqual("tools", one.ApplyChatTemplate("[]", new ChatTemplateOptions { Tools = [] }).Text);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void A_file_of_its_own_counts_more() => Assert.AreEqual("b", With(Template, "b").ChatTemplate!.Text);

    [TestMethod]
    public void A_template_of_ones_own_takes_the_place_of_all_others()
    {
        var several = new JsonArray(Named("tool_use", "b"), Named("default", Template));
        var tools = new ChatTemplateOptions { Tools = [] };
        foreach (TextTokenizer before in new[] { With(null, null), With(several, null), With(Template, "c") })
        {
            TextTokenizer tokenizer = before.WithChatTemplate("{{ eos_token }}own");
            Assert.AreEqual("<|endoftext|>own", tokenizer.ApplyChatTemplate("[]").Text);
            Assert.AreEqual("<|endoftext|>own", tokenizer.ApplyChatTemplate("[]", tools).Text);
            CollectionAssert.AreEqual(before.Encode("Hello world"), tokenizer.Encode("Hello world"));
        }
    }

    [TestMethod]
    public void Special_tokens_are_variables_of_the_template()
    {
        TextTokenizer tokenizer = With(Template, null);
        var options = new ChatTemplateOptions { Variables = new Dictionary<string, JsonNode?> { ["bos_token"] = "<s>" } };

        Assert.AreEqual("<|endoftext|>[Hi]", tokenizer.ApplyChatTemplate([new ChatMessage(ChatRole.User, "Hi")]).Text);
        Assert.AreEqual("<s>[Hi]", tokenizer.ApplyChatTemplate("""[{"role": "user", "content": "Hi"}]""", options).Text);
    }

    [TestMethod]
    public void The_template_survives_saving()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            With(Template, "{{ 'ü' }}\n").Save(folder);

            Assert.AreEqual("{{ 'ü' }}\n", TextTokenizer.Load(folder).ChatTemplate!.Text);
            File.Delete(Path.Combine(folder, "chat_template.jinja"));
            Assert.AreEqual(Template, TextTokenizer.Load(folder).ChatTemplate!.Text);
            Assert.AreEqual(Template, TextTokenizer.FromFiles(TextTokenizer.Load(folder).Files()).ChatTemplate!.Text);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void A_template_that_cannot_be_read_is_told_when_it_is_asked_for()
    {
        var nameless = new JsonArray(Named("a", "a"), Named("b", "b"));

        InvalidDataException damaged = Assert.ThrowsExactly<InvalidDataException>(() => With("{% if %}", null).ChatTemplate);
        InvalidDataException unclear = Assert.ThrowsExactly<InvalidDataException>(() => With(nameless, null).ChatTemplate);
        NotSupportedException missing = Assert.ThrowsExactly<NotSupportedException>(() => With("{% include 'a' %}", null).ChatTemplate);

        Assert.StartsWith("the chat template of the given files, line 1, column 7: expected", damaged.Message);
        Assert.AreEqual(
            "The \"chat_template\" in tokenizer_config.json of the given files must be a text, or a list of objects with \"name\" "
            + "and \"template\" of which one is named \"default\". Correct it, or put the template into chat_template.jinja.",
            unclear.Message);
        Assert.Contains("the tag 'include' is not supported", missing.Message);
    }

    private static JsonObject Named(string name, string template) => new() { ["name"] = name, ["template"] = template };

    private static TextTokenizer With(JsonNode? configured, string? file)
    {
        var files = new Dictionary<string, string>(BpeTrainer.Train(["Hello world"], vocabularySize: 260).Files());
        JsonObject config = JsonNode.Parse(files["tokenizer_config.json"])!.AsObject();
        config["chat_template"] = configured;
        files["tokenizer_config.json"] = config.ToJsonString(JsonSerializerOptions.Default);
        if (file is not null)
            files["chat_template.jinja"] = file;
        return TextTokenizer.FromFiles(files);
    }
}
