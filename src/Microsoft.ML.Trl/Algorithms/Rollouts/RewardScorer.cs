
namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Turns responses back into text and asks a reward function.</summary>
/// <param name="ml">For rewards that are pipelines.</param>
/// <param name="reward">Asked once per batch.</param>
/// <param name="tokenizer">The policy's.</param>
/// <param name="texts">The prompts of the run, as the data have them.</param>
internal sealed class RewardScorer(MLContext ml, RewardFunction reward, TextTokenizer tokenizer, IReadOnlyList<string> texts) : IRolloutScorer
{
    public IReadOnlyList<double> Score(IReadOnlyList<int> prompts, IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, CancellationToken cancel) =>
        reward.Score(ml, [.. prompts.Select(row => texts[row])], [.. responses.Select(response => tokenizer.Decode(response))], cancel);
}
