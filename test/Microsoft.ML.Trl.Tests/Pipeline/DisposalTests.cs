using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>A model that is disposed while others use it: they finish, and whoever comes later is told.</summary>
[TestClass]
public sealed class DisposalTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void A_disposed_transformer_says_who_may_have_disposed_it()
    {
        TextGenerationTransformer sft = Sft();
        IDataView view = sft.Transform(Rows());
        using (_ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.Answer>(sft))
        {
            // the engine owns the transformer
        }
        ObjectDisposedException error = Assert.Throws<ObjectDisposedException>(() => view.GetColumn<string>("Completion").ToArray());
        Assert.Contains("This LanguageModel was disposed", error.Message);
        Assert.Contains("OwnsTransformer = false", error.Message);
        Assert.Throws<ObjectDisposedException>(() => sft.Model.Complete("a"));
        Assert.Throws<ObjectDisposedException>(() => sft.Model.Copy());
        Assert.Throws<ObjectDisposedException>(() => sft.SaveHuggingFace(Path.GetTempPath()));
        Assert.Throws<ObjectDisposedException>(() => _ml.Trl().Sft(ModelSource.FromTransformer(sft)).Fit(Rows()));
        Assert.Throws<ObjectDisposedException>(() => _ml.Model.Save(sft, view.Schema, new MemoryStream()));
        using TorchSharp.torch.Tensor ids = TorchSharp.torch.zeros(1, 1, TorchSharp.torch.ScalarType.Int64);
        Assert.Throws<ObjectDisposedException>(() => sft.Model.Network.Hidden(ids));
        sft.Dispose();
    }

    [TestMethod]
    public void A_disposed_reward_model_says_so()
    {
        RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        IDataView view = reward.Transform(Rows());
        reward.Dispose();
        ObjectDisposedException error = Assert.Throws<ObjectDisposedException>(() => view.GetColumn<float>("Score").ToArray());
        Assert.Contains("This TextRewardModel was disposed", error.Message);
        Assert.Throws<ObjectDisposedException>(() => reward.Model.Score(["a"], ["b"]));
        Assert.Throws<ObjectDisposedException>(() => reward.Model.Copy());
        Assert.Throws<ObjectDisposedException>(() => reward.SaveHuggingFace(Path.GetTempPath()));
        Assert.Throws<ObjectDisposedException>(() => _ml.Model.Save(reward, view.Schema, new MemoryStream()));
    }

    [TestMethod]
    public void A_completion_that_has_begun_is_finished()
    {
        TextGenerationTransformer sft = Sft();
        string expected = sft.Model.Complete("the film");
        using IDisposable use = sft.Model.Use(); // as a call on another thread has it
        sft.Dispose();
        Assert.Throws<ObjectDisposedException>(() => sft.Model.Complete("the film"));
        Assert.AreEqual(expected, sft.Model.Tokenizer.Decode(
            new TokenGenerator(sft.Model.Network).Generate([sft.Model.Tokenizer.Encode("the film")], Tiny.Greedy).Tokens[0]));
        use.Dispose();
        Assert.Throws<ObjectDisposedException>(
            () => new TokenGenerator(sft.Model.Network).Generate([sft.Model.Tokenizer.Encode("the film")], Tiny.Greedy));
    }

    [TestMethod]
    public void A_reference_lives_as_long_as_the_training_that_reads_it()
    {
        TextGenerationTransformer sft = Sft();
        var progress = new Told(report => sft.Dispose());
        var options = new DpoOptions { MaxSteps = 3, LoggingSteps = 1 };
        using TextGenerationTransformer dpo = _ml.Trl()
            .Dpo(ModelSource.FromTransformer(sft), options, progress: progress)
            .Fit(Rows());
        Assert.HasCount(3, dpo.Reports);
        Assert.Throws<ObjectDisposedException>(() => sft.Model.Complete("a"));
    }

    private TextGenerationTransformer Sft() =>
        _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1, Generation = Tiny.Greedy }).Fit(Rows());

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private sealed class Told(Action<StepReport> action) : IProgress<StepReport>
    {
        public void Report(StepReport value) => action(value);
    }
}
