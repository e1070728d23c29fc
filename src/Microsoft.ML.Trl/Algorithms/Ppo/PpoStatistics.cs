namespace Microsoft.ML.Trl;

/// <summary>What one PPO step came to, under the names that TRL v0.11.4 gives.</summary>
/// <remarks>
/// <para>Scalars: <c>objective/{kl, kl_coef, entropy}</c>; <c>ppo/{mean_non_score_reward, mean_scores, std_scores, learning_rate}</c>;
/// <c>ppo/loss/{policy, value, total}</c>; <c>ppo/policy/{entropy, approxkl, policykl, clipfrac, advantages_mean}</c>;
/// <c>ppo/returns/{mean, var}</c>; <c>ppo/val/{vpred, error, clipfrac, mean, var, var_explained}</c>;
/// <c>tokens/{queries, responses}_len_{mean, std}</c>; <c>env/reward_{mean, std}</c> of the scores as given;
/// <c>time/ppo/{forward_pass, compute_rewards, compute_advantages, optimize_step, calc_stats, total}</c> in seconds.</para>
/// <para>Arrays: <c>objective/kl_dist</c>, <c>env/reward_dist</c>, <c>tokens/{queries, responses}_dist</c>, one number per row;
/// <c>objective/{logprobs, ref_logprobs}</c>, row by row, T-1 numbers each (T: the longest row; entry t belongs to token t+1; 0
/// outside the responses, whose log-probabilities are not computed); <c>ppo/policy/{advantages, ratio}</c>: T-1 numbers for each
/// row of each mini-batch in the order of training (ratio 1 outside the responses).</para>
/// </remarks>
/// <param name="Scalars">By name.</param>
/// <param name="Arrays">By name.</param>
/// <param name="Warnings">What a human should look at: a negative KL, mini-batches skipped because their ratio exploded. Mostly empty.</param>
public sealed record PpoStatistics(
    IReadOnlyDictionary<string, double> Scalars,
    IReadOnlyDictionary<string, float[]> Arrays,
    IReadOnlyList<string> Warnings)
{
    /// <summary>A scalar by its TRL name.</summary>
    /// <param name="name">Such as <c>objective/kl</c>.</param>
    /// <exception cref="KeyNotFoundException">There is no such scalar.</exception>
    public double this[string name] => Scalars.TryGetValue(name, out double value)
        ? value
        : throw new KeyNotFoundException($"There is no scalar '{name}' in the statistics of a PPO step; the names are {string.Join(", ", Scalars.Keys)}.");
}
