using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Makes the calls that a policy writes, and counts them. What goes wrong is told to the policy.</summary>
internal sealed class ToolCaller
{
    private int _calls, _failures;

    /// <summary>What the share of failures is a share of.</summary>
    public IReadOnlyDictionary<string, double> Weights => new Dictionary<string, double> { ["tools/failure_frequency"] = _calls };

    /// <summary>TRL's figures of the calls.</summary>
    /// <param name="completions">In which they were made.</param>
    public Dictionary<string, float> Figures(int completions) => new()
    {
        ["tools/call_frequency"] = (float)_calls / completions,
        ["tools/failure_frequency"] = _calls == 0 ? 0 : (float)_failures / _calls,
    };

    /// <summary>
    /// Makes the calls of a turn: functions that are awaited run at the same time, others one after the other on the thread that asks.
    /// </summary>
    /// <param name="calls">With the ids of the calls.</param>
    /// <param name="tools">By their names.</param>
    /// <param name="cancel">Handed to the functions, and ends the wait for them.</param>
    /// <returns>A message for each call, in their order.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<IReadOnlyList<ChatMessage>> Call(
        IReadOnlyList<(string Id, ParsedCall Call)> calls, IReadOnlyDictionary<string, AIFunction> tools, CancellationToken cancel) =>
        await Task.WhenAll(calls.Select(async call =>
        {
            (object? result, Exception? cause) = await Result(call.Call, tools, cancel).ConfigureAwait(false);
            return TurnSuffix.Result(call.Id, call.Call.Name, result, cause);
        })).ConfigureAwait(false);

    private async Task<(object? Result, Exception? Cause)> Result(
        ParsedCall call, IReadOnlyDictionary<string, AIFunction> tools, CancellationToken cancel)
    {
        Interlocked.Increment(ref _calls);
        if (call.Arguments is not { } arguments)
            return Failure(new FormatException(call.Problem));
        if (!tools.TryGetValue(call.Name, out AIFunction? tool))
            return Failure(new KeyNotFoundException(
                $"There is no function '{call.Name}'. There are: {string.Join(", ", tools.Keys)}."));
        try
        {
            cancel.ThrowIfCancellationRequested();
            object? result = await tool.InvokeAsync(Arguments(tool, arguments), cancel).AsTask().WaitAsync(cancel).ConfigureAwait(false);
            return (result is JsonElement { ValueKind: JsonValueKind.String } text ? text.GetString() : result, null);
        }
        catch (Exception cause)
        {
            cancel.ThrowIfCancellationRequested();
            return Failure(cause);
        }
    }

    private (object Result, Exception Cause) Failure(Exception cause)
    {
        Interlocked.Increment(ref _failures);
        return (new JsonObject { ["error"] = cause.Message }, cause);
    }

    private static AIFunctionArguments Arguments(AIFunction tool, JsonObject given)
    {
        var arguments = new AIFunctionArguments();
        foreach ((string name, JsonNode? value) in given)
            arguments[name] = JsonSerializer.SerializeToElement(Fitting(tool, name, value));
        return arguments;
    }

    /// <summary>Some models write every value as a text: where the function wants something else, the text is read as JSON.</summary>
    private static JsonNode? Fitting(AIFunction tool, string name, JsonNode? value)
    {
        if (value is not JsonValue single || !single.TryGetValue(out string? text)
            || !tool.JsonSchema.TryGetProperty("properties", out JsonElement properties)
            || !properties.TryGetProperty(name, out JsonElement wanted)
            || wanted.ValueKind != JsonValueKind.Object || !wanted.TryGetProperty("type", out JsonElement type)
            || type.GetRawText().Contains("\"string\"", StringComparison.Ordinal))
            return value;
        try
        {
            return StrictJson.Node(text);
        }
        catch (JsonException)
        {
            return value;
        }
    }
}
