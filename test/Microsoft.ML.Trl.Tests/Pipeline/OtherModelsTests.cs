using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class OtherModelsTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    public void A_llama_chain_is_saved_and_loaded()
    {
        ModelSource source = ModelSource.New(
            ModelConfig.Llama(Tiny.Tokenizer.VocabularySize, 16, 2, 4, 32, keyValueHeads: 2), Tiny.Tokenizer, 1);
        using var chain = All(source, bf16: false).Fit(Rows);
        CollectionAssert.AreEqual(Texts(chain), Texts(SavedAndLoaded(chain)));
    }

    [TestMethod]
    public void A_bfloat16_chain_is_saved_and_loaded_as_such()
    {
        using var chain = All(Tiny.Source(), bf16: true).Fit(Rows);
        ITransformer loaded = SavedAndLoaded(chain);
        Assert.AreEqual(
            ScalarType.BFloat16, ((IEnumerable<ITransformer>)loaded).OfType<TextGenerationTransformer>().Last().Model.Network.Type);
        Assert.AreEqual(
            ScalarType.BFloat16, ((IEnumerable<ITransformer>)loaded).OfType<RewardTransformer>().Single().Model.Network.ScoreWeight.dtype);
        CollectionAssert.AreEqual(Texts(chain), Texts(loaded));
    }

    [TestMethod]
    public void No_tensor_outlives_a_chain() => Leaks.None(() =>
    {
        using var chain = All(Tiny.Source(), bf16: false).Fit(Rows);
        Texts(chain);
    });

    [TestMethod]
    public void No_tensor_outlives_a_loaded_chain() => Leaks.None(() =>
    {
        var loaded = (IDisposable)SavedChain.Load(SavedChain.Zip);
        loaded.Dispose();
    });

    private EstimatorChain<TextGenerationTransformer> All(ModelSource source, bool bf16) =>
        _ml.Trl().Sft(source, new SftOptions { MaxSteps = 1, Bf16 = bf16, Generation = Tiny.Greedy })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 1, Bf16 = bf16 }))
            .Append(_ml.Trl().Ppo(new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 4, Bf16 = bf16, Generation = Tiny.Greedy }))
            .Append(_ml.Trl().Dpo(new DpoOptions { MaxSteps = 1, Bf16 = bf16 }));

    private ITransformer SavedAndLoaded(ITransformer model)
    {
        using var file = new MemoryStream();
        _ml.Model.Save(model, Rows.Schema, file);
        return SavedChain.Load(file.ToArray());
    }

    private string[] Texts(ITransformer model)
    {
        IDataView view = model.Transform(Rows);
        return [.. view.GetColumn<string>(
            "Completion").Zip(view.GetColumn<float>("Score"), (text, score) => FormattableString.Invariant($"{text} {score:R}"))];
    }
}
