namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>
    /// Samples several completions of each prompt and keeps those that rewards like best: <see cref="BestOfNSampler"/> with any rewards.
    /// Over a view, with the reward model of a pipeline, <see cref="TextGenerationTransformer.BestOf"/> does the same.
    /// </summary>
    /// <param name="model">The caller keeps it alive.</param>
    /// <param name="rewards">
    /// At least one; each may leave completions out (null), but not all of them the same one. Those that read columns of rows are refused:
    /// there are prompts alone. Awaited ones run at the same time.
    /// </param>
    /// <param name="rewardWeights">What scores are multiplied by before they are added; null = 1 each.</param>
    /// <param name="lengthSampler">Draws the most new tokens of each prompt's samples; null = as the options of generation say.</param>
    /// <param name="sampleSize">Completions that are sampled for each prompt. At least 1.</param>
    /// <param name="nCandidates">Completions that are kept of each prompt, from 1 to <paramref name="sampleSize"/>.</param>
    /// <exception cref="ArgumentException">
    /// A number is out of range, there is no reward, or one cannot read prompts and completions.
    /// </exception>
    public BestOfNSampler BestOfN(
        LanguageModel model, IReadOnlyList<RewardFunction> rewards, IReadOnlyList<double>? rewardWeights = null,
        LengthSampler? lengthSampler = null, int sampleSize = 4, int nCandidates = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        var asked = new PromptRewards(_ml, model, new RewardSet(rewards, rewardWeights));
        return BestOfNSampler.Of(model, asked.Score, lengthSampler, sampleSize, nCandidates);
    }
}
