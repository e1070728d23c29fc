using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Text;

/// <summary>A call of a function that a model wrote.</summary>
/// <param name="Name">Of the function; empty where it cannot be read.</param>
/// <param name="Arguments">By their names; null where they cannot be read.</param>
/// <param name="Problem">Why it cannot be made, for the model to read; null = it can.</param>
internal sealed record ParsedCall(string Name, JsonObject? Arguments, string? Problem = null)
{
    /// <summary>The call as a message holds it.</summary>
    /// <param name="id">By which its result names it.</param>
    public FunctionCallContent Content(string id) =>
        new(id, Name, Arguments?.ToDictionary(pair => pair.Key, pair => (object?)pair.Value))
        {
            Exception = Problem is { } problem ? new FormatException(problem) : null,
        };

    /// <summary>The id of a call: nine letters and digits, which is what some templates ask for.</summary>
    /// <param name="number">Of the call in its conversation, from 0.</param>
    public static string Id(int number) => FormattableString.Invariant($"call{number:D5}");
}

/// <summary>What a model wrote in one turn.</summary>
/// <param name="Text">Beside the calls.</param>
/// <param name="Calls">In their order; those that cannot be read, too.</param>
internal sealed record ParsedTurn(string Text, IReadOnlyList<ParsedCall> Calls);

/// <summary>How a model writes calls of functions: as its chat template does, which is asked to write one.</summary>
internal abstract partial class ToolCallFormat
{
    private const string Name = "probe_function", Key = "probe_key", Value = "probe_value";

    private static readonly ChatMessage Question = new(ChatRole.User, "A question.");

    /// <summary>Finds the calls in a turn.</summary>
    /// <param name="text">The turn without its end token, special tokens written out.</param>
    public abstract ParsedTurn Parse(string text);

    /// <summary>The format of a model.</summary>
    /// <param name="tokenizer">Has a chat template.</param>
    /// <param name="options">With the functions that it is told of.</param>
    /// <exception cref="InvalidOperationException">The template knows no calls.</exception>
    /// <exception cref="NotSupportedException">It writes them in a way that is not read.</exception>
    public static ToolCallFormat Of(TextTokenizer tokenizer, ChatTemplateOptions options)
    {
        var call = new ChatMessage(ChatRole.Assistant,
            [new FunctionCallContent(ParsedCall.Id(0), Name, new Dictionary<string, object?> { [Key] = Value })]);
        string asked, called;
        try
        {
            asked = tokenizer.ApplyChatTemplate([Question], options with { AddGenerationPrompt = true }).Text;
            called = tokenizer.ApplyChatTemplate([Question, call], options).Text;
        }
        catch (ChatTemplateException cause)
        {
            throw new InvalidOperationException($"The model's chat template refuses calls of functions: {cause.Message} {Advice}", cause);
        }
        string turn = called[asked.AsSpan().CommonPrefixLength(called)..];
        if (!turn.Contains(Name, StringComparison.Ordinal) || !turn.Contains(Value, StringComparison.Ordinal))
            throw new InvalidOperationException($"The model's chat template leaves calls of functions out. {Advice}");
        if (turn.Contains($"<function={Name}>", StringComparison.Ordinal))
            return new TaggedCalls();
        for (int start = turn.IndexOf('{'); start >= 0; start = turn.IndexOf('{', start + 1))
            if (JsonCalls.First(turn[start..], out _) is JsonObject found && JsonCalls.Read(found).Name == Name)
                return new JsonCalls(Marker().Match(turn[..start]).Groups[1].Value);
        throw new NotSupportedException(
            $"The model's chat template writes calls of functions in a way that is not read here: '{turn.Trim()}'. What is read is JSON "
            + "with \"name\" and \"arguments\" or \"parameters\", behind a mark or alone, and <function=name><parameter=name>. Put a "
            + "template that writes one of these into the tokenizer's chat_template.jinja.");
    }

    private const string Advice =
        "Use a model that was trained to call functions, or put a template that writes them into the tokenizer's chat_template.jinja.";

