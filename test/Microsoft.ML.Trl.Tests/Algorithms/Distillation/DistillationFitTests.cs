using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Distillation;

/// <summary>Distillation as stages of a pipeline.</summary>
[TestClass]
public sealed class DistillationFitTests
{
    private static readonly GkdOptions Gkd = new() { MaxSteps = 2, LearningRate = 1e-2, MaxNewTokens = 4, Generation = Tiny.Greedy };
    private static readonly DistillOptions Distill = new() { MaxSteps = 2, LearningRate = 1e-2, Generation = Tiny.Greedy };
    private static readonly MiniLlmOptions MiniLlm = new()
    {
        MaxSteps = 2, LearningRate = 1e-2, NumGenerations = 2, Generation = new() { MaxNewTokens = 4 },
    };

    private readonly MLContext _ml = new(1);

    private static ModelSource Teacher => Tiny.Source(seed: 8);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private IDataView Prompts => _ml.Data.LoadFromEnumerable(Tiny.Pairs.Select(row => new Tiny.PromptRow { Prompt = row.Prompt }));

    [TestMethod]
    public void The_stages_chain_answer_save_and_load()
    {
        EstimatorChain<TextGenerationTransformer> chain = _ml.Trl().Sft(Tiny.Source(), new() { MaxSteps = 1 })
            .Append(_ml.Trl().Gkd(Teacher, Gkd))
            .Append(_ml.Trl().MiniLlm(Teacher, MiniLlm))
            .Append(_ml.Trl().Distill(Teacher, Distill));
        using TransformerChain<TextGenerationTransformer> fitted = chain.Fit(Rows);
        string[] answers = Answers(fitted);
        Assert.HasCount(4, answers);
        using var file = new MemoryStream();
        _ml.Model.Save(fitted, Rows.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out _);
        CollectionAssert.AreEqual(answers, Answers(loaded));
        TextGenerationTransformer[] stages = [.. fitted.OfType<TextGenerationTransformer>()];
        string[] expected = ["SFT", "GKD", "MiniLLM", "Distill"];
        CollectionAssert.AreEqual(expected, stages.Select(stage => stage.Reports[0].Stage).ToArray());
        for (int i = 1; i < stages.Length; i++)
            Close.Differ(Weights(stages[i - 1]), Weights(stages[i]), 1e-4, expected[i]);
    }

