namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A function of prompts and responses.</summary>
internal sealed class BatchReward(Func<IReadOnlyList<string>, IReadOnlyList<string>, CancellationToken, IReadOnlyList<double>> score) : RewardFunction
{
    internal override IReadOnlyList<double> Score(MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel) =>
        score(prompts, responses, cancel);
}
