namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Says how good responses are. Anything may stand behind it: a function, a model, a column of a transformer.</summary>
internal interface IRolloutScorer
{
    /// <summary>Scores a batch.</summary>
    /// <param name="prompts">Which prompts of the run were answered, as indices into its list.</param>
    /// <param name="queries">Their token ids.</param>
    /// <param name="responses">The new token ids of each, an end-of-text token included.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <returns>One finite number per response; higher is better.</returns>
    IReadOnlyList<double> Score(IReadOnlyList<int> prompts, IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, CancellationToken cancel);
}