    [TestMethod]
    public void Prompts_are_enough_where_a_model_writes_the_completions()
    {
        foreach (GkdOptions options in new[] { Gkd with { Lmbda = 1 }, Gkd with { SeqKd = true } })
            _ml.Trl().Gkd(Tiny.Source(), Teacher, options).Fit(Prompts).Dispose();
        _ml.Trl().MiniLlm(Tiny.Source(), Teacher, MiniLlm).Fit(Prompts).Dispose();
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Trl().Gkd(Tiny.Source(), Teacher, Gkd).Fit(Prompts));
    }

    [TestMethod]
    public void A_teacher_in_memory_is_used_where_it_is_and_stays_as_it_was()
    {
        using LanguageModel teacher = Tiny.Model(seed: 8);
        float[] before = Toys.Flat(teacher.Network.Weights());
        using TextGenerationTransformer shared =
            _ml.Trl().Distill(Tiny.Source(), ModelSource.FromModel(teacher), Distill).Fit(Rows);
        using TextGenerationTransformer own = _ml.Trl().Distill(Tiny.Source(), Teacher, Distill).Fit(Rows);
        CollectionAssert.AreEqual(Weights(own), Weights(shared));
        CollectionAssert.AreEqual(before, Toys.Flat(teacher.Network.Weights()));
    }

    [TestMethod]
    public void A_teacher_in_8_bits_teaches_almost_the_same()
    {
        DistillOptions once = Distill with { MaxSteps = 1, LoggingSteps = 1 };
        using TextGenerationTransformer full = _ml.Trl().Distill(Tiny.Source(), Teacher, once).Fit(Rows);
        using TextGenerationTransformer few =
            _ml.Trl().Distill(Tiny.Source(), Teacher, once with { TeacherModel = ReferenceKind.Int8 }).Fit(Rows);
        Close.Relative(full.Reports[0]["kd_loss"], few.Reports[0]["kd_loss"], 0.05);
        Assert.AreNotEqual(full.Reports[0]["kd_loss"], few.Reports[0]["kd_loss"]);
    }

    [TestMethod]
    public void An_adapter_beside_the_student_learns_and_a_teacher_may_be_wider()
    {
        ModelSource wide = ModelSource.New(
            ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize, 32, 1, 2, 16, dropout: 0), Tiny.Tokenizer, seed: 8);
        using TextGenerationTransformer student = _ml.Trl().Gkd(Tiny.Source(), wide, Gkd with { Peft = new() }).Fit(Rows);
        Assert.IsNotEmpty(student.Model.Network.AdapterNames());
    }

    [TestMethod]
    public void Encoder_decoders_learn_from_their_like()
    {
        foreach (IEstimator<TextGenerationTransformer> stage in new IEstimator<TextGenerationTransformer>[]
        {
            _ml.Trl().Gkd(TinyT5.Source(), TinyT5.Source(seed: 8), Gkd),
            _ml.Trl().MiniLlm(TinyT5.Source(), TinyT5.Source(seed: 8), MiniLlm),
            _ml.Trl().Distill(TinyT5.Source(), TinyT5.Source(seed: 8), Distill),
        })
            stage.Fit(Rows).Dispose();
    }

    [TestMethod]
    public void Conversations_are_learnt_and_answered()
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(Talk.Rows);
        foreach (IEstimator<TextGenerationTransformer> stage in new IEstimator<TextGenerationTransformer>[]
        {
            _ml.Trl().Gkd(Talk.Source(), Talk.Source(seed: 8), Gkd with { Conversations = new() }),
            _ml.Trl().MiniLlm(Talk.Source(), Talk.Source(seed: 8), MiniLlm with { Conversations = new() }),
            _ml.Trl().Distill(Talk.Source(), Talk.Source(seed: 8), Distill with { Conversations = new() }),
        })
        {
            using TextGenerationTransformer fitted = stage.Fit(rows);
            Assert.HasCount(Talk.Rows.Length, fitted.Transform(rows).GetColumn<string>("Completion").ToArray());
        }
    }

    [TestMethod]
    public void Cancelling_hands_out_the_student_that_was_reached()
    {
        using var source = new CancellationTokenSource();
        var progress = new Collected(report => source.Cancel());
        GkdOptions many = Gkd with { MaxSteps = 50, LoggingSteps = 1 };
        var error = Assert.ThrowsExactly<TrainingCanceledException>(
            () => _ml.Trl().Gkd(Tiny.Source(), Teacher, many, progress: progress, cancel: source.Token).Fit(Rows));
        Assert.IsNotNull(error.Model);
        ((TextGenerationTransformer)error.Model).Dispose();
    }

    [TestMethod]
    public void Options_without_effect_are_named()
    {
        Named("SeqKd with Lmbda 1", new GkdOptions { SeqKd = true, Lmbda = 1 });
        Named("Temperature and MaxNewTokens with Lmbda 0 and without SeqKd", new GkdOptions { Lmbda = 0, MaxNewTokens = 3 });
        Named("CompletionColumnName with Lmbda 1", new GkdOptions { Lmbda = 1, CompletionColumnName = "Answer" });
        Named("CompletionColumnName with SeqKd", new GkdOptions { SeqKd = true, CompletionColumnName = "Answer" });
        Named("PaddingFree with PerDeviceTrainBatchSize 1", new DistillOptions { PaddingFree = true, PerDeviceTrainBatchSize = 1 });
        Named("Gamma and LengthNormalization without RklAdvantage", new MiniLlmOptions { RklAdvantage = false, Gamma = 0.5 });
        Named("LengthNormalization with Gamma 0", new MiniLlmOptions { LengthNormalization = false });
        Named("Peft.LoraDropout without dropout in training", new GkdOptions { Peft = LoraOptions.TrlDefaults });
        foreach (TrainingOptions used in new TrainingOptions[] { new GkdOptions(), new MiniLlmOptions(), new DistillOptions() })
            Assert.IsEmpty(used.WithoutEffect());

        static void Named(string expected, TrainingOptions options) =>
            Assert.AreEqual(expected, string.Join("; ", options.WithoutEffect()).Split(", ")[0]);
    }

    private string[] Answers(ITransformer fitted) =>
        [.. _ml.Data.CreateEnumerable<Tiny.Answer>(fitted.Transform(Rows), false).Select(row => row.Completion)];

    private static float[] Weights(TextGenerationTransformer stage) => Toys.Flat(stage.Model.Network.Weights());
}
