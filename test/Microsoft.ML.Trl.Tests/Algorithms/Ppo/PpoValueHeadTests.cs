using Microsoft.ML.Trl.Tests.TestSupport;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Dropout and first weights of the critic.</summary>
[TestClass]
public sealed class PpoValueHeadTests
{
    private static readonly PpoOptions Quick = new() { BatchSize = 8, MiniBatchSize = 8, PpoEpochs = 1, LearningRate = 1e-3 };

    private static readonly int[][] Queries = Toys.Rows(3, 8, 2, 9), Responses = Toys.Rows(4, 8, 2, 7);

    private static readonly double[] Scores = [1, -1, 0.5, 2, -2, 0, 1, 3];

    [TestMethod]
    public void Normal_weights_have_the_deviation_asked_for_and_no_bias() => Leaks.None(() =>
    {
        using ValueHead head = ValueHead.Create(40_000, 3, VHeadInitStrategy.Normal, 0.05);
        float[] weights = Toys.Flat([head.Weights().First()]);
        Close.Absolute(0, weights.Average(), 4 * 0.05 / Math.Sqrt(weights.Length));
        Close.Relative(0.05, Math.Sqrt(weights.Average(weight => (double)weight * weight)), 4 / Math.Sqrt(2.0 * weights.Length));
        double within = weights.Count(weight => Math.Abs(weight) < 0.05) / (double)weights.Length;
        Close.Absolute(0.6827, within, 0.01, "share within one deviation"); // 0.5774 of a uniform
        CollectionAssert.AreEqual(new float[] { 0 }, Toys.Flat([head.Weights().Last()]));
        using ValueHead byDefault = ValueHead.Create(40_000, 3, VHeadInitStrategy.Normal);
        Close.Relative(0.2, Math.Sqrt(Toys.Flat([byDefault.Weights().First()]).Average(weight => (double)weight * weight)), 0.02);
    });

