using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Text;

[TestClass]
public sealed class BestOfNSamplerTests
{
    private static readonly GenerationOptions Sampling = new() { MaxNewTokens = 6, Seed = 3, EosTokenIds = [] };

    private static readonly string[] Prompts = ["the film", "a", "the plot was", "a story"];

    [TestMethod]
    public void The_candidates_are_the_best_of_what_was_sampled_best_first() => Leaks.None(() =>
    {
        using LanguageModel model = Tiny.Model();
        (string Prompt, string Completion, double Score)[] asked = [];
        var sampler = new BestOfNSampler(
            model,
            (prompts, completions) =>
            {
                double[] scores = [.. completions.Select(Letters)];
                asked = [.. prompts.Zip(completions, scores)];
                return scores;
            },
            sampleSize: 6,
            nCandidates: 3);
        IReadOnlyList<IReadOnlyList<ScoredCompletion>> best = sampler.Generate(Prompts, Sampling);
        Assert.HasCount(24, asked);
        for (int row = 0; row < Prompts.Length; row++)
        {
            var samples = asked[(row * 6)..((row + 1) * 6)];
            Assert.IsTrue(samples.All(sample => sample.Prompt == Prompts[row]));
            double[] sorted = [.. samples.Select(sample => sample.Score)];
            Array.Sort(sorted);
            CollectionAssert.AreEqual(sorted.Reverse().Take(3).ToArray(), best[row].Select(candidate => candidate.Score).ToArray());
            Assert.IsTrue(best[row].All(candidate => candidate.Score == Letters(candidate.Completion)));
        }
    });

    [TestMethod]
    public void Samples_of_a_prompt_differ_and_the_first_is_what_the_model_completes()
    {
        using LanguageModel model = Tiny.Model();
        string[] sampled = [];
        var sampler = new BestOfNSampler(model, (_, completions) => Falling(sampled = [.. completions]), sampleSize: 8);
        IReadOnlyList<IReadOnlyList<ScoredCompletion>> first = sampler.Generate(Prompts, Sampling);
        foreach (string[] samples in sampled.Chunk(8))
            Assert.AreEqual(8, samples.Distinct().Count());
        CollectionAssert.AreEqual(
            model.Complete(Prompts, Sampling).ToArray(), first.Select(candidates => candidates[0].Completion).ToArray());
        string[] before = sampled;
        sampler.Generate(Prompts, Sampling);
        CollectionAssert.AreEqual(before, sampled);
        sampler.Generate(Prompts, Sampling with { Seed = 4 });
        CollectionAssert.AreNotEqual(before, sampled);
    }

    [TestMethod]
    public void More_samples_begin_with_the_fewer_and_prompts_do_not_depend_on_each_other()
    {
        using LanguageModel model = Tiny.Model();
        string[] sampled = [];
        IReadOnlyList<double> Keep(IReadOnlyList<string> completions) => Falling(sampled = [.. completions]);
        new BestOfNSampler(model, (_, completions) => Keep(completions), sampleSize: 12).Generate(Prompts, Sampling);
        string[][] twelve = [.. sampled.Chunk(12)];
        new BestOfNSampler(model, (_, completions) => Keep(completions), sampleSize: 5).Generate([Prompts[2], Prompts[0]], Sampling);
        CollectionAssert.AreEqual(twelve[2][..5].Concat(twelve[0][..5]).ToArray(), sampled);
        double Best(int size) =>
            new BestOfNSampler(model, (_, completions) => [.. completions.Select(Letters)], sampleSize: size)
                .Generate(Prompts, Sampling).Average(candidates => candidates[0].Score);
        Close.Above(Best(1) + 1, Best(12));
    }

    [TestMethod]
    public void A_reward_model_scores_prompt_and_completion()
    {
        using LanguageModel model = Tiny.Model();
        using var reward = new TextRewardModel(RewardModel.Create(Tiny.Config(), 4), Tiny.Tokenizer);
        var sampler = new BestOfNSampler(model, reward, sampleSize: 4, nCandidates: 4);
        IReadOnlyList<ScoredCompletion> all = sampler.Generate("the film", Sampling);
        Assert.HasCount(4, all);
        int[] prompt = model.Tokenizer.Encode("the film", addSpecialTokens: true);
        long[] seeds = [.. Enumerable.Range(0, 4).Select(sample => PromptSeed.OfSample("the film", sample))];
        IReadOnlyList<Answer> answers = model.Answer([prompt, prompt, prompt, prompt], seeds, Sampling, default);
        foreach (Answer answer in answers) // its very tokens are scored
            Close.Absolute(
                reward.Score([[.. prompt, .. answer.Tokens]])[0], all.Single(candidate => candidate.Completion == answer.Text).Score, 1e-5);
        CollectionAssert.AreEqual(all.OrderByDescending(candidate => candidate.Score).ToArray(), all.ToArray());
        IReadOnlyList<ScoredCompletion> best = new BestOfNSampler(model, reward).Generate("the film", Sampling); // 4 samples, the best
        Assert.HasCount(1, best);
        Assert.AreEqual(all[0].Completion, best[0].Completion);
    }

