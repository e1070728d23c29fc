namespace Microsoft.ML.Trl;

/// <summary>What a policy writes, in figures.</summary>
/// <param name="MeanScore">Mean reward of the completions that it applies to; NaN without a reward, or where it applies to none.</param>
/// <param name="Kl">
/// Distance from the reference: log-probability under the policy minus that under the reference, summed over a completion, mean over the
/// completions, in nats. An estimate of the KL divergence where completions are sampled at temperature 1. NaN without a reference.
/// </param>
/// <param name="Distinct1">Different words, as a share of all words of all completions: arXiv:1510.03055, section 5.2.</param>
/// <param name="Distinct2">Different pairs of neighbouring words, as a share of all pairs.</param>
/// <param name="MeanTokens">Mean length of a completion in tokens.</param>
/// <param name="Ended">Share of completions that chose an end token rather than reach the length limit.</param>
/// <param name="Rows">Prompts that were answered; those that cannot be are not among them.</param>
public sealed record GenerationMetrics(
    double MeanScore, double Kl, double Distinct1, double Distinct2, double MeanTokens, double Ended, int Rows);
