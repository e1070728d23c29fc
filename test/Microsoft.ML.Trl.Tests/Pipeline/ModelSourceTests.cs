using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class ModelSourceTests
{
    private static readonly Placement Cpu = new(CPU, ScalarType.Float32);

    [TestMethod]
    public void A_folder_gives_policy_critic_and_tokenizer_back() => InAFolder(folder =>
    {
        using var model = new LanguageModel(CausalLanguageModel.Create(Tiny.Config(), 5), Tiny.Tokenizer, null, ValueHead.Create(16, 6));
        model.Save(folder);
        using LanguageModel read = ModelSource.Folder(folder).OpenPolicy(Cpu);
        CollectionAssert.AreEqual(Values(model.Network.Weights()), Values(read.Network.Weights()));
        CollectionAssert.AreEqual(Values(model.ValueHead!.Weights()), Values(read.ValueHead!.Weights()));
        CollectionAssert.AreEqual(model.Tokenizer.Encode("the film"), read.Tokenizer.Encode("the film"));
    });

    [TestMethod]
    public void A_folder_with_a_reward_model_keeps_its_head_and_one_with_a_policy_gets_a_fresh_one() => InAFolder(folder =>
    {
        ModelConfig roomy = Tiny.Config() with { VocabularySize = Tiny.Tokenizer.VocabularySize + 1 }; // a row for the pad token
        using var reward = new TextRewardModel(RewardModel.Create(roomy, 5), Tiny.Tokenizer);
        reward.Save(folder);
        using (TextRewardModel read = ModelSource.Folder(folder).OpenReward(Cpu, headSeed: 9))
            CollectionAssert.AreEqual(Values(reward.Network.Weights()), Values(read.Network.Weights()));
        using LanguageModel policy = Tiny.Model();
        policy.Save(folder);
        using TextRewardModel headed = ModelSource.Folder(folder).OpenReward(Cpu, headSeed: 9);
        CollectionAssert.AreEqual(
            Values(policy.Network.Weights()), Values(headed.Network.Weights().Where(weight => weight.Name != "score.weight")));
    });

    [TestMethod]
    public void A_loaded_chain_is_a_source()
    {
        using LanguageModel policy = ModelSource.FromTransformer(SavedChain.Load(SavedChain.Zip)).OpenPolicy(Cpu);
        CollectionAssert.AreEqual(Values(SavedChain.Chain.LastTransformer.Model.Network.Weights()), Values(policy.Network.Weights()));
        using TextRewardModel reward = ModelSource.FromTransformer(SavedChain.Chain).OpenReward(Cpu, headSeed: 1);
        RewardTransformer trained = SavedChain.Chain.OfType<RewardTransformer>().Single();
        CollectionAssert.AreEqual(Values(trained.Model.Network.Weights()), Values(reward.Network.Weights()));
    }

    [TestMethod]
    public void A_transformer_without_a_model_is_named()
    {
        MLContext ml = new(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        using RewardTransformer reward = ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(rows);
        Assert.Contains(
            "The transformer given as model source (RewardTransformer) holds no language model",
            Assert.Throws<ArgumentException>(() => ml.Trl().Sft(ModelSource.FromTransformer(reward)).Fit(rows)).Message);
    }

    [TestMethod]
    public void Random_weights_are_a_function_of_the_seed()
    {
        using LanguageModel first = Tiny.Source(3).OpenPolicy(Cpu), second = Tiny.Source(3).OpenPolicy(Cpu);
        using LanguageModel third = Tiny.Source(4).OpenPolicy(Cpu);
        CollectionAssert.AreEqual(Values(first.Network.Weights()), Values(second.Network.Weights()));
        CollectionAssert.AreNotEqual(Values(first.Network.Weights()), Values(third.Network.Weights()));
        CollectionAssert.AreEqual(new[] { Tiny.Tokenizer.EosTokenId!.Value }, first.Network.Config.EosTokenIds.ToArray());
    }

    private static float[] Values(IEnumerable<(string Name, Tensor Value)> weights) =>
        [.. weights.OrderBy(weight => weight.Name, StringComparer.Ordinal).SelectMany(weight => weight.Value.data<float>().ToArray())];

    private static void InAFolder(Action<string> test)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            test(folder.FullName);
        }
        finally
        {
            folder.Delete(true);
        }
    }
}
