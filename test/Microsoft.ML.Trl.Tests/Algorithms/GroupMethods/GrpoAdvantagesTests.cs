using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>Advantages of GRPO and RLOO against numbers worked out by hand: two groups of three.</summary>
[TestClass]
public sealed class GrpoAdvantagesTests
{
    private const double Tiny = 1e-4;

    private static readonly double?[] First = [1, 2, 6, 0, 0, 3], Second = [null, 4, 2, null, 1, 1];

    [TestMethod]
    [DataRow(ScaleRewards.Group)]
    [DataRow(ScaleRewards.Batch)]
    [DataRow(ScaleRewards.None)]
    public void Scores_are_added_and_compared_within_their_group(ScaleRewards scale)
    {
        // 2·first + second: 2, 8, 14 (mean 8, deviation 6) and 0, 1, 7 (mean 8/3, deviation √(43/3)); all: mean 16/3, Σd² = 430/3
        double[] differences = [-6, 0, 6, -8.0 / 3, -5.0 / 3, 13.0 / 3];
        double other = Math.Sqrt(43.0 / 3), all = Math.Sqrt(430.0 / 3 / 5);
        double[] deviations = scale switch
        {
            ScaleRewards.Group => [6, 6, 6, other, other, other],
            ScaleRewards.Batch => [all, all, all, all, all, all],
            _ => [1 - Tiny, 1 - Tiny, 1 - Tiny, 1 - Tiny, 1 - Tiny, 1 - Tiny],
        };
        GroupJudgement judged = GrpoAdvantages.SumThenNormalize(Scores(), scale);
        Close.Absolute([.. differences.Zip(deviations, (d, s) => (float)(d / (s + Tiny)))], judged.Advantages, 1e-5);
        Close.Absolute(16.0 / 3, judged.Figures["reward"], 1e-5);
        Close.Absolute(all, judged.Figures["reward_std"], 1e-5);
        Close.Absolute(2, judged.Figures["rewards/first/mean"], 1e-6);
        Close.Absolute(2, judged.Figures["rewards/second/mean"], 1e-6);
        Close.Absolute(Math.Sqrt(2), judged.Figures["rewards/second/std"], 1e-6); // of 4, 2, 1, 1
        Assert.AreEqual(0, judged.Figures["frac_reward_zero_std"]);
    }

    [TestMethod]
    public void Each_reward_can_be_compared_within_the_group_before_they_are_added()
    {
        double[] Normal(double[] group, double deviation)
        {
            double mean = group.Average();
            return [.. group.Select(score => (score - mean) / (deviation + Tiny))];
        }
        double[] first = [.. Normal([1, 2, 6], Math.Sqrt(7)), .. Normal([0, 0, 3], Math.Sqrt(3))];
        double[] second = [0, .. Normal([4, 2], Math.Sqrt(2)), 0, .. Normal([1, 1], 0)];
        double[] sums = [.. first.Zip(second, (a, b) => (2 * a) + b)];
        double mean = sums.Average(), deviation = Math.Sqrt(sums.Sum(sum => (sum - mean) * (sum - mean)) / 5);
        float[] expected = [.. sums.Select(sum => (float)((sum - mean) / (deviation + Tiny)))];
        Close.Absolute(expected, GrpoAdvantages.NormalizeThenSum(Scores()).Advantages, 1e-5);
    }

    [TestMethod]
    public void A_completion_without_a_score_has_no_say_and_no_advantage()
    {
        var scores = new GroupScores(new RewardTable(["only"], [[1, null, 3, null, null, 5]]), [1], 3);
        float half = (float)(1 / (Math.Sqrt(2) + Tiny));
        Close.Absolute([-half, 0, half, 0, 0, 0], GrpoAdvantages.SumThenNormalize(scores, ScaleRewards.Group).Advantages, 1e-6);
        Close.Absolute([-2f, 0, 2, 0, 0, 0], RlooAdvantages.Of(scores, new RlooOptions { Beta = 0 }).Advantages, 1e-6);
    }

    [TestMethod]
    public void Equal_scores_are_counted_and_teach_nothing()
    {
        var scores = new GroupScores(new RewardTable(["only"], [[1, 1, 1, 0, 2, 4]]), [1], 3);
        GroupJudgement judged = GrpoAdvantages.SumThenNormalize(scores, ScaleRewards.Group);
        Close.Absolute([0f, 0, 0], judged.Advantages.AsSpan(0, 3), 0);
        Close.Absolute(0.5, judged.Figures["frac_reward_zero_std"], 1e-7);
    }

    [TestMethod]
    public void The_others_of_the_group_are_the_baseline_of_RLOO_after_clipping_and_KL()
    {
        var scores = new GroupScores(new RewardTable(["only"], [[1, 2, 9, 0, -9, 3]]), [1], 3) { Kl = [1, 0, 2, 0, 0, -1], Tokens = 8 };
        var options = new RlooOptions { Beta = 0.5, RewardClipRange = [-1, 4] };
        // clipped and charged: 0.5, 2, 3 and 0, -1, 3.5
        GroupJudgement judged = RlooAdvantages.Of(scores, options);
        Close.Absolute([-2f, 0.25f, 1.75f, -1.25f, -2.75f, 4], judged.Advantages, 1e-6);
        Close.Absolute(2.0 / 8, judged.Figures["kl"], 1e-7);
        Close.Absolute(1, judged.Figures["reward"], 1e-6); // as it was given
        double deviation = Math.Sqrt((4 + 0.0625 + 3.0625 + 1.5625 + 7.5625 + 16) / 5);
        float[] white = RlooAdvantages.Of(scores, options with { NormalizeAdvantages = true }).Advantages;
        Close.Absolute((float)(4 / (deviation + Tiny)), white[^1], 1e-5);
    }

    private static GroupScores Scores() => new(new RewardTable(["first", "second"], [First, Second]), [2, 1], 3);
}
