using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What a policy may call and act in while it answers. Owns the environments.</summary>
internal sealed class MultiTurnTools : IDisposable
{
    private readonly IReadOnlyList<AIFunction> _tools;
    private readonly EnvironmentPool? _pool;

    /// <param name="options">Validated.</param>
    /// <exception cref="ArgumentException">Functions of the environment are missing, or have names that others have.</exception>
    /// <exception cref="InvalidOperationException">The environment cannot be made.</exception>
    public MultiTurnTools(GroupOptions options)
    {
        _tools = options.Tools ?? [];
        _pool = options.EnvironmentFactory is { } factory ? new EnvironmentPool(factory) : null;
        AIFunction[] all = [.. _tools, .. _pool?.At(0).Tools ?? []];
        ToolNames.Check(all, _pool is null ? "Tools" : "The functions of the options and of the environment");
        Schemas = all.Length == 0 ? null : Conversation.ToJson(all);
    }

    /// <summary>Of all functions, as prompts tell of them; null = there are none.</summary>
    public string? Schemas { get; }

    /// <summary>The environment of a completion; null = there are none.</summary>
    public IEnvironment? Environment(int place) => _pool?.At(place);

    /// <summary>The functions of a completion, by their names.</summary>
    public IReadOnlyDictionary<string, AIFunction> Of(IEnvironment? environment) =>
        _tools.Concat(environment?.Tools ?? []).ToDictionary(tool => tool.Name, StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Dispose() => _pool?.Dispose();
}
