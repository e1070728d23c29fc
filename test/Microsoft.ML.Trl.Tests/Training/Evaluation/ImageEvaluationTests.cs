using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Diffusion;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>Diffusion models are evaluated by held-out images, and by the rewards of what they draw for held-out prompts.</summary>
[TestClass]
public sealed class ImageEvaluationTests
{
    private static readonly ImageReward Brightness = ImageReward.OfBatch((images, _) => images.mean([1L, 2, 3]));

    private static readonly DdpoOptions Ddpo = new()
    {
        NumEpochs = 4, SampleNumSteps = 5, SampleGuidanceScale = 1, SampleBatchSize = 4, SampleNumBatchesPerEpoch = 1, TrainBatchSize = 4,
        TrainLearningRate = 1e-2,
    };

    private static readonly DenoisingOptions Denoising = new() { MaxSteps = 6, PerDeviceTrainBatchSize = 4, LearningRate = 4e-3 };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Before_the_first_epoch_it_is_the_mean_reward_of_what_the_starting_model_draws()
    {
        using DiffusionModel start = Shapes.Model();
        DdpoOptions options = Ddpo with { EvalOnStart = true, EvaluationData = Rows(6) };
        using ImageGenerationTransformer fitted = _ml.Trl().Ddpo(start, Brightness, options).Fit(Rows(4));
        using DisposeScope scope = torch.NewDisposeScope();
        string[] prompts = [.. Shapes.Examples(6).Select(example => example.Prompt)];
        float expected = start.Generate(prompts, fitted.Generation).mean().item<float>();
        Assert.AreEqual(0, fitted.Reports[0].Step);
        Close.Absolute(expected, fitted.Reports[0]["eval_reward_mean"], 1e-5);
    }

    [TestMethod]
    public void Evaluating_images_leaves_training_bit_equal_and_the_best_weights_come_back() => Leaks.None(() =>
    {
        DdpoOptions watched = Ddpo with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvaluationData = Rows(5) };
        (_, float[] plain) = Drawing(Ddpo);
        (IReadOnlyList<StepReport> reports, float[] weights) = Drawing(watched);
        CollectionAssert.AreEqual(plain, weights);
        double[] rewards = Figures(reports, "eval_reward_mean");
        Assert.HasCount(4, rewards);
        Close.Absolute(rewards, Figures(Drawing(watched with { PerDeviceEvalBatchSize = 2 }).Reports, "eval_reward_mean"), 1e-5);
        int best = Array.IndexOf(rewards, rewards.Max()) + 1;
        float[] there = Drawing(Ddpo with { Callbacks = [new StopAt(best)] }).Weights;
        CollectionAssert.AreEqual(there, Drawing(watched with { LoadBestModelAtEnd = true }).Weights);
    });

    [TestMethod]
    public void Noise_in_held_out_images_is_the_same_every_time() => Leaks.None(() =>
    {
        DenoisingOptions watched = Denoising with
        {
            EvalStrategy = EvalStrategy.Steps, EvalSteps = 2, EvalOnStart = true, EvaluationData = Rows(7),
        };
        (_, float[] plain) = Seeing(Denoising);
        (IReadOnlyList<StepReport> reports, float[] weights) = Seeing(watched);
        CollectionAssert.AreEqual(plain, weights);
        double[] losses = Figures(reports, "eval_loss");
        Assert.HasCount(4, losses);
        Close.Absolute(losses, Figures(Seeing(watched with { PerDeviceEvalBatchSize = 3 }).Reports, "eval_loss"), 1e-5);
        (IReadOnlyList<StepReport> still, _) = Seeing(watched with { LearningRate = 1e-12 });
        Close.Absolute(Figures(still, "eval_loss")[0], Figures(still, "eval_loss")[^1], 1e-6, "a model that learns nothing");
        Close.Below(losses[0], Figures(Seeing(watched with { MaxSteps = 60, EvalSteps = 60 }).Reports, "eval_loss")[^1], "after 60 steps");
    });

    [TestMethod]
    public void What_is_wrong_with_held_out_images_and_prompts_is_said_before_training()
    {
        using DiffusionModel start = Shapes.Model();
        string Message(Action fit) => Assert.ThrowsExactly<ArgumentException>(fit).Message;
        DdpoOptions asked = Ddpo with { EvalOnStart = true };
        IDataView strange = _ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a house", Image = new[] { 1f } } });
        Assert.StartsWith(
            "EvaluationData: Row 0 cannot be drawn: ",
            Message(() => _ml.Trl().Ddpo(start, Brightness, asked with { EvaluationData = strange }).Fit(Rows(4))));
        Assert.Contains(
            "EvalOnStart is true, but there is nothing to evaluate on",
            Message(() => _ml.Trl().Ddpo(start, Brightness, asked).Fit(Rows(4))));
        DenoisingOptions learning = Denoising with { EvalOnStart = true, EvaluationData = strange };
        Assert.StartsWith("EvaluationData: ", Message(() => _ml.Trl().Denoising(Shapes.Config, learning).Fit(Rows(4))));
        Assert.Contains(
            "EarlyStoppingPatience (2) goes by evaluations, and EvalStrategy is No",
            Message(() => _ml.Trl().Ddpo(start, Brightness, Ddpo with { EarlyStoppingPatience = 2 })));
    }

    private IDataView Rows(int count) => Shapes.View(_ml, Shapes.Examples(count));

    private (IReadOnlyList<StepReport> Reports, float[] Weights) Drawing(DdpoOptions options)
    {
        using DiffusionModel start = Shapes.Model();
        using ImageGenerationTransformer fitted = _ml.Trl().Ddpo(start, Brightness, options).Fit(Rows(4));
        return (fitted.Reports, TinyModels.Flat(fitted.Model.Weights()));
    }

    private (IReadOnlyList<StepReport> Reports, float[] Weights) Seeing(DenoisingOptions options)
    {
        using ImageGenerationTransformer fitted = _ml.Trl().Denoising(Shapes.Config, options).Fit(Rows(8));
        return (fitted.Reports, TinyModels.Flat(fitted.Model.Weights()));
    }

    private static double[] Figures(IReadOnlyList<StepReport> reports, string name) =>
        [.. reports.Where(report => report.Metrics.ContainsKey(name)).Select(report => report[name])];

    private sealed class StopAt(int step) : ITrainingCallback
    {
        public void OnStepEnd(TrainingState state, TrainingControl control)
        {
            if (state.Step == step)
                control.StopTraining();
        }
    }
}
