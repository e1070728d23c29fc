using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>A language of a hundred tokens in which functions are called: letters, and what the chat template writes around them.</summary>
internal static class ToolTalk
{
    /// <summary>
    /// Users say <c>&lt;u&gt;text&lt;/&gt;</c>, tools <c>&lt;t&gt;result&lt;/&gt;</c>, the assistant
    /// <c>&lt;a&gt;text&lt;call&gt;{…}&lt;/&gt;</c>; names of functions stand before everything.
    /// </summary>
    public const string Template =
        "{% if tools %}<s>{% for t in tools %}{{ t.function.name }} {% endfor %}</>{% endif %}{{ mood }}"
        + "{% for m in messages %}{% if m.role == 'assistant' %}<a>{{ m.content }}{% for c in m.tool_calls or [] %}"
        + "<call>{\"name\": {{ c.function.name | tojson }}, \"arguments\": {{ c.function.arguments | tojson }}}{% endfor %}</>"
        + "{% elif m.role == 'tool' %}<t>{{ m.content }}</>{% else %}<u>{{ m.content }}</>{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}<a>{% endif %}";

    /// <summary>A whole call in one token.</summary>
    public const string Lamp = "<call>{\"name\": \"lamp\", \"arguments\": {}}";

    private static readonly string[] Marks = ["</>", "<u>", "<a>", "<t>", "<s>", "<call>", Lamp];

    public static readonly TextTokenizer Tokenizer = With(Template);

    public static int End { get; } = Tokenizer.IdOf("</>")!.Value;

    public static TextTokenizer With(string template)
    {
        string[] letters = [.. Enumerable.Range(' ', 95).Select(letter => letter == ' ' ? "Ġ" : ((char)letter).ToString())];
        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. Marks.Select((mark, place) => new JsonObject
            {
                ["id"] = letters.Length + place, ["content"] = mark, ["special"] = place < 5, ["normalized"] = false, ["lstrip"] = false,
                ["rstrip"] = false, ["single_word"] = false,
            })]),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = new JsonObject(letters.Select((letter, id) => KeyValuePair.Create(letter, (JsonNode?)id))),
                ["merges"] = new JsonArray(),
            },
        };
        return TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["tokenizer.json"] = json.ToJsonString(),
            ["tokenizer_config.json"] = """{"eos_token": "</>"}""",
            ["chat_template.jinja"] = template,
        });
    }

    public static ModelConfig Config(int context = 256) =>
        ModelConfig.Gpt2(Tokenizer.VocabularySize, 16, 1, 2, context, dropout: 0) with { EosTokenIds = [End] };

    public static ModelSource Source(int context = 256) => ModelSource.New(Config(context), Tokenizer, 1);

    public static LanguageModel NewModel(int context = 256) =>
        Source(context).OpenPolicy(new Placement(TorchSharp.torch.CPU, TorchSharp.torch.ScalarType.Float32));

    public static int[] Ids(string text) => Tokenizer.Encode(text);

    public static string Shown(IReadOnlyList<int> ids) => Tokenizer.Decode(ids, skipSpecialTokens: false);

    /// <summary>What the policy wrote in one hand, what others said in the other; in square brackets what is not learnt.</summary>
    public static string Marked(DrawnCompletion completion)
    {
        bool[] own = completion.Own ?? [.. completion.Ids.Select(_ => true)];
        string text = "";
        for (int start = 0, end; start < own.Length; start = end)
        {
            end = start;
            while (end < own.Length && own[end] == own[start])
                end++;
            string part = Shown(completion.Ids[start..end]);
            text += own[start] ? part : $"[{part}]";
        }
        return text;
    }

    public static string Call(string name, string arguments) => $"<call>{{\"name\": \"{name}\", \"arguments\": {arguments}}}";

    public static Row[] Rows { get; } = [new() { Prompt = Ask("3*4?"), Secret = 7 }, new() { Prompt = Ask("2*5?"), Secret = 4 }];

    public static string Ask(string text) => Conversation.ToJson([new ChatMessage(ChatRole.User, text)]);

    public sealed class Row
    {
        public string Prompt { get; set; } = "";

        public int Secret { get; set; }
    }

    public sealed class Hidden
    {
        public int Secret { get; set; }
    }
}

/// <summary>Draws completions whose turns are written down beforehand.</summary>
internal sealed class ToolScript : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly LanguageModel _model;
    private readonly MultiTurnTools _tools;
    private readonly Queue<string[]> _turns;
    private readonly List<string[]> _asked = [];
    private readonly List<int> _most = [];
    private readonly List<int[]> _places = [];

    /// <param name="options">Tools and environment.</param>
    /// <param name="context">Tokens that the model reads at most.</param>
    /// <param name="turns">What is written, turn by turn, by the completions that are open then.</param>
    public ToolScript(GroupOptions options, int context, params string[][] turns)
    {
        _model = ToolTalk.NewModel(context);
        _turns = new(turns);
        _tools = new MultiTurnTools(options);
        IDataView data = _ml.Data.LoadFromEnumerable(ToolTalk.Rows);
        var reader = new PromptReader(data, "Prompt", new()) { Tools = _tools.Schemas };
        Prompts = reader.Read(_model.Codec, new RowCounts(), default);
        Rollout = new MultiTurnRollout(_model, _tools, Prompts, new TypedRows(_ml, data), options);
    }

    public ToolScript(GroupOptions options, params string[][] turns)
        : this(options, 256, turns) { }

    public List<PromptRow> Prompts { get; }

    public MultiTurnRollout Rollout { get; }

    public LanguageModel Model => _model;

    /// <summary>The texts that were to be gone on with, turn by turn.</summary>
    public IReadOnlyList<string[]> Asked => _asked;

    /// <summary>How many tokens they could have, turn by turn.</summary>
    public IReadOnlyList<int> Most => _most;

    /// <summary>To which answers they belong, turn by turn.</summary>
    public IReadOnlyList<int[]> Places => _places;

    public RolloutDraw Draw(int[] prompts, CancellationToken cancel = default) =>
        Rollout.Draw(new RolloutTask(1, prompts, [.. prompts.Select(prompt => Prompts[prompt].Prompt.Ids)]), Sample, cancel);

    public IReadOnlyList<int[]> Sample(IReadOnlyList<int[]> texts, IReadOnlyList<int> places, int most, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        _asked.Add([.. texts.Select(ToolTalk.Shown)]);
        _most.Add(most);
        _places.Add([.. places]);
        string[] turns = _turns.Dequeue();
        Assert.HasCount(texts.Count, turns, "completions that go on");
        return [.. turns.Select(turn => ToolTalk.Ids(turn))];
    }

    public void Dispose()
    {
        _tools.Dispose();
        _model.Dispose();
    }
}
