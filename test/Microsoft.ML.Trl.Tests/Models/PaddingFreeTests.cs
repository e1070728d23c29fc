using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Padding-free batches give the numbers of padded ones.</summary>
[TestClass]
public sealed class PaddingFreeTests
{
    private static readonly TokenExample[] Texts =
        [new([3, 4, 5, 6, 7], 2), new([8], 0), new([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 1), new([20, 21, 22, 23, 24], 3)];

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void Hidden_states_and_gradients_are_those_of_the_padded_batch(string name) => Leaks.None(() =>
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        ModelReading Read(bool paddingFree) => ModelReading.Of(model, Texts, paddingFree, batch => model.HiddenAt(batch, null));
        Read(paddingFree: false).RequireSame(Read(paddingFree: true), name);
    });

    [TestMethod]
    public void Supervised_fine_tuning_takes_the_same_path()
    {
        var options = new SftOptions { LearningRate = 0.5, Optim = OptimizerKind.Sgd, MaxSteps = 4, PerDeviceTrainBatchSize = 5 };
        float[] Train(SftOptions how)
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            Loops.Sft(model, how, TinyModels.Texts(12));
            return TinyModels.Flat(model.Weights());
        }
        Close.Absolute(Train(options), Train(options with { PaddingFree = true }), 5e-6);
    }

    [TestMethod]
    public void It_is_on_where_it_is_asked_for_and_with_best_fit_packing()
    {
        SftOptions options = new(), packed = options with { Packing = true };
        Assert.IsFalse(options.ReadsPaddingFree);
        Assert.IsTrue((options with { PaddingFree = true }).ReadsPaddingFree);
        Assert.IsTrue(packed.ReadsPaddingFree);
        Assert.IsTrue((packed with { PackingStrategy = PackingStrategy.BfdSplit }).ReadsPaddingFree);
        Assert.IsFalse((packed with { PackingStrategy = PackingStrategy.Wrapped }).ReadsPaddingFree);
        CollectionAssert.Contains(
            (options with { PaddingFree = true, PerDeviceTrainBatchSize = 1 }).WithoutEffect().ToArray(),
            "PaddingFree with PerDeviceTrainBatchSize 1");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Direct_preference_optimisation_takes_the_same_path(bool precomputed)
    {
        var options = new DpoOptions
        {
            LearningRate = 0.5, Optim = OptimizerKind.Sgd, MaxSteps = 4, PerDeviceTrainBatchSize = 5, PrecomputeRefLogProbs = precomputed,
        };
        float[] Train(DpoOptions how)
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            Loops.Dpo(model, null, how, TinyModels.Pairs(12));
            return TinyModels.Flat(model.Weights());
        }
        Close.Absolute(Train(options), Train(options with { PaddingFree = true }), 5e-6);
    }

    [TestMethod]
    [DataRow("Orpo")]
    [DataRow("Cpo")]
    [DataRow("Kto")]
    [DataRow("Bco")]
    public void Other_methods_of_preferences_take_the_same_path(string method)
    {
        T Quick<T>(T options, bool free)
            where T : PreferenceOptions => options with
            {
                LearningRate = 0.1, Optim = OptimizerKind.Sgd, MaxSteps = 4, PerDeviceTrainBatchSize = 5, PaddingFree = free,
            };
        UnpairedExample[] completions =
        [
            .. TinyModels.Pairs(12).Select((pair, at) => at % 2 == 0
                ? new UnpairedExample(pair.Prompt, pair.Chosen, true)
                : new UnpairedExample(pair.Prompt, pair.Rejected, false)),
        ];
        float[] Train(bool free)
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            _ = method switch
            {
                "Orpo" => Loops.Orpo(model, Quick(new OrpoOptions(), free), TinyModels.Pairs(12)),
                "Cpo" => Loops.Cpo(model, Quick(new CpoOptions(), free), TinyModels.Pairs(12)),
                "Kto" => Loops.Kto(model, null, Quick(new KtoOptions(), free), completions),
                _ => Loops.Bco(model, null, Quick(new BcoOptions { PrecomputeRefLogProbs = true }, free), completions),
            };
            return TinyModels.Flat(model.Weights());
        }
        Close.Absolute(Train(false), Train(true), 5e-6);
    }

    [TestMethod]
    public void A_balancing_loss_counts_the_same_tokens()
    {
        using CausalLanguageModel padded = MadeModels.Load("mixtral"), free = MadeModels.Load("mixtral");
        var options = new SftOptions { MaxSteps = 1, LoggingSteps = 1, PerDeviceTrainBatchSize = 4, RouterAuxLossCoef = 0.1 };
        double one = Loops.Sft(padded, options, Texts)[0]["aux_loss"];
        Close.Relative(one, Loops.Sft(free, options with { PaddingFree = true }, Texts)[0]["aux_loss"], 1e-5);
    }

    [TestMethod]
    public void Dropout_and_noise_work_without_padding()
    {
        using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.1);
        var options = new SftOptions { MaxSteps = 30, LoggingSteps = 1, LearningRate = 1e-2, PaddingFree = true, NeftuneNoiseAlpha = 1 };
        List<StepReport> reports = Loops.Sft(model, options, TinyModels.Texts(6));
        Close.Below(0.8 * reports[0]["loss"], reports[^1]["loss"]);
    }

    [TestMethod]
    public void Encoder_decoders_are_refused()
    {
        using CausalLanguageModel model = TinyT5.Network();
        StringAssert.StartsWith(
            Assert.ThrowsExactly<NotSupportedException>(() => model.BatchOf([new TokenExample([1, 2, 3], 1)], paddingFree: true)).Message,
            "PaddingFree is not supported for a t5 model");
    }
}
