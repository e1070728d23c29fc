namespace Microsoft.ML.Trl;

/// <summary>How well a language model predicts texts it has not learnt.</summary>
/// <param name="Loss">Negative log-likelihood per learnable token, in nats; each token counts the same.</param>
/// <param name="Perplexity">e to the power of <paramref name="Loss"/>.</param>
/// <param name="TokenAccuracy">Share of these tokens that the model finds likeliest.</param>
/// <param name="Entropy">Mean entropy of the model's predictions, in nats.</param>
/// <param name="Tokens">Tokens that were predicted: completions, or whole texts without their first token.</param>
/// <param name="Rows">Rows with at least one of them.</param>
public sealed record LanguageModelMetrics(
    double Loss, double Perplexity, double TokenAccuracy, double Entropy, long Tokens, int Rows);
