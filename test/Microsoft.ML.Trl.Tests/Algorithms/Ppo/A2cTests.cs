using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary><see cref="PpoOptions.A2c"/>: its update is that of advantage actor-critic, written out with whole logits.</summary>
[TestClass]
public sealed class A2cTests
{
    private const double Rate = 0.05, KlCoef = 0.2;

    private static readonly int[][] Queries = Toys.Rows(3, 4, 2, 6), Responses = Toys.Rows(5, 4, 2, 7);
    private static readonly double[] Scores = [1, -0.5, 2, 0.25];

    [TestMethod]
    public void The_update_is_the_gradient_of_advantage_actor_critic()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), plain = Toys.Gpt2(), reference = Toys.Gpt2(2);
        using ValueHead critic = ValueHead.Create(16, 1), plainCritic = ValueHead.Create(16, 1);
        PpoOptions options = PpoOptions.A2c with
        {
            BatchSize = 4, MiniBatchSize = 4, LearningRate = Rate, Optim = OptimizerKind.Sgd, AdamEpsilon = 1e-8, MaxGradNorm = 0,
            InitKlCoef = KlCoef, ValueHead = new() { SummaryDropoutProb = 0 },
        };
        using (var session = new PpoSession(policy, options, critic, reference))
            session.Step(Queries, Responses, Scores);
        Descend(plain, plainCritic, reference);
        Close.Absolute(Toys.Flat(plain.Weights()), Toys.Flat(policy.Weights()), 2e-5, "policy");
        Close.Absolute(Toys.Flat(plainCritic.Weights()), Toys.Flat(critic.Weights()), 2e-5, "critic");
        using CausalLanguageModel untrained = Toys.Gpt2();
        Close.Differ(Toys.Flat(untrained.Weights()), Toys.Flat(policy.Weights()), 1e-2, "something was learnt");
    }

    [TestMethod]
    public void Whitening_of_advantages_can_be_left_out()
    {
        PpoStatistics raw = Step(PpoOptions.A2c), white = Step(PpoOptions.A2c with { WhitenAdvantages = true });
        Close.Absolute(0, white["ppo/policy/advantages_mean"], 1e-5);
        Close.Above(1e-3, Math.Abs(raw["ppo/policy/advantages_mean"]));
        Assert.AreEqual(white["ppo/returns/mean"], raw["ppo/returns/mean"]);
    }

    [TestMethod]
    public void The_preset_is_valid_and_survives_JSON()
    {
        string json = JsonSerializer.Serialize(PpoOptions.A2c.Validated());
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<PpoOptions>(json)));
        Assert.IsEmpty(PpoOptions.A2c.WithoutEffect());
    }

    private static PpoStatistics Step(PpoOptions options)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, options with { BatchSize = 4, MiniBatchSize = 4 });
        return session.Step(Queries, Responses, Scores);
    }

    /// <summary>-mean(A log p) + ½ mean((V - R)²) over all response tokens, R what follows a token, A = R - V.</summary>
    private static void Descend(CausalLanguageModel policy, ValueHead critic, CausalLanguageModel reference)
    {
        using var scope = NewDisposeScope();
        List<Tensor> costs = [], errors = [];
        for (int row = 0; row < Queries.Length; row++)
        {
            (Tensor logProbs, Tensor states) = Read(policy, row);
            Tensor values = critic.Values(states), kl;
            using (no_grad())
                kl = logProbs.detach() - Read(reference, row).LogProbs;
            float[] charged = kl.data<float>().ToArray();
            var returns = new float[charged.Length];
            double after = Scores[row];
            for (int token = charged.Length - 1; token >= 0; token--)
                returns[token] = (float)(after -= KlCoef * charged[token]);
            Tensor goals = tensor(returns);
            costs.Add(-(goals - values.detach()) * logProbs);
            errors.Add((values - goals).square());
        }
        (cat(costs).mean() + (cat(errors).mean() * 0.5)).backward();
        using IDisposable frozen = no_grad();
        foreach (Tensor weight in policy.parameters().Concat(critic.parameters()))
            if (weight.grad is { } gradient)
                weight.add_(gradient, -Rate);
        policy.zero_grad();
        critic.zero_grad();
    }

    /// <summary>[n] log-probabilities of the response tokens, and [n, H] the states that predict them.</summary>
    private static (Tensor LogProbs, Tensor States) Read(CausalLanguageModel model, int row)
    {
        (int[] query, int[] response) = (Queries[row], Responses[row]);
        Tensor ids = tensor([.. query.Concat(response).Select(id => (long)id)]).unsqueeze(0);
        Tensor states = model.Hidden(ids).squeeze(0).narrow(0, query.Length - 1, response.Length);
        Tensor labels = ids.squeeze(0).narrow(0, query.Length, response.Length).unsqueeze(-1);
        return (model.Logits(states).log_softmax(-1).gather(1, labels).squeeze(-1), states);
    }
}
