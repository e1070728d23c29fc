using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>How responses are sampled: batches, lengths, prompts returned, the reference's responses.</summary>
[TestClass]
public sealed class PpoGenerateTests
{
    private static readonly PpoOptions Quick = new()
    {
        BatchSize = 8,
        MiniBatchSize = 8,
        PpoEpochs = 1,
        LearningRate = 1e-2,
        Generation = new GenerationOptions { MaxNewTokens = 12, EosTokenIds = [] },
    };

    private static readonly int[][] Queries = Toys.Rows(3, 8, 2, 9);

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(8)]
    [DataRow(50)]
    public void How_rows_are_split_changes_no_response(int batchSize) => Leaks.None(() =>
    {
        IReadOnlyList<int[]> atOnce = Run(session => session.Generate(Queries));
        Same(atOnce, Run(session => session.Generate(Queries, batchSize: batchSize)));
        Same(atOnce, Run(session => session.Generate(Queries), Quick with { GenerationBatchSize = batchSize }));
    });

    [TestMethod]
    public void Each_batch_gets_one_length_and_a_row_draws_what_it_draws_without_it()
    {
        var lengths = new LengthSampler(2, 10, seed: 4);
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        IReadOnlyList<int[]> first = session.Generate(Queries, batchSize: 3, lengthSampler: lengths);
        IReadOnlyList<int[]> second = session.Generate(Queries, batchSize: 4, lengthSampler: lengths);
        int[] drawn = [.. Enumerable.Range(0, 5).Select(draw => lengths.Sample(draw))];
        int[] Repeated(int count, int draw) => [.. Enumerable.Repeat(drawn[draw], count)];
        CollectionAssert.AreEqual(
            (int[])[.. Repeated(3, 0), .. Repeated(3, 1), .. Repeated(2, 2)], first.Select(row => row.Length).ToArray());
        CollectionAssert.AreEqual((int[])[.. Repeated(4, 3), .. Repeated(4, 4)], second.Select(row => row.Length).ToArray());
        Assert.AreNotEqual(1, drawn.Distinct().Count());
        using CausalLanguageModel other = Toys.Gpt2();
        using var free = new PpoSession(other, Quick);
        IReadOnlyList<int[]>[] longer = [free.Generate(Queries), free.Generate(Queries)];
        for (int row = 0; row < 8; row++)
        {
            CollectionAssert.AreEqual(longer[0][row][..first[row].Length], first[row]);
            CollectionAssert.AreEqual(longer[1][row][..second[row].Length], second[row]);
        }
    }

    [TestMethod]
    public void The_options_length_sampler_is_used_unless_a_call_gives_options()
    {
        PpoOptions options = Quick with { LengthSampler = new LengthSampler(2, 6), GenerationBatchSize = 1 };
        int[] expected = [.. Enumerable.Range(0, 8).Select(draw => options.LengthSampler.Sample(draw))];
        int[] Lengths(Func<PpoSession, IReadOnlyList<int[]>> generate) => [.. Run(generate, options).Select(row => row.Length)];
        CollectionAssert.AreEqual(expected, Lengths(session => session.Generate(Queries)));
        int[] twelve = [.. Enumerable.Repeat(12, 8)], nine = [.. Enumerable.Repeat(9, 8)];
        CollectionAssert.AreEqual(twelve, Lengths(session => session.Generate(Queries, Quick.Generation)));
        CollectionAssert.AreEqual(nine, Lengths(session => session.Generate(Queries, Quick.Generation, null, new LengthSampler(9, 10))));
        CollectionAssert.AreEqual(nine, Lengths(session => session.Generate(Queries, lengthSampler: new LengthSampler(9, 10))));
    }

    [TestMethod]
    public void The_loop_of_the_estimator_draws_lengths_too()
    {
        PpoOptions options = Quick with { Steps = 24, GenerationBatchSize = 4, LengthSampler = new LengthSampler(2, 12, seed: 1) };
        var seen = new List<int>();
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, options);
        new PpoLoop(session, new LengthScorer(seen), options).Run(Queries);
        int[] expected = [.. Enumerable.Range(0, 24).Select(row => options.LengthSampler.Sample(row / 4))];
        CollectionAssert.AreEqual(expected, seen);
        Assert.AreNotEqual(1, expected.Distinct().Count());
    }

    [TestMethod]
    public void Prompts_are_returned_where_asked_for()
    {
        IReadOnlyList<int[]> responses = Run(session => session.Generate(Queries));
        IReadOnlyList<int[]> whole = Run(session => session.Generate(Queries, returnPrompt: true));
        Same([.. Queries.Zip(responses, (query, response) => (int[])[.. query, .. response])], whole);
    }

    [TestMethod]
    public void The_reference_answers_as_the_policy_until_the_policy_has_learnt() => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Toys.Gpt2(), before = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        (IReadOnlyList<int[]> ours, IReadOnlyList<int[]> theirs) = session.GenerateWithReference(Queries, batchSize: 3);
        Same(ours, theirs);
        Same(Run(fresh => fresh.Generate(Queries)), ours);
        for (int step = 0; step < 5; step++)
        {
            session.Step(Queries, ours, [.. ours.Select(response => response.Average())]);
            (ours, theirs) = session.GenerateWithReference(Queries, batchSize: 3, lengthSampler: new LengthSampler(3, 9));
        }
        Assert.AreNotEqual(0, ours.Zip(theirs).Count(pair => !pair.First.SequenceEqual(pair.Second)));
        CollectionAssert.AreEqual(ours.Select(row => row.Length).ToArray(), theirs.Select(row => row.Length).ToArray());
        using var untrained = new PpoSession(before, Quick); // the reference is the policy as it was: same rows, same draws
        for (int call = 0; call < 5; call++)
            untrained.Generate(Queries);
        Assert.IsTrue(theirs.Zip(untrained.Generate(Queries)).All(pair => pair.Second.AsSpan().StartsWith(pair.First)));
        (ours, theirs) = session.GenerateWithReference(Queries, returnPrompt: true);
        int[][] asked = [.. Queries, .. Queries];
        Assert.IsTrue(ours.Concat(theirs).Zip(asked).All(pair => pair.First.AsSpan().StartsWith(pair.Second)));
    });

    [TestMethod]
    public void What_split_rows_said_is_known_to_the_step()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), other = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        using var fresh = new PpoSession(other, Quick);
        IReadOnlyList<int[]> responses = session.Generate(Queries, batchSize: 3);
        double[] scores = [.. responses.Select(response => response.Average())];
        PpoStatistics kept = session.Step(Queries, responses, scores), computed = fresh.Step(Queries, responses, scores);
        Close.Absolute(computed.Arrays["objective/logprobs"], kept.Arrays["objective/logprobs"], 1e-4);
        Close.Absolute(computed["ppo/val/mean"], kept["ppo/val/mean"], 1e-4);
    }

    [TestMethod]
    public void Batches_and_lengths_out_of_range_are_named()
    {
        static string Refused(Action<PpoSession> use)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            using var session = new PpoSession(policy, Quick);
            return Assert.Throws<ArgumentException>(() => use(session)).Message;
        }
        StringAssert.Contains(Refused(session => session.Generate(Queries, batchSize: 0)), "batchSize (0) must be 1 or greater");
        GenerationOptions atLeast5 = Quick.Generation with { MinNewTokens = 5 };
        StringAssert.Contains(
            Refused(session => session.Generate(Queries, atLeast5, lengthSampler: new LengthSampler(4, 9))),
            "MinNewTokens (5) is more than the shortest length that the LengthSampler draws (4)");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => (Quick with { Generation = atLeast5, LengthSampler = new LengthSampler(4, 9) }).Validated()).Message,
            "MinNewTokens (5) is more than the shortest length that the LengthSampler draws (4)");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => (Quick with { GenerationBatchSize = 0 }).Validated()).Message,
            "GenerationBatchSize (0) must be 1 or greater");
    }

    private static IReadOnlyList<int[]> Run(Func<PpoSession, IReadOnlyList<int[]>> generate, PpoOptions? options = null)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, options ?? Quick);
        return generate(session);
    }

    private static void Same(IReadOnlyList<int[]> expected, IReadOnlyList<int[]> actual)
    {
        Assert.HasCount(expected.Count, actual);
        foreach ((int[] one, int[] other) in expected.Zip(actual))
            CollectionAssert.AreEqual(one, other);
    }

    private sealed class LengthScorer(List<int> seen) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel)
        {
            seen.AddRange(rollout.Responses.Select(response => response.Length));
            return RewardTable.Of(new double[rollout.Responses.Count]);
        }
    }
}
