namespace Microsoft.ML.Trl;

/// <summary>The best completions of some prompts, and what choosing them was worth.</summary>
/// <param name="Candidates">For each prompt its candidates, the best first.</param>
/// <param name="Metrics">
/// <c>best_of_n/mean</c>: mean score of all samples, what the policy is worth by itself; <c>best_of_n/best</c>: mean score of the best
/// sample of each prompt; <c>best_of_n/gain</c>: the difference; <c>best_of_n/kl_bound</c>: <see cref="BestOfNSampler.KlBound"/>. Empty
/// where there were no prompts.
/// </param>
public sealed record BestOfNResult(
    IReadOnlyList<IReadOnlyList<ScoredCompletion>> Candidates, IReadOnlyDictionary<string, double> Metrics);
