using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.EncoderDecoder;

/// <summary>PPO on an encoder-decoder: queries go to the encoder, responses to the decoder.</summary>
[TestClass]
public sealed class EncoderDecoderPpoTests
{
    private static readonly PpoOptions Quick = new()
    {
        BatchSize = 2,
        MiniBatchSize = 1,
        PpoEpochs = 1,
        LearningRate = 1e-3,
        Generation = new GenerationOptions { MaxNewTokens = 5, EosTokenIds = [] },
    };

    private static readonly int[][] Queries = [[5, 9, 3, 17], [7, 1]];
    private static readonly int[][] Responses = [[21, 22, 23, 24], [31, 32]];

    [TestMethod]
    public void The_policy_learns_to_write_what_is_rewarded()
    {
        using CausalLanguageModel policy = TinyT5.Network();
        PpoOptions options = Quick with { BatchSize = 16, MiniBatchSize = 16, PpoEpochs = 4, LearningRate = 5e-3, InitKlCoef = 0.01 };
        using var session = new PpoSession(policy, options);
        var rewards = new List<double>();
        int[][] queries = [.. Enumerable.Range(0, 16).Select(row => new[] { 40 + (row % 5), 45, 1 })];
        for (int step = 0; step < 30; step++)
        {
            IReadOnlyList<int[]> responses = session.Generate(queries);
            double[] scores = [.. responses.Select(response => response.Skip(1).Count(token => token < 25) / 4.0)];
            rewards.Add(scores.Average());
            session.Step(queries, responses, scores);
        }
        Close.Below(0.7, rewards[..3].Average());
        Close.Above(0.9, rewards[^3..].Average());
    }

    /// <summary>
    /// By TRL v0.11.4's formulas: columns of the decoder's log-probabilities from the second response token on ("start = 1"), the KL of
    /// which is summed, and the score on the last token.
    /// </summary>
    [TestMethod]
    public void Statistics_of_a_step_are_those_of_the_formulas()
    {
        using CausalLanguageModel policy = TinyT5.Network(), reference = TinyT5.Network(seed: 4);
        using ValueHead critic = ValueHead.Create(16, 1);
        using var scope = NewDisposeScope();
        var (kl, values, nonScore) = (new List<double>(), new List<double>(), new List<double>());
        for (int row = 0; row < 2; row++)
        {
            (double[] ours, double[] estimates) = Evaluate(policy, critic, Queries[row], Responses[row]);
            (double[] theirs, _) = Evaluate(reference, critic, Queries[row], Responses[row]);
            double[] difference = [.. ours.Zip(theirs, (one, other) => one - other).Skip(1)];
            kl.Add(difference.Sum());
            nonScore.AddRange(difference.Select(nats => -0.3 * nats));
            values.AddRange(estimates.Skip(1));
        }
        PpoOptions options = Quick with { InitKlCoef = 0.3, AdapKlCtrl = false };
        using var session = new PpoSession(policy, options, critic, reference);
        PpoStatistics statistics = session.Step(Queries, Responses, [1, -1]);
        Close.Absolute(kl.Average(), statistics["objective/kl"], 1e-4, "KL");
        Close.Absolute(nonScore.Average(), statistics["ppo/mean_non_score_reward"], 1e-4, "KL as reward");
        Close.Absolute(4, statistics.Arrays["tokens/queries_dist"][0], 0);
        Close.Absolute(4, statistics.Arrays["tokens/responses_dist"][0], 0);
        // mini-batches of one row each, in any order; the mean value of each is over its tokens
        Close.Absolute((values[..3].Average() + values[3]) / 2, statistics["ppo/val/mean"], 1e-4, "values");
    }

    [TestMethod]
    public void What_was_computed_when_sampling_is_what_a_step_computes_by_itself()
    {
        using CausalLanguageModel one = TinyT5.Network(), other = TinyT5.Network();
        using ValueHead first = ValueHead.Create(16, 1), second = ValueHead.Create(16, 1);
        using var session = new PpoSession(one, Quick, first);
        using var given = new PpoSession(other, Quick, second);
        IReadOnlyList<int[]> responses = session.Generate(Queries);
        PpoStatistics remembered = session.Step(Queries, responses, [1, -1]), computed = given.Step(Queries, responses, [1, -1]);
        foreach (string name in new[] { "ppo/loss/total", "objective/kl", "ppo/val/mean", "ppo/policy/entropy" })
            Close.Absolute(remembered[name], computed[name], 1e-5, name);
        // Adam's first step is as large as the rate, whatever the gradient
        Close.Absolute(TinyModels.Flat(one.Weights()), TinyModels.Flat(other.Weights()), 2e-4);
    }

    [TestMethod]
    public void A_single_token_counts_although_it_is_the_first()
    {
        using CausalLanguageModel policy = TinyT5.Network();
        using var session = new PpoSession(policy, Quick);
        PpoStatistics statistics = session.Step(Queries, [[21], [31]], [1, -1]);
        Assert.IsTrue(double.IsFinite(statistics["ppo/loss/total"]));
        Close.Above(0, statistics["ppo/policy/entropy"]);
    }

    [TestMethod]
    public void A_step_leaves_nothing_but_weights_and_the_optimizer_behind()
    {
        using CausalLanguageModel policy = TinyT5.Network();
        using var session = new PpoSession(policy, Quick);
        Leaks.None(() => session.Step(Queries, session.Generate(Queries), [1, -1]));
    }

    [TestMethod]
    public void Shared_layers_are_the_embedding_the_encoder_and_the_first_of_the_decoder()
    {
        using CausalLanguageModel policy = TinyT5.Network();
        using CausalLanguageModel reference = policy.CreateReferenceModel(1);
        string[] trained = [.. policy.Weights().Where(weight => weight.Value.requires_grad).Select(weight => weight.Name)];
        string[] last = [.. trained.Where(name => name != "decoder.final_layer_norm.weight")];
        Assert.IsTrue(last.All(name => name.StartsWith("decoder.block.1.", StringComparison.Ordinal)));
        Assert.HasCount(14, trained);
    }

    /// <summary>Log-probability of each response token, and the critic's estimate before it.</summary>
    private static (double[] LogProbs, double[] Values) Evaluate(CausalLanguageModel model, ValueHead critic, int[] query, int[] response)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using EncodedPrompts prompts = model.Encode(tensor(Array.ConvertAll(query, id => (long)id)).view(1, -1));
        Tensor ids = tensor([0L, .. response.Select(id => (long)id)]).view(1, -1);
        Tensor hidden = model.Hidden(ids, prompts: prompts);
        Tensor logProbs = model.Logits(hidden)[0].log_softmax(-1);
        float[] estimates = critic.Values(hidden)[0].data<float>().ToArray();
        return (
            [.. response.Select((id, i) => (double)logProbs[i, id].item<float>())],
            [.. response.Select((_, i) => (double)estimates[i])]);
    }
}
