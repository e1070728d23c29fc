using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The chat templates among a tokenizer's files, each read when it is first asked for, and the tokens they can name.</summary>
internal sealed class TokenizerChat
{
    /// <summary>A file that holds nothing but the template; where it is there, it counts.</summary>
    public const string File = "chat_template.jinja";

    /// <summary>A folder of further templates, each called after its file.</summary>
    public const string MoreFolder = "additional_chat_templates";

    private const string Key = "chat_template", DefaultName = "default", ToolName = "tool_use";
    private const int MostTemplates = 100;

    private readonly Lazy<ChatTemplate?> _default, _toolUse;
    private readonly Lazy<Dictionary<string, JsonNode?>> _tokens;

    /// <param name="files">Files of a tokenizer.</param>
    /// <param name="source">Where they come from, for messages.</param>
    public TokenizerChat(IReadOnlyDictionary<string, string> files, string source)
    {
        _default = new(() => files.TryGetValue(File, out string? whole) ? ChatTemplate.Parse(whole, source) : Configured(DefaultName));
        _toolUse = new(() => files.ContainsKey(File) ? null : Configured(ToolName));
        _tokens = new(() => SpecialTokens(files));

        ChatTemplate? Configured(string name) =>
            Named(files[TokenizerFiles.Config], source, name) is { } text ? ChatTemplate.Parse(text, source) : null;
    }

    /// <summary>The template; of several, the one named "default". Null where there is none.</summary>
    /// <exception cref="InvalidDataException">There is one that is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here.</exception>
    public ChatTemplate? Default => _default.Value;

    /// <summary>The template for conversations with tools: the one named "tool_use" where there is one.</summary>
    /// <exception cref="InvalidDataException">There is one that is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here.</exception>
    public ChatTemplate? ForTools => _toolUse.Value ?? Default;

    /// <summary>bos_token, eos_token and the others that are set, as variables of the template.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Tokens => _tokens.Value;

    /// <summary>Puts the templates of a folder's files into its tokenizer_config.json, which can hold several with names.</summary>
    /// <param name="folder">Of a tokenizer.</param>
    /// <param name="files">What was read of it.</param>
    /// <exception cref="InvalidDataException">A file is no text, or there are too many.</exception>
    public static void Collect(string folder, Dictionary<string, string> files)
    {
        string more = Path.Combine(folder, MoreFolder);
        string[] paths = Directory.Exists(more) ? [.. Directory.EnumerateFiles(more, "*.jinja").Take(MostTemplates + 1)] : [];
        if (paths.Length == 0)
            return;
        if (paths.Length > MostTemplates)
            throw new InvalidDataException($"'{more}' holds more than {MostTemplates} templates; leave those that are used.");
        JsonArray all = files.Remove(File, out string? whole) ? [Entry(DefaultName, whole)] : [];
        foreach (string path in paths.Order(StringComparer.Ordinal))
            all.Add(Entry(Path.GetFileNameWithoutExtension(path), BoundedText.ReadFile(path, BoundedText.Small)));
        JsonObject config = Config(files, folder);
        config[Key] = all;
        files[TokenizerFiles.Config] = config.ToJsonString();

        static JsonObject Entry(string name, string template) => new() { ["name"] = name, ["template"] = template };
    }

    private static JsonObject Config(Dictionary<string, string> files, string folder)
    {
        if (!files.TryGetValue(TokenizerFiles.Config, out string? json))
            return [];
        try
        {
            return StrictJson.Node(json) as JsonObject
                ?? throw new JsonException("it is no JSON object.");
        }
        catch (JsonException cause)
        {
            throw new InvalidDataException($"{TokenizerFiles.Config} of '{folder}' cannot be read: {cause.Message}", cause);
        }
    }

    private static Dictionary<string, JsonNode?> SpecialTokens(IReadOnlyDictionary<string, string> files)
    {
        var tokens = new Dictionary<string, JsonNode?>();
        foreach (string name in new[] { TokenizerFiles.SpecialTokens, TokenizerFiles.Config })
        {
            using var document = StrictJson.Document(files[name]);
            foreach (JsonProperty entry in document.RootElement.EnumerateObject())
                if (entry.Name.EndsWith("_token", StringComparison.Ordinal) && Content(entry.Value, "content") is { } token)
                    tokens[entry.Name] = token;
        }
        return tokens;
    }

    /// <summary>The template of a name; any name's where there is but one, which is the default then.</summary>
    private static string? Named(string json, string source, string name)
    {
        using var document = StrictJson.Document(json);
        if (document.RootElement.Get(Key) is not { } entry)
            return null;
        if (entry.ValueKind == JsonValueKind.Array)
        {
            JsonElement[] several = [.. entry.EnumerateArray()];
            JsonElement chosen = several.Length == 1 ? several[0] : Array.Find(several, one => Content(one, "name") == name);
            if (chosen.ValueKind == JsonValueKind.Undefined && name != DefaultName)
                return null;
            entry = chosen.ValueKind == JsonValueKind.Undefined ? entry : chosen;
        }
        return Content(entry, "template") ?? throw new InvalidDataException(
            $"The \"{Key}\" in {TokenizerFiles.Config} of {source} must be a text, or a list of objects with \"name\" and \"template\" of "
            + $"which one is named \"{DefaultName}\". Correct it, or put the template into {File}.");
    }

    // a text, or an object that has one
    private static string? Content(JsonElement element, string key) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Object when element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            => value.GetString(),
        _ => null,
    };
}
