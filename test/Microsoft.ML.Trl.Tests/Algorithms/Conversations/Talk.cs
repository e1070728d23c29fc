using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Conversations;

/// <summary>Conversations for the tiny models, and how their template writes them.</summary>
internal static class Talk
{
    /// <summary>A message of a user is <c>(text)</c>, one of the assistant <c>[text]</c>; tools and a mood stand before them.</summary>
    public const string Template =
        "{% if tools %}{% for t in tools %}{{ t.function.name }} {% endfor %}{% endif %}{{ mood }}"
        + "{% for m in messages %}{% if m.role == 'assistant' %}[{% generation %}{{ m.content }}]{% endgeneration %}"
        + "{% elif m.role == 'user' %}({{ m.content }}){% else %}{{ raise_exception('no ' ~ m.role) }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}[{% endif %}";

    public static readonly TextTokenizer Tokenizer = With(Tiny.Tokenizer, Template);

    public static readonly ModelConfig Config = Tiny.Config(context: 96);

    public static readonly ConversationOptions AsConversations = new();

    public static ModelSource Source(int seed = 1) => ModelSource.New(Config, Tokenizer, seed);

    public static TextTokenizer With(TextTokenizer tokenizer, string template) =>
        TextTokenizer.FromFiles(new Dictionary<string, string>(tokenizer.Files()) { ["chat_template.jinja"] = template });

    /// <summary>A conversation in which the user begins.</summary>
    public static string Json(params string[] turns) => Conversation.ToJson(turns.Select((text, turn) =>
        new ChatMessage(turn % 2 == 0 ? ChatRole.User : ChatRole.Assistant, text)));

    /// <summary>What the assistant says.</summary>
    public static string Says(string text) => Conversation.ToJson([new ChatMessage(ChatRole.Assistant, text)]);

    public static int[] Ids(string text) => Tokenizer.Encode(text);

    /// <summary>A row that every stage can read.</summary>
    public sealed class Row
    {
        public string Messages { get; set; } = "";

        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public string Chosen { get; set; } = "";

        public string Rejected { get; set; } = "";

        public string Tools { get; set; } = "";

        public string ChatTemplateKwargs { get; set; } = "";
    }

    /// <summary>Rows for every method.</summary>
    public static Row[] Rows { get; } =
    [
        Pair("the film", "was good", "was bad"), Pair("a", "good story", "bad story"), Pair("the plot", "was rich", "was thin"),
        Pair("the story", "was warm", "was cold"),
    ];

    private static Row Pair(string prompt, string better, string worse) => new()
    {
        Prompt = Json(prompt),
        Completion = Says(better),
        Chosen = Says(better),
        Rejected = Says(worse),
    };
}
