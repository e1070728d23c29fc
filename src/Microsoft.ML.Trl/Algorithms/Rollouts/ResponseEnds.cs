namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Tells responses that came to their end from those that were cut at a limit.</summary>
/// <param name="policy">Wrote them.</param>
/// <param name="generation">How.</param>
internal sealed class ResponseEnds(CausalLanguageModel policy, GenerationOptions generation)
{
    /// <summary>Tokens that end a response.</summary>
    public IReadOnlyList<int> Tokens { get; } = generation.EosTokenIds ?? policy.Config.EosTokenIds;

    /// <summary>Whether a response ends with an end token, or before the limit.</summary>
    public bool HasEnded(int[] query, int[] response) => Tokens.Contains(response[^1]) || response.Length < Room(query);

    /// <summary>Most tokens of the response to a query.</summary>
    public int Room(int[] query) =>
        Math.Min(generation.MaxNewTokens, policy.Config.ContextLength - policy.Layout.BeforeAnswer(query).Length);
}