    [TestMethod]
    public void A_length_sampler_limits_the_samples_of_each_prompt()
    {
        using LanguageModel model = Tiny.Model();
        var lengths = new LengthSampler(2, 12, seed: 5);
        string[] seen = [];
        string[] Sampled(string[] prompts, GenerationOptions options, LengthSampler? limits)
        {
            var sampler = new BestOfNSampler(model, (_, completions) => Falling(seen = [.. completions]), limits, sampleSize: 2);
            sampler.Generate(prompts, options);
            return seen;
        }
        string[] prompts = [.. Enumerable.Range(0, 12).Select(i => "the film " + i)];
        string[] sampled = Sampled(prompts, Sampling, lengths);
        string[][] byLength =
            [.. Enumerable.Range(1, 13).Select(length => Sampled(prompts, Sampling with { MaxNewTokens = length }, null))];
        int[] drawn = // the shortest limit that gives both samples of a prompt
        [
            .. Enumerable.Range(0, prompts.Length).Select(row => 1 + Array.FindIndex(
                byLength, texts => texts.AsSpan(2 * row, 2).SequenceEqual(sampled.AsSpan(2 * row, 2)))),
        ];
        Assert.IsTrue(drawn.All(length => length is >= 2 and < 12), string.Join(", ", drawn));
        Close.Above(4, drawn.Distinct().Count(), "different lengths");
        CollectionAssert.AreEqual(sampled[6..8], Sampled([prompts[3]], Sampling, lengths), "alone");
    }

    [TestMethod]
    public void No_prompts_give_no_candidates()
    {
        using LanguageModel model = Tiny.Model();
        var sampler = new BestOfNSampler(model, (_, _) => throw new InvalidOperationException("asked for nothing"));
        Assert.IsEmpty(sampler.Generate([], Sampling));
    }

    [TestMethod]
    public void What_cannot_be_sampled_or_scored_is_named()
    {
        using LanguageModel model = Tiny.Model();
        static IReadOnlyList<double> score(IReadOnlyList<string> prompts, IReadOnlyList<string> completions) => Falling(completions);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new BestOfNSampler(model, score, null, 2, 3)).Message,
            "nCandidates (3) must not be more than sampleSize (2): only what was sampled can be kept.");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new BestOfNSampler(model, score, null, 0)).Message,
            "sampleSize (0) must be 1 or greater");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new BestOfNSampler(model, score, null, 2, 0)).Message,
            "nCandidates (0) must be 1 or greater");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new BestOfNSampler(model, score).Generate("a", Tiny.Greedy)).Message,
            "DoSample is false: all 4 samples of a prompt would be the same text. Set DoSample to true, or sampleSize to 1.");
        Assert.HasCount(1, new BestOfNSampler(model, score, null, 1).Generate("a", Tiny.Greedy));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new BestOfNSampler(model, score).Generate(["a", ""], Sampling)).Message,
            "Row 1: the prompt is empty");
        var few = new BestOfNSampler(model, (_, _) => [1, 2]);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => few.Generate("a", Sampling)).Message,
            "queriesToScores gave 2 scores for 4 completions; it must give one for each.");
        var broken = new BestOfNSampler(model, (_, completions) => [.. completions.Select((_, row) => row == 6 ? double.NaN : 0)]);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => broken.Generate(["a", "b"], Sampling)).Message,
            "queriesToScores gave NaN for sample 2 of prompt 1; scores must be finite numbers.");
    }

    private static double Letters(string text) => text.Count(char.IsLetter);

    /// <summary>Scores that keep the samples in their order.</summary>
    private static double[] Falling(IReadOnlyList<string> completions) => [.. completions.Select((_, row) => (double)-row)];
}
