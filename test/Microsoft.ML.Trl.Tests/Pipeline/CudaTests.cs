using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>The same code on a GPU; skipped, visibly, where libtorch sees none.</summary>
[TestClass]
public sealed class CudaTests
{
    private const double Tolerance = 2e-3;
    private readonly MLContext _cpu = new(1);
    private readonly MLContext _gpu = new(1) { GpuDeviceId = 0 };

    [TestInitialize]
    public void NeedsGpu()
    {
        _cpu.Trl();
        if (!cuda.is_available())
            Assert.Inconclusive("Skipped: libtorch sees no CUDA device.");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Every_method_trains_on_the_GPU_as_on_the_CPU(bool isLlama)
    {
        Same(ml => ml.Trl().Sft(Source(isLlama), new SftOptions { MaxSteps = 4, LearningRate = 1e-3, LoggingSteps = 1 }), isLlama);
        Same(ml => ml.Trl().Dpo(Source(isLlama), new DpoOptions { MaxSteps = 4, LearningRate = 1e-3, LoggingSteps = 1 }), isLlama);
        var ppo = new PpoOptions { Steps = 12, BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-4, Generation = Tiny.Greedy };
        Same(ml => ml.Trl().Ppo(Source(isLlama), RewardFunction.Of((_, response) => response.Length % 5), ppo), isLlama);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_reward_model_trains_on_the_GPU_as_on_the_CPU(bool isLlama)
    {
        var options = new RewardOptions { MaxSteps = 4, LearningRate = 1e-3, LoggingSteps = 1 };
        using RewardTransformer near = _cpu.Trl().RewardModel(Source(isLlama), options).Fit(Rows(_cpu));
        using RewardTransformer far = _gpu.Trl().RewardModel(Source(isLlama), options).Fit(Rows(_gpu));
        Same(near.Reports, far.Reports);
        Close.Absolute(near.Model.Score(null, ["a good story", "bad"]), far.Model.Score(null, ["a good story", "bad"]), Tolerance);
    }

    [TestMethod]
    public void Sampling_on_the_GPU_repeats_with_its_seed_and_keeps_to_its_filters()
    {
        var generation = new GenerationOptions { MaxNewTokens = 12, TopK = 3, TopP = 0.9, Temperature = 0.8, Seed = 7 };
        var options = new SftOptions { MaxSteps = 2, LearningRate = 1e-3, Generation = generation };
        using TextGenerationTransformer model = _gpu.Trl().Sft(Source(false), options).Fit(Rows(_gpu));
        string[] first = Completions(_gpu, model), second = Completions(_gpu, model);
        CollectionAssert.AreEqual(first, second);
        using TextGenerationTransformer other = model.With(generation with { Seed = 8 });
        CollectionAssert.AreNotEqual(first, Completions(_gpu, other));
    }

    [TestMethod]
    public void Dropout_on_the_GPU_repeats_with_its_seed()
    {
        ModelConfig config = Tiny.Config() with { ResidualDropout = 0.2, EmbeddingDropout = 0.2, AttentionDropout = 0.2 };
        ModelSource source = ModelSource.New(config, Tiny.Tokenizer, seed: 1);
        double[] Losses(int seed)
        {
            var options = new SftOptions { MaxSteps = 4, LearningRate = 1e-3, LoggingSteps = 1, Seed = seed };
            using TextGenerationTransformer model = _gpu.Trl().Sft(source, options).Fit(Rows(_gpu));
            return [.. model.Reports.Select(report => report.Metrics["loss"])];
        }
        Close.Absolute(Losses(1), Losses(1), 1e-5);
        Close.Above(1e-4, Math.Abs(Losses(1)[0] - Losses(2)[0]), "another seed drops others");
    }

    [TestMethod]
    public void Bfloat16_trains_on_the_GPU()
    {
        var options = new SftOptions { MaxSteps = 30, LearningRate = 1e-2, LoggingSteps = 1 };
        SftOptions half = options with { Bf16 = true };
        using TextGenerationTransformer wide = _gpu.Trl().Sft(Source(true), options).Fit(Rows(_gpu));
        using TextGenerationTransformer narrow = _gpu.Trl().Sft(Source(true), half).Fit(Rows(_gpu));
        Close.Relative(wide.Reports[0].Metrics["loss"], narrow.Reports[0].Metrics["loss"], 0.02);
        Close.Below(0.5 * wide.Reports[0].Metrics["loss"], narrow.Reports[^1].Metrics["loss"]);
    }

    /// <summary>Equal reports, and a zip that was saved there and loads here.</summary>
    private void Same(Func<MLContext, IEstimator<TextGenerationTransformer>> trainer, bool isLlama)
    {
        using TextGenerationTransformer near = trainer(_cpu).Fit(Rows(_cpu)), far = trainer(_gpu).Fit(Rows(_gpu));
        Same(near.Reports, far.Reports);
        using var zip = new MemoryStream();
        _gpu.Model.Save(far, Rows(_gpu).Schema, zip);
        zip.Position = 0;
        using var loaded = (IDisposable)_cpu.Model.Load(zip, out _);
        Assert.AreEqual(isLlama, far.Model.Network.Config.ModelType == "llama");
        Close.Absolute(Logits(near.Model.Network), Logits(far.Model.Network), Tolerance, "logits after training");
    }

    private static void Same(IReadOnlyList<StepReport> near, IReadOnlyList<StepReport> far)
    {
        Assert.AreEqual(near.Count, far.Count);
        Assert.IsGreaterThan(0, near.Count);
        string[] clocks = [.. near[0].Metrics.Keys.Where(name => name.StartsWith("time/", StringComparison.Ordinal))];
        foreach ((StepReport expected, StepReport actual) in near.Zip(far))
            Close.Metrics(
                expected.Metrics.Where(metric => !clocks.Contains(metric.Key) && double.IsFinite(metric.Value)).ToDictionary(),
                actual.Metrics,
                (_, value) => Tolerance * Math.Max(1, Math.Abs(value)),
                $"step {expected.Step}");
    }

    private static float[] Logits(CausalLanguageModel model)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = arange(1, 13, int64).view(2, 6).to(model.HeadWeight.device);
        return model.Logits(model.Body.Hidden(ids)).cpu().data<float>().ToArray();
    }

    private static string[] Completions(MLContext ml, TextGenerationTransformer model) =>
        [.. ml.Data.CreateEnumerable<Tiny.Answer>(model.Transform(Rows(ml)), false).Select(answer => answer.Completion)];

    private static IDataView Rows(MLContext ml) => ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static ModelSource Source(bool isLlama)
    {
        int size = Tiny.Tokenizer.VocabularySize;
        ModelConfig config = isLlama
            ? ModelConfig.Llama(size, 32, 2, 4, 32, keyValueHeads: 2)
            : ModelConfig.Gpt2(size, 32, 2, 4, 32, dropout: 0);
        return ModelSource.New(config, Tiny.Tokenizer, seed: 1);
    }
}
