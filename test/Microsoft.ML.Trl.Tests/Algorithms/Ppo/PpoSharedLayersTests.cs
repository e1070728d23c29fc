using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Layers that policy and reference share.</summary>
[TestClass]
public sealed class PpoSharedLayersTests
{
    private static readonly PpoOptions Shared = new()
    {
        BatchSize = 8,
        MiniBatchSize = 4,
        PpoEpochs = 2,
        LearningRate = 1e-2,
        InitKlCoef = 0.5,
        NumSharedLayers = 1,
        Generation = new GenerationOptions { MaxNewTokens = 6, EosTokenIds = [] },
    };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Training_changes_the_layers_above_alone_and_the_reference_not_at_all(bool llama) => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Create(llama), before = Create(llama), after = Create(llama);
        using var scope = NewDisposeScope();
        using var session = new PpoSession(policy, Shared);
        Steps(session, 3);
        foreach (((string name, Tensor value), (_, Tensor old)) in policy.Weights().Zip(before.Weights()))
        {
            string[] shared = ["wte", "wpe", "embed_tokens", llama ? "layers.0." : "h.0."];
            bool isShared = shared.Any(part => name.Contains(part, StringComparison.Ordinal));
            Assert.AreEqual(isShared, value.equal(old).all().item<bool>(), name);
        }
        // a session whose reference is a whole copy charges the same KL, if the shared reference is what it was
        using var whole = new PpoSession(after, Shared, null, before);
        Steps(whole, 3);
        Close.Absolute(Toys.Flat(after.Weights()), Toys.Flat(policy.Weights()), 1e-6);
    });

    [TestMethod]
    public void At_step_0_the_KL_is_0_and_after_it_is_not()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Shared);
        int[][] queries = Toys.Rows(3, 8, 2, 9), responses = Toys.Rows(4, 8, 2, 7);
        Assert.AreEqual(0, session.Step(queries, responses, [1, -1, 0.5, 2, -2, 0, 1, 3])["objective/kl"]);
        Close.Above(1e-3, Math.Abs(session.Step(queries, responses, new double[8])["objective/kl"]));
    }

    [TestMethod]
    public void What_lies_above_the_shared_layers_is_trained()
    {
        long Trained(int? layers)
        {
            using CausalLanguageModel policy = CausalLanguageModel.Create(ModelConfig.Gpt2(40, 16, 2, 2, 32), 1);
            using var session = new PpoSession(policy, Shared with { NumSharedLayers = layers });
            return policy.Weights().Where(weight => weight.Value.requires_grad).Sum(weight => weight.Value.NumberOfElements);
        }
        const long Embeddings = (40 * 16) + (32 * 16), Block = (12 * 16 * 16) + (13 * 16), Norm = 2 * 16;
        Assert.AreEqual(Embeddings + (2 * Block) + Norm, Trained(null));
        Assert.AreEqual((2 * Block) + Norm, Trained(0));
        Assert.AreEqual(Block + Norm, Trained(1));
    }

    [TestMethod]
    public void After_the_session_the_policy_can_be_trained_as_before()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        Tensor first = policy.parameters().ElementAt(3);
        first.requires_grad = false; // by the user: stays so
        using (new PpoSession(policy, Shared))
            Assert.AreNotEqual(1, policy.parameters().Count(weight => !weight.requires_grad));
        Assert.IsFalse(first.requires_grad);
        Assert.AreEqual(1, policy.parameters().Count(weight => !weight.requires_grad));
    }

    [TestMethod]
    public void A_fitted_stage_has_trained_the_layers_above_alone()
    {
        using LanguageModel start = Tiny.Model();
        var ml = new MLContext(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        PpoOptions options = Shared with { Steps = 4, BatchSize = 4, MiniBatchSize = 4 };
        using TextGenerationTransformer fitted =
            ml.Trl().Ppo(Tiny.Source(), RewardFunction.Of((_, response) => response.Length), options).Fit(rows);
        string[] changed =
        [
            .. fitted.Model.Network.Weights().Zip(start.Network.Weights())
                .Where(pair => !Toys.Flat([pair.First]).SequenceEqual(Toys.Flat([pair.Second]))).Select(pair => pair.First.Name),
        ];
        Assert.IsNotEmpty(changed);
        string[] above = ["h.1.", "ln_f"];
        Assert.IsTrue(changed.All(name => above.Any(part => name.Contains(part, StringComparison.Ordinal))));
        Assert.IsTrue(fitted.Model.Network.parameters().All(weight => weight.requires_grad));
    }

    [TestMethod]
    public void Layers_that_are_not_there_are_refused_and_nothing_is_left_behind() => Leaks.None(() =>
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => (Shared with { NumSharedLayers = -1 }).Validated()).Message,
            "NumSharedLayers (-1) must be 0 or greater");
        using CausalLanguageModel policy = Toys.Gpt2();
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PpoSession(policy, Shared with { NumSharedLayers = 2 })).Message,
            "numSharedLayers (2) must lie between 0 and 1: the model has 2 layers");
    });

    private static CausalLanguageModel Create(bool llama) =>
        CausalLanguageModel.Create(llama ? ModelConfig.Llama(40, 16, 2, 2, 32) : ModelConfig.Gpt2(40, 16, 2, 2, 32), 1);

    private static void Steps(PpoSession session, int count)
    {
        int[][] queries = Toys.Rows(3, 8, 2, 9);
        for (int step = 0; step < count; step++)
        {
            IReadOnlyList<int[]> responses = session.Generate(queries);
            session.Step(queries, responses, [.. responses.Select(response => response.Average() / 10)]);
        }
    }
}