    // the last word before the JSON, be it of a list or not
    [GeneratedRegex(@"(<[^<>\s]+>|\[[^\[\]\s]+\]|\S+)\s*\[?\s*$", RegexOptions.RightToLeft | RegexOptions.CultureInvariant)]
    private static partial Regex Marker();

    /// <summary>JSON behind a mark, or alone.</summary>
    /// <param name="marker">What every call, or list of calls, begins with; empty = a call is the whole turn.</param>
    private sealed partial class JsonCalls(string marker) : ToolCallFormat
    {
        public override ParsedTurn Parse(string text)
        {
            if (marker.Length == 0)
                return Bare().IsMatch(text) ? new ParsedTurn("", [.. Calls(text)]) : new ParsedTurn(text, []);
            string[] parts = text.Split(marker);
            return new ParsedTurn(parts.Length > 1 ? parts[0].TrimEnd() : text, [.. parts.Skip(1).SelectMany(Calls)]);
        }

        /// <summary>The JSON value that a text begins with, whatever follows it; null where there is none.</summary>
        public static JsonNode? First(string text, out string problem)
        {
            problem = "";
            try
            {
                var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text.TrimStart()));
                return StrictJson.Node(JsonElement.ParseValue(ref reader).GetRawText());
            }
            catch (Exception cause) when (cause is JsonException or ArgumentException)
            {
                problem = cause.Message;
                return null;
            }
        }

        public static ParsedCall Read(JsonNode? node)
        {
            JsonObject? call = node as JsonObject;
            call = call?["function"] as JsonObject ?? call;
            if (call?["name"] is not JsonValue value || !value.TryGetValue(out string? name))
                return new ParsedCall("", null, "A call must be a JSON object with \"name\" and \"arguments\".");
            return (call["arguments"] ?? call["parameters"]) switch
            {
                null => new ParsedCall(name, []),
                JsonObject arguments => new ParsedCall(name, arguments),
                JsonValue text when text.TryGetValue(out string? json) && First(json, out _) is JsonObject arguments =>
                    new ParsedCall(name, arguments),
                _ => new ParsedCall(name, null, $"The arguments of {name} must be a JSON object."),
            };
        }

        private static IEnumerable<ParsedCall> Calls(string text)
        {
            JsonNode? value = First(text, out string problem);
            if (problem.Length > 0)
                return [new ParsedCall("", null, $"The call is no JSON that can be read: {problem}")];
            return value is JsonArray several ? several.Select(Read) : [Read(value)];
        }

        [GeneratedRegex("""^\s*\{\s*"name"\s*:""", RegexOptions.CultureInvariant)]
        private static partial Regex Bare();
    }

    /// <summary>Tags of functions and parameters, whose values are texts.</summary>
    private sealed partial class TaggedCalls : ToolCallFormat
    {
        private const string Open = "<tool_call>";

        public override ParsedTurn Parse(string text)
        {
            ParsedCall[] calls = [.. Function().Matches(text).Select(match => Read(match.Groups[1].Value, match.Groups[2].Value))];
            int start = text.IndexOf(Open, StringComparison.Ordinal);
            if (start >= 0 && calls.Length == 0)
                calls = [new ParsedCall("", null, "A call must be <function=name><parameter=name>value</parameter></function>.")];
            int first = start >= 0 ? start : text.IndexOf("<function=", StringComparison.Ordinal);
            return new ParsedTurn(calls.Length == 0 ? text : text[..first].TrimEnd(), calls);
        }

        private static ParsedCall Read(string name, string body)
        {
            var arguments = new JsonObject();
            foreach (Match parameter in Parameter().Matches(body))
                arguments[parameter.Groups[1].Value] = parameter.Groups[2].Value;
            return new ParsedCall(name, arguments);
        }

        [GeneratedRegex(@"<function=([^>\s]+)>(.*?)(?:</function>|$)", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
        private static partial Regex Function();

        [GeneratedRegex(@"<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
        private static partial Regex Parameter();
    }
}
