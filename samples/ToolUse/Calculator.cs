using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace ToolUseSample;

/// <summary>The function that the model may call.</summary>
internal static class Calculator
{
    /// <summary>As models are told of it: name, parameters and their types.</summary>
    public static AIFunction Tool { get; } = AIFunctionFactory.Create(Multiply, "multiply");

    /// <summary>Makes a call that a model wrote; what goes wrong is told to the model.</summary>
    public static async Task<FunctionResultContent> Answer(FunctionCallContent call)
    {
        try
        {
            if (call.Name != Tool.Name)
                throw call.Exception ?? new KeyNotFoundException($"There is no function '{call.Name}'. There are: {Tool.Name}.");
            if (call.Exception is { } unreadable)
                throw unreadable;
            return new FunctionResultContent(call.CallId, await Tool.InvokeAsync(new AIFunctionArguments(call.Arguments)));
        }
        catch (Exception cause)
        {
            return new FunctionResultContent(call.CallId, new JsonObject { ["error"] = cause.Message }) { Exception = cause };
        }
    }

    private static int Multiply(int a, int b) => a * b;
}
