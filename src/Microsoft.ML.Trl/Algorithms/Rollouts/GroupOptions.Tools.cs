using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

public abstract partial record GroupOptions
{
    /// <summary>
    /// Functions that the assistant may call while it answers, such as <c>AIFunctionFactory.Create(Multiply)</c>. Prompts must be
    /// <see cref="Conversations"/>, and the model's chat template must write calls and their results. Prompts tell of these functions, not
    /// of what their rows have in the column of tools, and answers go on with the results, from which nothing is learnt. Calls of a turn
    /// run at the same time where they are awaited; one that cannot be read, names no function or throws gives the model the error to read
    /// and counts in the metric <c>tools/failure_frequency</c>. Null, the default: none. No part of the options' JSON.
    /// </summary>
    /// <remarks>
    /// A chat template that leaves calls or results out, or writes calls otherwise than as JSON or tags, ends <c>Fit</c> with an
    /// <see cref="InvalidOperationException"/> or a <see cref="NotSupportedException"/> before training. The fitted stage itself calls no
    /// functions: <c>AsChatClient</c> of its model gives the calls to whoever makes them, and prompts that the stage answers tell of those
    /// functions whose schemas stand in the column of tools (<see cref="Conversation"/>).
    /// </remarks>
    [JsonIgnore]
    public IReadOnlyList<AIFunction>? Tools { get; init; }

    /// <summary>
    /// Makes the world that a completion acts in; called as often as there are completions in a generation, and again for those that an
    /// evaluation answers at once. Prompts must be <see cref="Conversations"/>. Rewards find it in <see cref="RewardRow.Environment"/>.
    /// Null, the default: none. No part of the options' JSON.
    /// </summary>
    [JsonIgnore]
    public Func<IEnvironment>? EnvironmentFactory { get; init; }

    /// <summary>
    /// Gives the completions in the place of the policy's own draws, one for each prompt of the request: an engine elsewhere, several turns
    /// of a kind of their own, drafts that are mended. It may let the policy write by <see cref="RolloutRequest.Generate"/>. Asked for each
    /// generation, and for evaluations; awaited. Its completions are learnt as if the policy had drawn them. Not with <see cref="Tools"/>
    /// or <see cref="EnvironmentFactory"/>. TRL's <c>rollout_func</c>. Null, the default: none. No part of the options' JSON.
    /// </summary>
    [JsonIgnore]
    public Func<RolloutRequest, CancellationToken, Task<IReadOnlyList<RolloutAnswer>>>? RolloutFunc { get; init; }

    /// <summary>
    /// How often a completion may go on after calls of functions, or after an environment's answer. At least 1; null = as long as there is
    /// room for it in <see cref="GenerationOptions.MaxNewTokens"/>, which counts all tokens of a completion, and in the model's context.
    /// </summary>
    public int? MaxToolCallingIterations { get; init; }

    /// <summary>Whether completions may have several turns.</summary>
    internal bool HasTurns => Tools is { Count: > 0 } || EnvironmentFactory is not null;

    private void ValidateTools()
    {
        Require.AtLeast(MaxToolCallingIterations, 1);
        ToolNames.Check(Tools ?? [], nameof(Tools));
        if (RolloutFunc is not null && HasTurns)
            throw new ArgumentException(
                $"RolloutFunc gives whole completions, and {(Tools is { Count: > 0 } ? nameof(Tools) : nameof(EnvironmentFactory))} turns "
                + "of them; leave one of them null.", nameof(RolloutFunc));
        if (HasTurns && Conversations is null)
            throw new ArgumentException(
                $"{(Tools is { Count: > 0 } ? nameof(Tools) : nameof(EnvironmentFactory))} needs prompts that are conversations, since a "
                + "chat template writes what follows a turn; set Conversations.", nameof(Conversations));
    }
}

/// <summary>Names by which a model calls functions.</summary>
internal static class ToolNames
{
    /// <exception cref="ArgumentException">A function is missing, or two have one name.</exception>
    public static void Check(IReadOnlyList<AIFunction> tools, string where)
    {
        for (int tool = 0; tool < tools.Count; tool++)
            if (tools[tool] is null)
                throw new ArgumentException($"{where}[{tool}] is null; leave it out, or give a function.", where);
        if (tools.GroupBy(tool => tool.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"{where} has {twice.Count()} functions with the name '{twice.Key}'; a model calls them by their names, so give each "
                + "its own.", where);
    }
}
