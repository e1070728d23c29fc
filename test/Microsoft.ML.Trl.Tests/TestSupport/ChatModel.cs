namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>A tiny language model with a chat template.</summary>
internal static class ChatModel
{
    public static LanguageModel Make(
        string template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}[assistant]{% endif %}")
    {
        TextTokenizer tokenizer = TextTokenizer.FromFiles(
            new Dictionary<string, string>(Tiny.Tokenizer.Files()) { ["chat_template.jinja"] = template });
        return new LanguageModel(CausalLanguageModel.Create(Tiny.Config(context: 512), 1), tokenizer);
    }
}
