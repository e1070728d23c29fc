using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>Which token a reward model scores survives training, ML.NET's zip and a folder.</summary>
[TestClass]
public sealed class SavedRewardTests
{
    private static readonly MLContext Ml = new(1);

    private static int End => Tiny.Tokenizer.EosTokenId!.Value;

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void The_rule_survives_the_zip(bool padIsEnd)
    {
        ModelConfig config = Tiny.Config() with { EosTokenIds = [End], PadTokenId = padIsEnd ? End : null };
        using CausalLanguageModel policy = CausalLanguageModel.Create(config, 1);
        using RandomWeights drawn = new(2);
        // the constructor that loading uses: it keeps what the configuration says
        var network = new RewardModel(config, new CopiedWeights(policy.Weights(), drawn));
        var model = new TextRewardModel(network, Tiny.Tokenizer);
        using var saved = new RewardTransformer(new MLContext(1), model, new RewardOptions().Output, []);
        using var loaded = (RewardTransformer)SavedChain.Load(Zip(saved));
        Assert.AreEqual(config.PadTokenId, loaded.Model.Network.Config.PadTokenId);

        float[] scores = loaded.Model.Score(["the film"], [" was good"]);
        Close.Absolute(saved.Model.Score(["the film"], [" was good"]), scores, 0, "reward zip");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] ids = [.. Tiny.Tokenizer.Encode("the film").Concat(Tiny.Tokenizer.Encode(" was good")).Append(End).Select(id => (long)id)];
        Tensor scored = policy.Hidden(tensor(ids).view(1, -1))[0, padIsEnd ? ids.Length - 2 : ids.Length - 1];
        Close.Absolute((scored * network.ScoreWeight[0]).sum().item<float>(), scores[0], 1e-5, "reward zip, scored token");
    }

    [TestMethod]
    public void A_reward_stage_on_a_policy_whose_pad_token_is_the_end_token_reads_the_end_token()
    {
        ModelConfig config = Tiny.Config() with { PadTokenId = End }; // New takes the end token from the tokenizer
        IDataView rows = Ml.Data.LoadFromEnumerable(Tiny.Pairs);
        using RewardTransformer reward =
            Ml.Trl().RewardModel(ModelSource.New(config, Tiny.Tokenizer), new RewardOptions { MaxSteps = 1 }).Fit(rows);
        Assert.IsNull(reward.Model.Network.Config.PadTokenId);
        using RewardTransformer again =
            Ml.Trl().RewardModel(ModelSource.FromTransformer(reward), new RewardOptions { MaxSteps = 1 }).Fit(rows);
        Assert.IsNull(again.Model.Network.Config.PadTokenId);
    }

    [TestMethod]
    public void The_tokenizers_end_token_counts_where_the_policys_configuration_names_another()
    {
        ModelConfig config = Tiny.Config() with { PadTokenId = End, EosTokenIds = [End + 1] };
        using TextRewardModel model =
            ModelSource.New(config, Tiny.Tokenizer).OpenReward(new Placement(CPU, ScalarType.Float32), headSeed: 1);
        Assert.IsNull(model.Network.Config.PadTokenId);
    }

    [TestMethod]
    public void Training_goes_on_from_a_folder_with_the_rule_of_that_folder()
    {
        ModelConfig config = Tiny.Config() with { EosTokenIds = [End], PadTokenId = End };
        string folder = Directory.CreateTempSubdirectory("trl-").FullName;
        using (CausalLanguageModel policy = CausalLanguageModel.Create(config, 1))
        using (RandomWeights drawn = new(2))
        using (var model = new TextRewardModel(new RewardModel(config, new CopiedWeights(policy.Weights(), drawn)), Tiny.Tokenizer))
            model.Save(folder);
        using RewardTransformer reward = Ml.Trl().RewardModel(ModelSource.Folder(folder), new RewardOptions { MaxSteps = 1 })
            .Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs));
        Directory.Delete(folder, recursive: true);
        Assert.AreEqual(End, reward.Model.Network.Config.PadTokenId);
    }

    private static byte[] Zip(ITransformer transformer)
    {
        using var file = new MemoryStream();
        Ml.Model.Save(transformer, Ml.Data.LoadFromEnumerable(Tiny.Pairs).Schema, file);
        return file.ToArray();
    }
}
