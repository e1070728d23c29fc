namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What rows must fit into.</summary>
/// <param name="BatchSize">Rows per step.</param>
/// <param name="VocabularySize">Token ids are below this.</param>
/// <param name="ContextLength">Query and response together are at most this many tokens.</param>
internal sealed record PpoLimits(int BatchSize, int VocabularySize, int ContextLength);