    [TestMethod]
    public void A_fresh_critic_is_drawn_as_the_options_say()
    {
        var normal = new ValueHeadOptions { VHeadInitStrategy = VHeadInitStrategy.Normal, VHeadInitializerRange = 0.01 };
        float[] Fresh(ValueHeadOptions head)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            using var session = new PpoSession(policy, Quick with { ValueHead = head });
            return Toys.Flat(session.ValueHead.Weights());
        }
        float[] drawn = Fresh(normal), plain = Fresh(new());
        Assert.AreEqual(0, drawn[^1]);
        Close.Below(0.05, drawn.Max(Math.Abs));
        Close.Above(0.15, plain.Max(Math.Abs)); // uniform up to 1/4
        using LanguageModel start = Tiny.Model();
        var ml = new MLContext(1);
        PpoOptions slow = Quick with { ValueHead = normal, BatchSize = 4, MiniBatchSize = 4, Steps = 4, LearningRate = 1e-9 };
        using TextGenerationTransformer fitted = ml.Trl().Ppo(Tiny.Source(), RewardFunction.Of((_, _) => 1), slow)
            .Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs));
        Close.Below(0.05, Toys.Flat(fitted.Model.ValueHead!.Weights()).Max(Math.Abs), "by the estimator");
    }

    [TestMethod]
    public void Dropout_is_on_where_the_critic_learns_and_off_where_it_is_asked() => Leaks.None(() =>
    {
        PpoStatistics without = Step(Quick), with = Step(Dropping(0.5));
        Close.Absolute(without["ppo/val/mean"], without["ppo/val/vpred"], 1e-6, "one pass over one batch: the values that it began with");
        Assert.AreEqual(without["ppo/val/mean"], with["ppo/val/mean"]);
        Assert.AreEqual(without["ppo/policy/approxkl"], with["ppo/policy/approxkl"]);
        Close.Above(1e-3, Math.Abs(with["ppo/val/vpred"] - with["ppo/val/mean"]));
    });

    [TestMethod]
    public void As_many_entries_are_dropped_as_asked_for_and_the_others_scaled_up()
    {
        // a critic that sees one entry of the hidden state, and two tokens: both are dropped with p², both are kept with (1 - p)²
        const double Bias = 0.7, P = 0.4;
        const int Seeds = 150;
        double Seen(double probability, int seed)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            using ValueHead head = ValueHead.Create(16, 1);
            using (no_grad())
            using (NewDisposeScope())
            {
                head.Weights().First().Value.narrow(1, 1, 15).zero_();
                head.Weights().Last().Value.fill_(Bias);
            }
            PpoOptions options = Dropping(probability) with { BatchSize = 2, MiniBatchSize = 2, Seed = seed };
            using var session = new PpoSession(policy, options, head);
            return session.Step([[1, 2], [3]], [[4], [5]], [1, -1])["ppo/val/vpred"];
        }
        double[] seen = [.. Enumerable.Range(0, Seeds).Select(seed => Seen(P, seed))];
        double Share(double value) => seen.Count(one => Math.Abs(one - value) < 1e-5) / (double)Seeds;
        double bothKept = Bias + ((Seen(0, 0) - Bias) / (1 - P));
        Close.Above(0.01, Math.Abs(bothKept - Bias));
        Close.Absolute(P * P, Share(Bias), 0.12, "both dropped"); // 4 standard deviations
        Close.Absolute((1 - P) * (1 - P), Share(bothKept), 0.16, "both kept");
    }

    [TestMethod]
    public void The_seed_decides_what_is_dropped()
    {
        Assert.AreEqual(Step(Dropping(0.5))["ppo/loss/value"], Step(Dropping(0.5))["ppo/loss/value"]);
        Assert.AreNotEqual(Step(Dropping(0.5))["ppo/loss/value"], Step(Dropping(0.5) with { Seed = 1 })["ppo/loss/value"]);
    }

    [TestMethod]
    public void Between_steps_and_after_the_session_nothing_is_dropped()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        using var scope = NewDisposeScope();
        Tensor hidden = ones(3, 16);
        float Sum() => head.Values(hidden).sum().item<float>();
        float Expected() => (hidden.matmul(head.Weights().First().Value.t()).sum() + (3 * head.Weights().Last().Value)).item<float>();
        using (var session = new PpoSession(policy, Dropping(0.9), head))
        {
            session.Step(Queries, Responses, Scores);
            Assert.IsFalse(head.training);
            Close.Absolute(Expected(), Sum(), 1e-5);
        }
        head.train(); // the session's random numbers are gone
        Close.Absolute(Expected(), Sum(), 1e-5);
    }

    [TestMethod]
    public void Options_out_of_range_are_named_and_survive_JSON()
    {
        static string Refused(ValueHeadOptions head) =>
            Assert.Throws<ArgumentException>(() => (Quick with { ValueHead = head }).Validated()).Message;
        StringAssert.Contains(Refused(new() { SummaryDropoutProb = 1 }), "SummaryDropoutProb (1) must be at least 0 and below 1");
        StringAssert.Contains(
            Refused(new() { VHeadInitStrategy = (VHeadInitStrategy)4 }), "VHeadInitStrategy (4) must be one of Normal");
        StringAssert.Contains(
            Refused(new() { VHeadInitializerRange = -1 }), "VHeadInitializerRange (-1) must be a finite number, 0 or greater");
        StringAssert.Contains(
            Refused(new() { VHeadInitializerRange = 0.5 }),
            "VHeadInitializerRange (0.5) has no meaning without a VHeadInitStrategy; "
            + "set VHeadInitStrategy to Normal, or leave the range at 0.2.");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ValueHead.Create(4, 1, VHeadInitStrategy.Normal, -1)).Message,
            "initializerRange (-1) must be a finite number, 0 or greater");
        PpoOptions options = Quick with
        {
            ValueHead = new() { SummaryDropoutProb = 0.1, VHeadInitStrategy = VHeadInitStrategy.Normal },
            LengthSampler = new LengthSampler(4, 16, 2),
            NumSharedLayers = 1,
            GenerationBatchSize = 4,
        };
        string json = JsonSerializer.Serialize(options);
        StringAssert.Contains(json, "\"VHeadInitStrategy\":\"normal\"");
        PpoOptions read = JsonSerializer.Deserialize<PpoOptions>(json)!.Validated();
        Assert.AreEqual(
            (options.ValueHead, options.LengthSampler, options.NumSharedLayers, options.GenerationBatchSize),
            (read.ValueHead, read.LengthSampler, read.NumSharedLayers, read.GenerationBatchSize));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<PpoOptions>("""{"ValueHead":{"Dropout":0.1}}"""));
        Assert.AreEqual((0.0, (VHeadInitStrategy?)null, 0.2), (
            new ValueHeadOptions().SummaryDropoutProb, new ValueHeadOptions().VHeadInitStrategy,
            new ValueHeadOptions().VHeadInitializerRange));
    }

    private static PpoOptions Dropping(double probability) => Quick with { ValueHead = new() { SummaryDropoutProb = probability } };

    private static PpoStatistics Step(PpoOptions options)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        using var session = new PpoSession(policy, options, head);
        return session.Step(Queries, Responses, Scores);
    }
}
