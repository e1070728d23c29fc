using Microsoft.ML.Trl.Generation;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>TRL's plainest way to sample text.</summary>
public static class ResponseExtensions
{
    /// <summary>
    /// Samples a response of one length to every query: TRL's <c>respond_to_batch</c>. End tokens end nothing, temperature is 1.
    /// </summary>
    /// <param name="model">Only read; without dropout. The caller keeps it alive.</param>
    /// <param name="queries">Token ids, each at least one; the lengths may differ.</param>
    /// <param name="txtLen">Tokens of every response. At least 1; longest query and response must fit into the model's context.</param>
    /// <param name="topK">Only the k likeliest tokens are drawn from; 0 is all.</param>
    /// <param name="topP">Only the likeliest tokens that together reach this probability are drawn from. In (0, 1]; 1 is all.</param>
    /// <param name="seed">A row's response is a function of the model, its query, its number and this: give another one per batch.</param>
    /// <returns>[B] responses of <paramref name="txtLen"/> token ids each, without the queries.</returns>
    /// <exception cref="ArgumentException">A query cannot be answered, or a number is out of range; the message says which.</exception>
    public static IReadOnlyList<int[]> RespondToBatch(
        this CausalLanguageModel model, IReadOnlyList<int[]> queries, int txtLen = 20, int topK = 0, double topP = 1, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(queries);
        Require.AtLeast(txtLen, 1);
        for (int row = 0; row < queries.Count; row++)
            CheckRoom(row, queries[row]?.Length ?? throw new ArgumentException(
                $"Query {row} is null; give at least one token.", nameof(queries)), txtLen, model.Config.ContextLength);
        var options = new GenerationOptions { MaxNewTokens = txtLen, TopK = topK, TopP = topP, EosTokenIds = [], Seed = seed };
        return new TokenGenerator(model).Generate(queries, options).Tokens;
    }

    private static void CheckRoom(int row, int query, int txtLen, int context)
    {
        if ((long)query + txtLen > context)
            throw new ArgumentException(
                $"Query {row} has {query} tokens, and txtLen ({txtLen}) more do not fit into the model's context of {context}; "
                + $"shorten the query to {Math.Max(0, context - txtLen)} tokens or less, or lower txtLen.",
                nameof(txtLen));
    }
}
